package role

import "time"

// Name of a role; the words are those of the status reports.
type Name string

const (
	Active  Name = "active"
	Standby Name = "standby"
	Witness Name = "witness"
)

// Input is everything the decision rests on, as observed at Now.
type Input struct {
	Witness bool // the node has no data plane
	Spare   bool // the node has no vote
	Leader  bool // of the current term, by this node's Raft
	Term    uint64
	// LeaseUntil is the end of the leader's lease, with Go's monotonic reading,
	// as Now.
	LeaseUntil time.Time
	Now        time.Time

	DataPlaneReady bool // it serves the newest configuration
	LinkUp         bool // every link that carries a VIP has carrier
	HolderUp       bool // the holder process runs, or none is needed
	ArbiterDown    bool // there is an arbiter and it does not answer this node
	// PeerCanServe: a fresh report says that another data node is ready.
	PeerCanServe bool
	Stopping     bool // the process is leaving
	Releasing    bool // an operator's switchover is under way
}

// Output is what to do.
type Output struct {
	// Hold the VIPs until Deadline. Without Hold: release at once.
	Hold     bool
	Deadline time.Time // the lease's end; zero without Hold
	// HandOver asks to give Raft leadership to a peer that can serve, after the
	// release is confirmed.
	HandOver bool
	Role     Name // Active exactly when Hold
	// Ready: the node serves, or could serve at once if it became active.
	Ready bool
	Why   string // in words, for people
}

// Decide is total and deterministic. The first that applies:
//
//  1. A witness holds nothing; should it lead, it hands over.
//  2. A node that does not lead, or whose lease is over, holds nothing.
//  3. A leader that is stopping or switching over holds nothing. It hands over
//     here only when it is broken as well: else whoever stops it does so.
//  4. A leader whose link is down or whose holder is dead holds nothing: it
//     could not. It hands over when a peer can serve.
//  5. A leader whose data plane is not ready, or whose arbiter is silent, does
//     the same when a peer can serve; when none can it holds on, for a partial
//     service is better than none.
//  6. A leader holds until its lease ends.
func Decide(in Input) Output {
	out := Output{Role: Standby}
	fault, total := in.fault()
	out.Ready = fault == "" && !in.Stopping && !in.Spare
	leased := in.Leader && in.Now.Before(in.LeaseUntil)
	relieved := leased && fault != "" && in.PeerCanServe
	switch {
	case in.Witness:
		out.Role, out.HandOver, out.Why = Witness, in.Leader, "witness"
	case in.Stopping:
		out.HandOver, out.Why = relieved, "stopping"
	case !in.Leader && fault != "":
		out.Why = fault
	case !in.Leader && in.Spare:
		out.Why = "spare: has no vote"
	case !in.Leader:
		out.Why = "not the leader"
	case !leased:
		out.Why = "the lease has run out: no quorum answers"
	case in.Releasing:
		out.HandOver, out.Why = relieved, "switchover"
	case relieved:
		out.HandOver, out.Why = true, fault+", and a peer can serve"
	case total:
		out.Why = fault + ", and no peer can serve"
	default:
		out.Hold, out.Deadline, out.Role = true, in.LeaseUntil, Active
		out.Why = "leader with a lease"
		if fault != "" {
			out.Why += ", but " + fault
		}
	}
	return out
}

// fault is the first reason why the node could not serve well, or "". total
// says that nothing at all could be served.
func (in Input) fault() (reason string, total bool) {
	switch {
	case !in.HolderUp:
		return "VIP holder not running", true
	case !in.LinkUp:
		return "link down", true
	case !in.DataPlaneReady:
		return "data plane not ready", false
	case in.ArbiterDown:
		return "arbiter does not answer", false
	}
	return "", false
}
