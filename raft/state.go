package raft

import (
	"context"
	"slices"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store/model"
)

// votersView is the configuration as State shows it; rebuilt only when it changed.
type votersView struct {
	voters []model.NodeID
	seat   bool
}

// What State.Cause says.
const (
	causeAlone   = "nobody else leads"
	causeHanded  = "the leader before handed over"
	causeDead    = "the VIP holder of the leader before died"
	causeSilence = "the leader before fell silent"
)

// State looks at consensus.
func (n *Node) State() State {
	c := n.core.Load()
	if c == nil {
		return State{Quorum: QuorumLost}
	}
	r, now := c.lib.Load(), time.Now()
	s := State{
		ID: model.NodeID(c.id), Holder: n.holder.Load(), Term: r.CurrentTerm(), LastIndex: r.LastIndex(), Commit: r.CommitIndex(), Applied: n.st.Index(),
	}
	if t, slowed := c.pace.kept(); slowed {
		s.Slowed = t
	}
	s.Removed, s.Commit = c.banished.Load(), max(s.Commit, s.Applied)
	v := n.view(c)
	s.Voters, s.Seat = v.voters, v.seat
	_, leader := r.LeaderWithID()
	s.Leader = model.NodeID(leader)
	switch r.State() {
	case hraft.Leader:
		s.Role, s.IsLeader, s.Leader = "leader", true, s.ID
		s.LeaseUntil, s.Holder = c.fence.lease(s.Term)
		s.Lapse = c.fence.lapsedAt(s.Term)
		s.Cause = causeAlone
		if cause := c.cause.Load(); cause != nil {
			s.Cause = *cause
		}
	case hraft.Candidate:
		s.Role = "candidate"
	default:
		s.Role = "follower"
	}
	s.Rights = n.rights(c, s.Term, s.LeaseUntil)
	if s.Rights.All {
		s.Rights.Holder = s.Holder
	}
	s.Quorum = n.quorum(c, s, now)
	return s
}

func (n *Node) quorum(c *core, s State, now time.Time) string {
	if s.IsLeader {
		if _, held := c.heldByArbiter(now); held {
			return QuorumArbiter
		}
		if now.Before(s.LeaseUntil) {
			return QuorumOK
		}
		return QuorumLost
	}
	if s.Leader != "" && c.fence.sinceContact(now) <= n.Timing().Detect {
		return QuorumOK
	}
	return QuorumLost
}

func (n *Node) view(c *core) *votersView {
	ids := voterIDs(c.servers())
	v := n.voters.Load()
	if v != nil && len(ids) == len(v.voters)+btoi(v.seat) {
		same := true
		for _, id := range ids {
			same = same && (id == seatID && v.seat || slices.Contains(v.voters, model.NodeID(id)))
		}
		if same {
			return v
		}
	}
	v = &votersView{}
	for _, id := range ids {
		if id == seatID {
			v.seat = true
		} else {
			v.voters = append(v.voters, model.NodeID(id))
		}
	}
	n.voters.Store(v)
	return v
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Changed holds a token after the role, the leader or the term may have changed,
// and after every growth and the end of this leader's lease. It has one token for
// any number of changes and one reader.
func (n *Node) Changed() <-chan struct{} { return n.changed }

// leader is where the leader is, by this node's own knowledge.
func (n *Node) leader() (addr string, known bool) {
	c := n.core.Load()
	if c == nil {
		return "", false
	}
	a, id := c.lib.Load().LeaderWithID()
	return string(a), id != "" && a != ""
}

// pause waits a little, or until ctx or the node ends.
func (n *Node) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.done:
		return errClosing
	}
}
