package raft

import "time"

// seatQuestion is all that the arbiter seat's vote depends on.
type seatQuestion struct {
	Term      uint64
	Candidate string
	Pre       bool // a pre-vote: binds nobody

	Voted     seatVote
	Parity    uint64        // terms this node may win with the seat have Term%2 == Parity
	RealPeers int           // other voters besides the seat; none for a moment, while a dead peer is taken out
	Silence   time.Duration // since the peer was heard on any path
	Gone      bool          // the peer led, and its VIP holder is known to be dead
	Detect    time.Duration
	Up        time.Duration // age of this process
	Arbiter   bool          // it answers this node
	VIPSilent bool          // no one answers for a VIP
	Registers RegistersState
	Locked    bool // this node holds the arbiter's lock
}

// seatAnswer says why, in words for the log. Term is what the candidate is told.
type seatAnswer struct {
	Granted bool
	Term    uint64
	Why     string
}

// decideSeat is the arbiter seat's vote. The seat has no memory in common with
// the seat as the peer answers it, so it may never help both to lead in one
// term: each node gets every second term. A pre-vote is not refused for that, or
// the term would never move on.
//
// Silence, too, is an inference and so needs time to listen; a peer's VIP holder that is
// known to be dead is a fact. The peer cannot use its own half of the seat behind
// this one's back: a leader with another holder needs this node's answer first.
//
// Where the arbiter keeps a lock (see claim), holding it is all that is needed.
// Without one the peer's absence is inferred, which is wrong when the two nodes
// hear each other on no path and both reach the arbiter.
//
// On a term that is not this node's, the answer carries a term two higher. The
// library then becomes a follower in it and next stands for the one after: an odd
// distance from where it was, hence a term of this node's. (One higher would lead
// to an even distance, and so for ever.)
func decideSeat(q seatQuestion) seatAnswer {
	no := func(why string) seatAnswer { return seatAnswer{Term: max(q.Term, q.Voted.Term), Why: why} }
	switch {
	case q.RealPeers > 1:
		return no("the seat serves two data nodes only")
	case q.Registers == RegistersUnknown:
		return no("it is not known yet what the arbiter can do")
	case q.Registers == RegistersReady && !q.Locked:
		return no("the arbiter does not take this node for the owner of the VIPs, or not for long enough")
	case q.Registers == RegistersNone:
		if why := q.inferred(); why != "" {
			return no(why)
		}
	}
	switch {
	case q.Term < q.Voted.Term:
		return no("the term is over")
	case q.Pre:
		return seatAnswer{Granted: true, Term: q.Term}
	case q.Term%2 != q.Parity:
		return seatAnswer{Term: q.Term + 2, Why: "the term is the peer's"}
	case q.Term == q.Voted.Term && q.Candidate != q.Voted.For:
		return no("the vote of this term is given")
	}
	return seatAnswer{Granted: true, Term: q.Term}
}

// inferred is why the peer may still hold, "" when it seems not to.
func (q seatQuestion) inferred() string {
	switch {
	case q.Silence < q.Detect && !q.Gone:
		return "the peer is not silent"
	case q.Up < seatUp*q.Detect && !q.Gone:
		return "this node has not listened long enough"
	case !q.Arbiter:
		return "the arbiter does not answer"
	case !q.VIPSilent:
		return "someone answers for a VIP"
	}
	return ""
}
