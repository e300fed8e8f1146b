package live

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBucketsAreNarrowAndMeet(t *testing.T) {
	var next time.Duration
	for i := range histogramBuckets {
		lo, hi := bounds(i)
		if lo != next || hi <= lo {
			t.Fatalf("bucket %d is %s to %s, the one before ends at %s", i, lo, hi, next)
		}
		next = hi
		if mid := (lo + hi) / 2; lo >= 16*time.Microsecond && float64(mid-lo)/float64(lo) > 1.0/32+1e-9 {
			t.Errorf("bucket %d: %s is too far from %s", i, mid, lo)
		}
		if bucketOf(lo) != i || bucketOf(hi-1) != i {
			t.Errorf("%s is in bucket %d, %s in %d, want %d", lo, bucketOf(lo), hi-1, bucketOf(hi-1), i)
		}
	}
	for _, d := range []time.Duration{-time.Second, next, 1000 * time.Hour} {
		if i := bucketOf(d); i != 0 && i != histogramBuckets-1 {
			t.Errorf("%s is in bucket %d", d, i)
		}
	}
}

func TestQuantilesAreWithinFivePercent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h [4]Histogram
	var all []time.Duration
	var sum time.Duration
	for range 20000 {
		d := time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond))
		all, sum = append(all, d), sum+d
	}
	var wg sync.WaitGroup
	for k := range h {
		wg.Go(func() {
			for i := k; i < len(all); i += len(h) {
				h[k].Add(all[i])
			}
		})
	}
	wg.Wait()
	var s Spread
	for k := range h {
		s.Read(&h[k])
	}
	if s.Count != uint64(len(all)) || s.Sum != sum {
		t.Errorf("%d counted, %s in all, want %d, %s", s.Count, s.Sum, len(all), sum)
	}
	slices.Sort(all)
	for _, q := range []float64{0.1, 0.5, 0.9, 0.99, 0.999} {
		want := all[int(q*float64(len(all)))]
		if got := s.Quantile(q); float64((got-want).Abs())/float64(want) > 0.05 {
			t.Errorf("quantile %v is %s, want %s", q, got, want)
		}
	}
	for octave := 4; octave < 20; octave++ {
		want, _ := slices.BinarySearch(all, time.Microsecond<<octave)
		if got := s.Below(octave); got != uint64(want) {
			t.Errorf("%d below 2^%d µs, want %d", got, octave, want)
		}
	}
	if (&Spread{}).Quantile(0.5) != 0 {
		t.Error("nothing has a quantile")
	}
}

func TestAddingAllocatesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Add(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
