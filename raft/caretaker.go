package raft

import (
	"errors"
	"fmt"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// Caretaker goes on earning the lease of a leader whose Raft has ended, for the next
// process of the same node (decision 0056). It sends beats in the leader's term, and
// nothing else: it neither proposes nor commits, and nobody else can lead while they
// are answered. They ask for the longest lease that every voter keeps to, so that there
// is time for the other process to be elected, in the next term, and to give the VIP
// holder an order of its own.
type Caretaker struct {
	c      *core
	term   uint64
	others []hraft.Server   // the voters with a process, without this node
	voters []hraft.ServerID // all of them
	inner  *hraft.NetworkTransport
	stop   chan struct{}
	once   sync.Once
	wg     sync.WaitGroup
}

// Caretaker makes this leader one whose lease another process of the node is to go on
// with: it does not give it up any more, and changes no voters. Close, of the node, may
// follow. It fails, with everything as it was, when this node has no lease, or none that
// other nodes confirm: the arbiter alone would not let another process go on.
func (n *Node) Caretaker() (*Caretaker, error) {
	n.changing.Lock()
	defer n.changing.Unlock()
	c := n.core.Load()
	if c == nil || !c.leads() {
		return nil, errors.New("this node does not lead")
	}
	term, now := c.term(), time.Now()
	t := &Caretaker{c: c, term: term, stop: make(chan struct{})}
	t.others, _ = c.realPeers()
	servers := c.servers()
	t.voters = voterIDs(servers)
	answering := 0
	for _, s := range t.others {
		if c.peers.sinceAnswer(s.ID, now) < c.timing().Lease {
			answering++
		}
	}
	if until, _ := c.fence.lease(term); !now.Before(until) || answering < len(t.voters)/2 || answering == 0 {
		return nil, fmt.Errorf("only %d of the other %d voters answer", answering, len(t.voters)-1)
	}
	if !c.fence.bequeath(term) {
		return nil, errors.New("the lease is given up already")
	}
	n.frozen = true
	t.inner = hraft.NewNetworkTransportWithConfig(&hraft.NetworkTransportConfig{
		ServerAddressProvider: c.peers, Stream: raftStream{newConnQueue(n.mux.raft.Addr()), n.mux}, MaxPool: 1, MaxRPCsInFlight: 1,
		Timeout: max(ioTimeout, c.timing().Detect), Logger: newBridge(n.log, "caretaker"),
	})
	for _, s := range t.others {
		t.wg.Go(func() { t.beat(s) })
	}
	return t, nil
}

// beat asks a voter until Close.
func (t *Caretaker) beat(s hraft.Server) {
	tick := time.NewTicker(t.c.timing().Beat)
	defer tick.Stop()
	for {
		sent := time.Now()
		n := t.c.fence.asksLong(sent)
		req := &hraft.AppendEntriesRequest{RPCHeader: t.c.header(), Term: t.term}
		req.ID = n.on(req.ID)
		var resp hraft.AppendEntriesResponse
		err := t.inner.AppendEntries(s.ID, s.Address, req, &resp)
		if err == nil && resp.Success && resp.Term == t.term && t.c.fence.acked(s.ID, n, t.term, sent, t.voters, t.c.id) {
			t.c.notify()
		}
		select {
		case <-t.stop:
			return
		case <-tick.C:
		}
	}
}

// Term is the leader's.
func (t *Caretaker) Term() uint64 { return t.term }

// Lease is when the right to the VIPs ends, and for which VIP holder it is. It grows no
// more once another process of the node, or another node, has been elected.
func (t *Caretaker) Lease() (until time.Time, holder uint64) { return t.c.fence.lease(t.term) }

// Close ends it.
func (t *Caretaker) Close() {
	t.once.Do(func() {
		close(t.stop)
		t.inner.Close()
		t.inner.CloseStreams()
	})
	t.wg.Wait()
}
