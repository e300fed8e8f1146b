package raft

import "time"

// claim is this node's side of a lock that an arbiter keeps without knowing it.
//
// An arbiter has one entry in its ARP table for a VIP. A node *writes* it by an
// ARP question in the VIP's name, and *reads* it by an echo request in the VIP's
// name: the answer goes to whom the arbiter takes for the owner, so that a node
// learns "it is I" or nothing. That is a register which the last writer has, and
// a lock is made of it with time (Fischer's algorithm, with a lease):
//
//   - A holder reads, then writes, again and again. Its proof is the sending time
//     of the newest read that was answered, and is good for its lease (see byLock).
//   - Who wants to hold writes once, and then only reads. Once the first answer
//     has come (at f) and an answer to a read sent after f + need, it holds; need
//     exceeds the longest lease that another may have.
//
// Why no two hold: let b hold by a read that the arbiter handled at q. It wrote
// only before f, so the entry was b's from f to q: had another written in
// between, it would not be b's at q. Hence the newest read of a holder a that was
// answered was handled before f, so it was sent before f, and a's lease ended before
// f + need. From then on a is no holder and does not write, but has to claim as b
// did. Delays and losses of any length change nothing in this; that messages of
// one node arrive in order is needed.
//
// Not safe for concurrent use. It does no I/O and reads no clock.
type claim struct {
	state claimState
	begun time.Time     // claiming, claimed: when the entry was first written
	since time.Time     // claiming: when the first answer came, zero before
	need  time.Duration // claiming: see above; 0: nobody else can hold
	proof time.Time     // sending time of the newest answered read since begun
	heard time.Time     // when its answer came
	again time.Time     // no new claim before
}

type claimState int

const (
	unclaimed claimState = iota
	claiming
	claimed
)

// claimWish is what is wanted of the lock.
type claimWish int

const (
	wishNone claimWish = iota // let it go
	wishKeep                  // hold on to it, but take it from nobody
	wishTake                  // take it, unless somebody holds on to it
	wishOwn                   // take it at once: it is known otherwise that nobody else holds
)

// claimMove is what is to be sent to the arbiter now.
type claimMove int

const (
	moveNone      claimMove = iota
	moveWriteRead           // a claim begins
	moveRead                // a claim waits
	moveReadWrite           // a holder's round
)

// fresh tells whether nobody else can hold yet after the death of the leader's VIP
// holder, which this node knows of since died. Its node needs a new claim for that,
// which takes longer than a lease. A process that was not running (woke is when it
// last went on after a pause) may have learnt of the death long after it.
func (t Timing) fresh(died, woke, now time.Time, lease time.Duration) bool {
	return now.Sub(died) < lease/2 && died.Sub(woke) > t.Detect
}

// paused tells whether a process did not run for so long, between two rounds, that
// what it takes for news may be old.
func paused(last, now time.Time, lease time.Duration) bool { return now.Sub(last) >= lease/2 }

// byLock is how long an answer of the arbiter is good for where one of the peer is good for
// lease: a claim, which begins later than the peer falls silent, has to wait for it.
func byLock(lease time.Duration) time.Duration { return lease - lease/8 }

// missed is after how much silence something is amiss.
func (t Timing) missed() time.Duration { return time.Duration(earlyBeats * float64(t.Beat)) }

// earliest is after how much silence of a leader a claim begins although its VIP is answered for.
func (t Timing) earliest() time.Duration {
	return max(time.Duration(earlyDetect*float64(t.Detect)), t.missed())
}

// early tells whether a leader has been silent for long enough to begin a claim,
// which takes longer than what is left of Detect: sooner when its VIP is silent, too.
func (t Timing) early(silence, unseen time.Duration) bool {
	return silence >= t.earliest() || min(silence, unseen) >= t.missed()
}

// followerWish is what a node that does not lead wants. gone: the leader's VIP holder
// is known to have died a moment ago; unseen: for how long nobody answered for a VIP; tried: a
// claim has failed since the leader was last heard. A leader whose beats alone do not
// reach this node shows itself on the wire: to try once does no harm to speak of, and
// gains time when it is frozen.
func (t Timing) followerWish(gone bool, silence, unseen time.Duration, tried bool) claimWish {
	switch {
	case gone:
		return wishOwn
	case !t.early(silence, unseen), tried && unseen < t.Detect:
		return wishNone
	}
	return wishTake
}

// step says what to send. lease is what a proof of this node is good for, theirs
// the longest that one of another node may be.
func (c *claim) step(now time.Time, wish claimWish, lease, theirs time.Duration) claimMove {
	if c.state == claimed && now.Sub(c.proof) >= lease {
		c.state = unclaimed // somebody else may have it
	}
	if c.state == claiming && now.Sub(later(c.begun, c.heard)) > claimPatience {
		c.state, c.again = unclaimed, now.Add(claimAgain)
	}
	switch {
	case wish == wishNone || wish == wishKeep && c.state != claimed:
		c.state = unclaimed
		return moveNone
	case c.state == claimed:
		return moveReadWrite
	}
	if c.need = theirs + claimGuard; wish == wishOwn {
		c.need = 0
	}
	switch {
	case c.state == claiming:
		return moveRead
	case wish == wishTake && now.Before(c.again):
		return moveNone
	}
	*c = claim{state: claiming, begun: now, need: c.need}
	return moveWriteRead
}

// answered notes an answer to the read that was sent at sent.
func (c *claim) answered(sent, now time.Time) {
	if c.state == unclaimed || sent.Before(c.begun) {
		return
	}
	c.proof, c.heard = later(c.proof, sent), now
	if c.state != claiming {
		return
	}
	if c.since.IsZero() {
		c.since = now
	}
	if c.need == 0 || sent.Sub(c.since) >= c.need {
		c.state = claimed
	}
}

// due is when a claim needs its next read to end at once; zero when it does not
// depend on that.
func (c *claim) due() time.Time {
	if c.state != claiming || c.since.IsZero() {
		return time.Time{}
	}
	return c.since.Add(c.need)
}

// held tells whether this node holds the lock, and by which proof.
func (c *claim) held(now time.Time, lease time.Duration) (proof time.Time, ok bool) {
	return c.proof, c.state == claimed && now.Sub(c.proof) < lease
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
