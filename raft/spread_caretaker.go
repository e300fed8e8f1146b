package raft

import (
	"errors"
	"fmt"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store/model"
)

// restartingFor is how long a node counts as one that restarts in place after it has
// last said so: until its next process has been heard.
const restartingFor = time.Second

// SpreadCaretaker goes on earning the lease for a node's share of the load balancers
// when its Raft has ended, for the next process of the node (decision 0059). To the
// voters it is the same node with the same VIP holder, which is slow to apply what
// becomes of the table: what it has obeyed, and what it holds the share by, stays as
// it is, so no version that takes something from it is cleared for others meanwhile.
//
// This process's own vote counts no more: the next one may forget it.
type SpreadCaretaker struct {
	n      *Node
	c      *core
	obeyed uint64
	others []hraft.Server // the voters with a process, without this node
	voters []hraft.ServerID
	stop   chan struct{}
	once   sync.Once
	wg     sync.WaitGroup
}

// SpreadCaretaker begins one. Close, of the node, may follow; Obey must not be called
// any more. It fails, with everything as it was, where this node leads, holds nothing
// by the table, or gets its lease from too few of the other nodes.
func (n *Node) SpreadCaretaker() (*SpreadCaretaker, error) {
	n.changing.Lock()
	defer n.changing.Unlock()
	c := n.core.Load()
	if c == nil || c.leads() {
		return nil, errors.New("this node leads")
	}
	t := &SpreadCaretaker{n: n, c: c, obeyed: c.spread.lease.asks(0).Obeyed, stop: make(chan struct{})}
	if table := c.spread.table.Load(); !table.On || t.obeyed < table.Version {
		return nil, fmt.Errorf("version %d of the table is not obeyed yet", table.Version)
	}
	t.others, _ = c.realPeers()
	t.voters = voterIDs(c.servers())
	if got := c.spread.lease.from(t.others, time.Now()); got < len(t.voters)/2+1 {
		return nil, fmt.Errorf("only %d of the other %d voters give a lease", got, len(t.voters)-1)
	}
	n.frozen = true
	c.spread.lease.restart()
	for _, s := range t.others {
		t.wg.Go(func() { t.ask(s) })
	}
	return t, nil
}

// ask asks a voter every Beat until Close.
func (t *SpreadCaretaker) ask(s hraft.Server) {
	tick := time.NewTicker(t.c.timing().Beat)
	defer tick.Stop()
	for {
		t.n.askSpreadOf(t.c, s, t.c.timing().Lease, t.voters)
		select {
		case <-t.stop:
			return
		case <-tick.C:
		}
	}
}

// Obeyed is the version of the table that the node has obeyed.
func (t *SpreadCaretaker) Obeyed() uint64 { return t.obeyed }

// Lease is when the right to the share ends, and for which VIP holder it is.
func (t *SpreadCaretaker) Lease() (until time.Time, holder uint64) {
	l := t.c.spread.lease.view()
	return l.Until, l.Holder
}

// Close ends it.
func (t *SpreadCaretaker) Close() {
	t.once.Do(func() { close(t.stop) })
	t.wg.Wait()
	t.n.client.close()
}

// from is how many of these voters give a lease now.
func (l *spreadLease) from(servers []hraft.Server, now time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range servers {
		if now.Before(l.acks[s.ID].until) {
			n++
		}
	}
	return n
}

// restart has the questions say that the node restarts; settle ends that.
func (l *spreadLease) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restarting = true
}

func (l *spreadLease) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restarting = false
}

// inheritSpread makes this process go on where the one before was, as an answer to its
// caretaker: what that one has obeyed the VIP holder obeys still. Until Settled this
// one obeys nothing more, and it has no rights before it knows the table as far.
func (n *Node) inheritSpread(c *core) {
	c.spread.least = n.cfg.Obeyed
	c.spread.lease.obey(n.cfg.Obeyed)
	c.spread.lease.restart()
	n.wg.Go(func() {
		select {
		case <-n.cfg.Settled:
			c.spread.lease.settle()
		case <-n.done:
		}
	})
}

// restarters are the nodes that say they restart in place, and when they last did.
type restarters struct {
	mu sync.Mutex
	at map[hraft.ServerID]time.Time // guarded by mu; of restartingFor and less ago
}

func (r *restarters) note(id hraft.ServerID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = map[hraft.ServerID]time.Time{}
	}
	for k, at := range r.at {
		if now.Sub(at) > restartingFor {
			delete(r.at, k)
		}
	}
	r.at[id] = now
}

// Restarting reports whether a node restarts in place and keeps its share by a lease
// that this voter goes on giving it: that it says nothing else is no reason to give
// the share to others.
func (n *Node) Restarting(node model.NodeID) bool {
	c := n.core.Load()
	if c == nil {
		return false
	}
	r := &c.spread.restarting
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[hraftID(node)]
	return ok && time.Since(at) <= restartingFor
}
