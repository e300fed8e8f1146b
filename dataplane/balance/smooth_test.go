package balance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// plainly is smooth weighted round robin as it is defined.
func plainly(members []Member, rank []int) []int32 {
	g, total := 0, 0
	for _, i := range rank {
		g = gcd(g, members[i].Weight)
	}
	if g == 0 {
		return nil
	}
	for _, i := range rank {
		total += members[i].Weight / g
	}
	order, credit := []int32{}, make([]int, len(rank))
	for range total {
		best := 0
		for k, i := range rank {
			if credit[k] += members[i].Weight / g; credit[k] > credit[best] {
				best = k
			}
		}
		credit[best] -= total
		order = append(order, int32(rank[best]))
	}
	return order
}

// TestSmoothIsTheDefinition: grouping members by weight changes nothing in the order.
func TestSmoothIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]int{1, 2, 5, 256}).Draw(t, "most")
		weights := rapid.SliceOfN(rapid.IntRange(0, most), 0, 20).Draw(t, "weights")
		ms, _ := members(weights...)
		var rank []int
		for i := range ms {
			if rapid.Bool().Draw(t, "in rank") {
				rank = append(rank, i)
			}
		}
		if got, want := smooth(ms, rank), plainly(ms, rank); !slices.Equal(got, want) {
			t.Errorf("weights %v, rank %v: %v, want %v", weights, rank, got, want)
		}
	})
}

// BenchmarkRoundRobin makes the picker of a pool of 2000 members, as every change
// of such a pool does.
func BenchmarkRoundRobin(b *testing.B) {
	for name, weight := range map[string]func(int) int{
		"equal": func(int) int { return 1 }, "two weights": func(i int) int { return 1 + i%2 }, "all weights": func(i int) int { return 1 + i%256 },
	} {
		weights := make([]int, 2000)
		for i := range weights {
			weights[i] = weight(i)
		}
		ms, _ := members(weights...)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				NewRoundRobin(ms)
			}
		})
	}
}
