package balance

import (
	"net/netip"
	"testing"
)

// scarce is a large pool with uneven weights of which only some are up.
func scarce(n int, up ...int) ([]Member, []*fake) {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 255 + i%2 // no common divisor: the longest period
	}
	ms, fs := members(weights...)
	for _, f := range fs {
		f.down.Store(true)
	}
	for _, i := range up {
		fs[i].down.Store(false)
	}
	return ms, fs
}

func TestRoundRobinStaysFairWhenFewAreUp(t *testing.T) {
	const picks = 611 * 4
	ms, _ := scarce(4*maxTurns, 100, 101, 102)
	ms[101].Weight = 100
	got := count(NewRoundRobin(ms), picks)
	for i, w := range map[int]int{100: 255, 101: 100, 102: 255} {
		want := picks * w / 610
		if d := got[i] - want; d < -want/10 || d > want/10 {
			t.Errorf("member %d was picked %d times, want about %d", i, got[i], want)
		}
	}
}

func BenchmarkRoundRobinWhenOneOfMany(b *testing.B) {
	ms, _ := scarce(1000, 999)
	p := NewRoundRobin(ms)
	b.Run("up", func(b *testing.B) {
		for b.Loop() {
			p.Pick(netip.AddrPort{}, nil)
		}
	})
	b.Run("none left", func(b *testing.B) {
		for b.Loop() {
			p.Pick(netip.AddrPort{}, func(int) bool { return true })
		}
	})
}

func BenchmarkNewRoundRobin(b *testing.B) {
	ms, _ := scarce(1000)
	for b.Loop() {
		NewRoundRobin(ms)
	}
}
