package raft

import (
	"slices"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// spreadLease is the other side of spreadVoter: what a quorum of voters has
// answered this node. Its VIP holder may hold, until the lease ends, what the table
// gives the node since a version that is cleared.
type spreadLease struct {
	mu         sync.Mutex
	holder     uint64                       // guarded by mu; our VIP holder, for which alone the lease is good
	obeyed     uint64                       // guarded by mu
	restarting bool                         // guarded by mu; questions say so
	acks       map[hraft.ServerID]spreadAck // guarded by mu
	now        SpreadLease                  // guarded by mu; what acks come to
}

// spreadAck is what a voter has answered.
type spreadAck struct {
	until   time.Time
	cleared uint64
}

// spreadAsk is what a question says; who asks and when is the sender's.
type spreadAsk struct {
	Holder uint64        `json:"holder"`
	Obeyed uint64        `json:"obeyed"`
	Lease  time.Duration `json:"lease"` // at most longestLease
	// Restarting: the node restarts in place, and says nothing else.
	Restarting bool `json:"restarting,omitempty"`
}

// SpreadLease is a node's right to hold what the table of Spread gives it.
type SpreadLease struct {
	Until  time.Time // with a monotonic reading; zero: there is none
	Holder uint64    // the VIP holder it is good for
	// Cleared: nobody else holds what versions up to this took from him. It grows only.
	Cleared uint64
}

func newSpreadLease(holder uint64) *spreadLease {
	return &spreadLease{holder: holder, now: SpreadLease{Holder: holder}, acks: make(map[hraft.ServerID]spreadAck)}
}

// asks is what the next question has to say.
func (l *spreadLease) asks(lease time.Duration) spreadAsk {
	l.mu.Lock()
	defer l.mu.Unlock()
	return spreadAsk{Holder: l.holder, Obeyed: l.obeyed, Lease: lease, Restarting: l.restarting}
}

// answered notes a voter's answer to a question that was sent at sent, and reports
// whether anything grew.
func (l *spreadLease) answered(id hraft.ServerID, q spreadAsk, cleared uint64, sent time.Time, voters []hraft.ServerID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.Holder != l.holder {
		return false
	}
	a := l.acks[id]
	if until := sent.Add(q.Lease); until.After(a.until) {
		a.until = until
	}
	a.cleared = max(a.cleared, cleared)
	l.acks[id] = a
	return l.count(voters)
}

// count takes of each thing what a quorum has said. Callers hold mu.
func (l *spreadLease) count(voters []hraft.ServerID) (grew bool) {
	var until []time.Time
	var cleared []uint64
	for _, v := range voters {
		if a, ok := l.acks[v]; ok {
			until, cleared = append(until, a.until), append(cleared, a.cleared)
		}
	}
	need := len(voters)/2 + 1
	old := l.now
	if len(until) >= need {
		slices.SortFunc(until, time.Time.Compare)
		if u := until[len(until)-need]; u.After(l.now.Until) {
			l.now.Until = u
		}
		slices.Sort(cleared)
		l.now.Cleared = max(l.now.Cleared, cleared[len(cleared)-need])
	}
	return l.now != old
}

// obey says that this node holds nothing that versions up to v took from it.
func (l *spreadLease) obey(v uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.obeyed = max(l.obeyed, v)
}

// setHolder makes the node earn its lease anew: what was answered for an earlier
// holder is void, that one is dead.
func (l *spreadLease) setHolder(h uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h == l.holder {
		return
	}
	l.holder = h
	l.now = SpreadLease{Holder: h}
	clear(l.acks)
}

func (l *spreadLease) view() SpreadLease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}
