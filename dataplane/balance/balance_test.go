package balance

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

type fake struct {
	down   atomic.Bool
	active atomic.Int64
}

func (f *fake) Up() bool      { return !f.down.Load() }
func (f *fake) Active() int64 { return f.active.Load() }

func addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// from is a client that connects from addr(i).
func from(i int) netip.AddrPort { return netip.AddrPortFrom(addr(i), 4321) }

func members(weights ...int) ([]Member, []*fake) {
	ms, fs := make([]Member, len(weights)), make([]*fake, len(weights))
	for i, w := range weights {
		fs[i] = &fake{}
		ms[i] = Member{Live: fs[i], Weight: w, Seed: Seed(netip.AddrPortFrom(addr(i), 80))}
	}
	return ms, fs
}

var makers = map[string]func([]Member) Picker{
	"round_robin": NewRoundRobin, "least_connections": NewLeastConnections, "source_ip": NewSourceIP, "source_ip_port": NewSourceIPPort,
}

func count(p Picker, n int) map[int]int {
	got := map[int]int{}
	for i := range n {
		got[p.Pick(from(i), nil)]++
	}
	return got
}

// TestRulesOfAllPickers: whoever is picked is up, has weight, was not tried, and
// is a backup only if no primary is up; somebody is picked if anybody may be.
func TestRulesOfAllPickers(t *testing.T) {
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				n := rapid.IntRange(0, 8).Draw(t, "members")
				var weights []int
				for range n {
					weights = append(weights, rapid.IntRange(0, 5).Draw(t, "weight"))
				}
				ms, fs := members(weights...)
				for i := range ms {
					ms[i].Backup = rapid.Bool().Draw(t, "backup")
					fs[i].down.Store(rapid.Bool().Draw(t, "down"))
					fs[i].active.Store(rapid.Int64Range(0, 20).Draw(t, "active"))
				}
				tried := map[int]bool{}
				for i := range ms {
					tried[i] = rapid.Bool().Draw(t, "tried")
				}
				primaryUp := false
				for i, m := range ms {
					primaryUp = primaryUp || m.Weight > 0 && !m.Backup && fs[i].Up()
				}
				may := map[int]bool{}
				for i, m := range ms {
					may[i] = m.Weight > 0 && fs[i].Up() && !tried[i] && m.Backup != primaryUp
				}
				any := false
				for _, ok := range may {
					any = any || ok
				}
				p := make(ms)
				for i := range 20 {
					got := p.Pick(from(i), func(i int) bool { return tried[i] })
					if got >= 0 && !may[got] || got < 0 && any {
						t.Fatalf("picked %d, may be picked: %v", got, may)
					}
				}
			})
		})
	}
}

func TestRoundRobinFollowsWeightsExactlyAndEvenly(t *testing.T) {
	ms, _ := members(5, 1, 1)
	p := NewRoundRobin(ms)
	var seq []int
	for range 7 {
		seq = append(seq, p.Pick(netip.AddrPort{}, nil))
	}
	if got := fmt.Sprint(seq); got != "[0 0 1 0 2 0 0]" {
		t.Errorf("one period is %s", got)
	}
	if got := count(p, 700); got[0] != 500 || got[1] != 100 || got[2] != 100 {
		t.Errorf("700 picks: %v", got)
	}
}

func TestRoundRobinIsExactUnderConcurrency(t *testing.T) {
	ms, _ := members(1, 1, 2)
	p := NewRoundRobin(ms)
	var counts [3]atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				counts[p.Pick(netip.AddrPort{}, nil)].Add(1)
			}
		})
	}
	wg.Wait()
	if a, b, c := counts[0].Load(), counts[1].Load(), counts[2].Load(); a != 2000 || b != 2000 || c != 4000 {
		t.Errorf("8000 picks: %d %d %d", a, b, c)
	}
}

func TestLeastConnectionsBalancesByWeight(t *testing.T) {
	ms, fs := members(1, 3)
	p := NewLeastConnections(ms)
	for range 400 { // connections that never end
		fs[p.Pick(netip.AddrPort{}, nil)].active.Add(1)
	}
	if a, b := fs[0].Active(), fs[1].Active(); a != 100 || b != 300 {
		t.Errorf("400 connections: %d and %d, want 100 and 300", a, b)
	}
}

func TestSourceIPSharesByWeightAndMovesOnlyWhoMust(t *testing.T) {
	ms, fs := members(1, 1, 2)
	p := NewSourceIP(ms)
	const n = 40000
	before := make([]int, n)
	got := map[int]int{}
	for i := range n {
		before[i] = p.Pick(from(i), nil)
		got[before[i]]++
	}
	for i, want := range []int{n / 4, n / 4, n / 2} {
		if d := got[i] - want; d < -n/50 || d > n/50 {
			t.Errorf("member %d has %d of %d clients, want about %d", i, got[i], n, want)
		}
	}
	other := NewSourceIP([]Member{ms[2], ms[0], ms[1]}) // another node, another order
	fs[1].down.Store(true)
	for i := range n {
		after := p.Pick(from(i), nil)
		if before[i] != 1 && after != before[i] || after == 1 {
			t.Fatalf("client %d moved from %d to %d when member 1 went down", i, before[i], after)
		}
		if o := other.Pick(from(i), nil); (o+2)%3 != after {
			t.Fatalf("client %d: another node picks %d, this one %d", i, (o+2)%3, after)
		}
	}
	if netip.MustParseAddr("::ffff:10.0.0.9").Compare(addr(9)) == 0 || p.Pick(netip.MustParseAddrPort("[::ffff:10.0.0.9]:4321"), nil) != p.Pick(from(9), nil) {
		t.Error("a client in IPv6-mapped form goes elsewhere")
	}
}

func TestSourceIPPortSpreadsOneClient(t *testing.T) {
	ms, _ := members(1, 1, 2)
	p, other := NewSourceIPPort(ms), NewSourceIPPort([]Member{ms[2], ms[0], ms[1]})
	const n = 40000
	got := map[int]int{}
	for port := range n {
		c := netip.AddrPortFrom(addr(1), uint16(port+1000))
		i := p.Pick(c, nil)
		got[i]++
		if i != p.Pick(c, nil) || i != (other.Pick(c, nil)+2)%3 {
			t.Fatalf("port %d: another pick goes elsewhere", port+1000)
		}
	}
	for i, want := range []int{n / 4, n / 4, n / 2} {
		if d := got[i] - want; d < -n/50 || d > n/50 {
			t.Errorf("member %d has %d of %d ports, want about %d", i, got[i], n, want)
		}
	}
}

func TestPicksAllocateNothing(t *testing.T) {
	ms, _ := members(1, 2, 3, 4)
	for name, make := range makers {
		p := make(ms)
		if n := testing.AllocsPerRun(100, func() { p.Pick(from(7), nil) }); n != 0 {
			t.Errorf("%s: %v allocations a pick", name, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for name, make := range makers {
		for _, n := range []int{2, 100, 1000} {
			b.Run(fmt.Sprintf("%s/members=%d", name, n), func(b *testing.B) {
				weights := []int{}
				for range n {
					weights = append(weights, 1)
				}
				ms, _ := members(weights...)
				p := make(ms)
				b.ReportAllocs()
				for b.Loop() {
					p.Pick(from(9), nil)
				}
			})
		}
	}
}
