package raft

import "time"

// The library's own timers. Its leader steps down after libTimeout without a
// quorum, its followers stand after one to two of it, and a candidate that failed
// waits as long; shorter than a busy machine's hiccups would depose leaders.
const (
	libTimeout = 600 * time.Millisecond
	// commitTimeout is how long, once to twice, an idle leader waits before it
	// tells the others what is committed, or would: see news. An object is ACTIVE
	// when every data plane serves it, so that this is most of what a create takes.
	commitTimeout = 10 * time.Millisecond
	// ioTimeout bounds one message between libraries, connecting included.
	ioTimeout = 300 * time.Millisecond
)

// Timing defaults and what they are bound by; see failover-findings: a leader's
// lease must end before any voter's promise does.
const (
	defaultDetect = 300 * time.Millisecond
	defaultLease  = 200 * time.Millisecond
	// guard between lease and promise pays for clock rates and for the time the
	// VIP holder takes to shut its gate.
	guard = 50 * time.Millisecond

	// leastGuard is the guard that every voter keeps to the lease a beat asked for.
	leastGuard = 20 * time.Millisecond
	// longestLease is what a voter that was just started may have promised before.
	longestLease = 400 * time.Millisecond

	// rankStep staggers candidates so that they do not split the vote: about
	// three fsyncs of a good disk.
	rankStep = 15 * time.Millisecond
	// askAgain is the pause between two rounds of pre-votes.
	askAgain = 15 * time.Millisecond
	// spreadRest is how often a node looks whether it has to ask for a lease of Spread,
	// when nobody tells it.
	spreadRest = 50 * time.Millisecond
	// orphanAgain is that pause when the leader's VIP holder is known to be gone:
	// the other voters learn of it within a millisecond or two of each other. It is
	// also when a voter that said no is asked again while another one is silent.
	orphanAgain = 3 * time.Millisecond
)

// Network bounds.
const (
	dialTimeout      = 500 * time.Millisecond // a healed link must not wait out a TCP back-off
	handshakeTimeout = 5 * time.Second
	maxHandshakes    = 64      // connections not yet authenticated
	maxBody          = 8 << 20 // bytes of one peer message
	peerIdle         = 60 * time.Second
	peerTimeout      = 10 * time.Second // one peer request, unless its context is shorter
	closeWait        = time.Second      // for peers' requests under way
	pushTimeout      = 2 * time.Second
	pooledConns      = 3 // per peer: heartbeat, replication, votes
)

// Writes and membership.
const (
	// writeWait is how long a write waits for a leader and a quorum.
	writeWait = 5 * time.Second
	// maxWrites bounds the writes of this node that wait for a commit.
	maxWrites = 512
	// lookAgain is the pause when there is no leader to talk to.
	lookAgain = 20 * time.Millisecond
	// reconcileEvery is how often the leader compares members and voters without
	// being told of a change.
	reconcileEvery = 250 * time.Millisecond
	// changeTimeout bounds one change of the Raft configuration.
	changeTimeout = 5 * time.Second
	// recoverTries is how often each lost node is called before a recovery.
	recoverTries = 3
	// reachTimeout bounds the leader's tries to reach a new node that does not refuse.
	reachTimeout = 5 * time.Second
	// enterTimeout bounds the time until a new node has caught up.
	enterTimeout = 60 * time.Second
	// maxVoters: five survive the loss of two; more only make writes slower.
	maxVoters = 5

	maxPending    = 32 // nodes waiting for approval
	pendingExpiry = 15 * time.Minute
	approvedFor   = 15 * time.Minute
	joinPoll      = time.Second
	joinTry       = 10 * time.Second
	maxNameLength = 63
)

// Disk.
const (
	retainSnapshots = 2
	logCacheSize    = 512
	trailingLogs    = 4096 // a node that was away for less gets entries, not a snapshot
	snapshotEvery   = 2 * time.Minute
	snapshotAfter   = 2048 // entries
	lockTimeout     = 200 * time.Millisecond
	renewCheck      = 12 * time.Hour
)

// The arbiter's lock, see claim.
const (
	// claimEvery is how often at most an arbiter is asked; less where the lease is short.
	claimEvery = 25 * time.Millisecond
	// seatedLook is how often a node without an arbiter seat looks whether there is one.
	seatedLook = 100 * time.Millisecond
	// claimGuard is what a claim waits beyond the longest lease of another node, for
	// clock rates and for packets that have passed a gate and not left yet. The kernel
	// shuts the gate in time, and before the new holder answers for a VIP it has to be
	// elected and to write that down.
	claimGuard = 8 * time.Millisecond
	// claimPatience is how long a claim may be without an answer before it is given
	// up: somebody else has written, or many messages were lost.
	claimPatience = 100 * time.Millisecond
	// claimAgain is the pause after a claim that was given up. Each one sends a
	// holder's traffic from the arbiter astray until its next round.
	claimAgain = time.Second
	// earlyBeats and earlyDetect: a claim begins after so many beats were missed, and as
	// long as the VIP is answered for not before that part of Detect, because it takes longer
	// than what is left of it. One that is begun while the owner still holds is in vain, and
	// costs claimAgain.
	earlyBeats  = 2.5
	earlyDetect = 0.4
	// maxReads bounds the questions to one arbiter whose answers are waited for.
	maxReads = 64
)

// seatUp is how long this process must be up, in units of Detect, before its
// seat votes: it must have had time to hear a peer.
const seatUp = 4

// withDefaults fills zero fields.
func (t Timing) withDefaults() Timing {
	if t.Detect == 0 {
		t.Detect = defaultDetect
		if t.Lease > t.Detect-guard {
			t.Detect = t.Lease + guard
		}
	}
	if t.Lease == 0 {
		t.Lease = min(defaultLease, t.Detect-guard)
	}
	if t.Beat == 0 {
		t.Beat = max(t.Lease/5, 5*time.Millisecond)
	}
	return t
}

// promise is how long a voter stays loyal after a beat: a little less than
// Detect, because two voters hear a leader's last beats at different moments and
// the second must not refuse the first one's candidacy. It stays well above Lease.
func (t Timing) promise() time.Duration {
	return t.Detect - min(t.Detect/10, (t.Detect-t.Lease)/2)
}
