package live

import (
	"sync/atomic"

	"lbd/store/model"
)

// Shard is one part of a listener's counters. Whoever counts holds on to one
// shard for the life of a connection; reading sums them all. Values only grow.
type Shard struct {
	BytesIn, BytesOut atomic.Int64
	Connections       atomic.Int64
	Requests          atomic.Int64
	RequestErrors     atomic.Int64
	// Latency of answers that were counted as requests and are complete, from the
	// last byte of the request's head to the socket's taking the last byte of the
	// answer; lingering is not in it, nor are tunnels.
	Latency Histogram
	_       [128 - 7*8]byte // two cache lines: the prefetcher takes pairs
}

// Listener is the part of a listener that outlives swaps.
type Listener struct {
	ID model.ListenerID

	shard [shards]Shard
	next  atomic.Uint32

	gate gate

	// Datagrams of a UDP listener.
	Datagrams Datagrams
}

// NewListener starts at zero, without limit.
func NewListener(id model.ListenerID) *Listener {
	l := &Listener{ID: id}
	l.gate.init()
	return l
}

// Shard deals out a shard for one connection.
func (l *Listener) Shard() *Shard {
	return &l.shard[l.next.Add(1)%shards]
}

// ShardOf is the shard of the n-th event loop, whose connections all share it.
func (l *Listener) ShardOf(n int) *Shard { return &l.shard[n%shards] }

// Latency sums what the shards hold of it.
func (l *Listener) Latency() *Spread {
	s := &Spread{}
	for i := range l.shard {
		s.Read(&l.shard[i].Latency)
	}
	return s
}

// Counters sums the shards.
func (l *Listener) Counters() model.ListenerCounters {
	var c model.ListenerCounters
	for i := range l.shard {
		s := &l.shard[i]
		c.BytesIn += s.BytesIn.Load()
		c.BytesOut += s.BytesOut.Load()
		c.TotalConnections += s.Connections.Load()
		c.Requests += s.Requests.Load()
		c.RequestErrors += s.RequestErrors.Load()
	}
	c.ActiveConnections = l.gate.active.Load()
	c.Full = l.Full()
	return c
}
