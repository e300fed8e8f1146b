package live

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram counts durations in buckets that are linear inside each power of two:
// exact below 16 µs, then 16 buckets an octave, so that the middle of a bucket is
// never further than 1/32 (3.2 %) from what was counted in it. 2^31 µs (36 min) and
// more share the last bucket. Adding takes no lock and, once a histogram has been
// used, allocates nothing; unused ones are two words. The zero value is empty.
type Histogram struct {
	sum     atomic.Int64 // ns
	buckets atomic.Pointer[[histogramBuckets]atomic.Uint64]
}

const (
	histogramSteps   = 16 // an octave; a power of two
	histogramOctaves = 27 // from 16 µs to 2^31 µs
	histogramBuckets = histogramSteps * (histogramOctaves + 1)
)

// bucketOf is the bucket that d belongs to.
func bucketOf(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < histogramSteps {
		return int(us)
	}
	octave := bits.Len64(us) - 5 // 0 for 16..31
	if octave >= histogramOctaves {
		return histogramBuckets - 1
	}
	return histogramSteps + octave*histogramSteps + int(us>>octave) - histogramSteps
}

// bounds of a bucket: from lo on, below hi.
func bounds(i int) (lo, hi time.Duration) {
	if i < histogramSteps {
		return time.Duration(i) * time.Microsecond, time.Duration(i+1) * time.Microsecond
	}
	octave, step := i/histogramSteps-1, i%histogramSteps
	lo = time.Duration(histogramSteps+step) << octave * time.Microsecond
	return lo, lo + time.Microsecond<<octave
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	b := h.buckets.Load()
	if b == nil {
		b = new([histogramBuckets]atomic.Uint64)
		if !h.buckets.CompareAndSwap(nil, b) {
			b = h.buckets.Load()
		}
	}
	b[bucketOf(d)].Add(1)
	h.sum.Add(int64(d))
}

// Spread is what histograms hold, summed. The zero value holds nothing.
type Spread struct {
	Count uint64
	Sum   time.Duration
	in    [histogramBuckets]uint64
}

// Read adds h to s.
func (s *Spread) Read(h *Histogram) {
	b := h.buckets.Load()
	if b == nil {
		return
	}
	for i := range b {
		n := b[i].Load()
		s.in[i] += n
		s.Count += n
	}
	s.Sum += time.Duration(h.sum.Load())
}

// Quantile is the value that a share q (0 to 1) of all stays below, within 3.2 %;
// 0 when nothing was counted.
func (s *Spread) Quantile(q float64) time.Duration {
	rank, seen := uint64(q*float64(s.Count)), uint64(0)
	for i, n := range s.in {
		if seen += n; n > 0 && seen > rank || seen == s.Count && seen > 0 {
			lo, hi := bounds(i)
			return (lo + hi) / 2
		}
	}
	return 0
}

// Below counts what is less than 2^octave µs, octave from 4 on: exact.
func (s *Spread) Below(octave int) uint64 {
	var sum uint64
	for _, n := range s.in[:min(histogramSteps*(octave-3), histogramBuckets)] {
		sum += n
	}
	return sum
}
