package evudp

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"lbd/dataplane/evtcp"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/table"
)

// A source that has all the flows it may have gets no other one, and the drop is counted.
func TestPortKeepsToTheBoundOfASource(t *testing.T) {
	l, err := loop.New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	t.Cleanup(func() {
		go func() { over <- l.Run() }()
		l.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	lis := &table.Listener{Live: &live.Listener{}}
	lis.Live.SetLimit(-1)
	var src atomic.Pointer[table.Listener]
	src.Store(lis)
	p := New(l, 0).NewPort(-1, &evtcp.Door{Src: &src, Group: live.NewGroup(), Budget: live.NewBudget(1 << 20), Cost: 1})
	one := netip.MustParseAddr("192.0.2.1")
	for i := range MaxPerSource {
		p.flows.add(&flow{client: netip.AddrPortFrom(one, uint16(i+1))})
	}
	if f := p.begin(netip.AddrPortFrom(one, MaxPerSource+1), &loop.SockAddr{}); f != nil {
		t.Error("another flow was begun")
	}
	if got := lis.Live.Datagrams.Dropped[live.Full].Load(); got != 1 {
		t.Errorf("%d datagrams are counted as dropped for want of room", got)
	}
	if p.door.Budget.Used() != 0 {
		t.Error("descriptors were taken")
	}
}
