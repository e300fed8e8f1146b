package evudp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The table agrees with a map and with lists that are kept in the order of use.
func TestFlowsAreKeptInTheOrderOfUse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newFlows()
		known := map[netip.AddrPort]*flow{}
		var order []*flow // first: used longest ago
		drop := func(f *flow) {
			for i, x := range order {
				if x == f {
					order = append(order[:i:i], order[i+1:]...)
					return
				}
			}
		}
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(100, 400).Draw(t, "ms")) * time.Millisecond
			client := netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", rapid.IntRange(1, 3).Draw(t, "host"), rapid.IntRange(1, 4).Draw(t, "port")))
			f := known[client]
			switch {
			case f == nil:
				f = &flow{client: client, last: now, placed: now}
				known[client] = f
				s.add(f)
				order = append(order, f)
			case rapid.Bool().Draw(t, "remove"):
				s.remove(f)
				delete(known, client)
				drop(f)
			default:
				s.used(f, now)
				drop(f)
				order = append(order, f)
			}
			if len(s.at) != len(known) || s.all.n != len(known) {
				t.Fatalf("%d flows, %d in order; want %d", len(s.at), s.all.n, len(known))
			}
			later := now + quietFor
			for _, source := range []string{"", "192.0.2.1", "192.0.2.2", "192.0.2.3"} {
				var of netip.Addr
				if source != "" {
					of = netip.MustParseAddr(source)
				}
				var want *flow
				for _, x := range order {
					if !of.IsValid() || x.client.Addr() == of {
						want = x
						break
					}
				}
				if got := s.over(of, later); got != want {
					t.Fatalf("quiet for longest of %q: %v, want %v", source, got, want)
				}
			}
			if len(order) > 0 {
				if f := s.over(netip.Addr{}, order[0].last+quietFor-1); f != nil {
					t.Fatalf("%v may make room too early", f.client)
				}
			}
		}
	})
}

func TestASourceHasABound(t *testing.T) {
	s := newFlows()
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range MaxPerSource {
		if s.crowded(one) {
			t.Fatalf("crowded with %d flows", i)
		}
		s.add(&flow{client: netip.AddrPortFrom(one, uint16(i+1))})
	}
	if !s.crowded(one) || s.crowded(other) {
		t.Errorf("crowded: %t, another source: %t", s.crowded(one), s.crowded(other))
	}
	s.remove(s.at[netip.AddrPortFrom(one, 1)])
	if s.crowded(one) {
		t.Error("crowded when one has ended")
	}
}
