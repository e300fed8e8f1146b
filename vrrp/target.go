package vrrp

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// target is one address to ask.
type target struct {
	addr    netip.Addr
	link    string
	source  netip.Addr   // our own address on the link
	network netip.Prefix // of source
	last    atomic.Int64 // Monotonic of the newest answer
	since   atomic.Int64 // Monotonic of the first answer of those without a gap
	asked   atomic.Int32 // questions since last
	broken  atomic.Bool  // the link has failed since last: a gap is not the arbiter's
	checked atomic.Int64 // Monotonic of when all that had been received was read, and last was the newest answer
	mac     atomic.Pointer[net.HardwareAddr]

	mu      sync.Mutex
	hiccups hiccups // guarded by mu
}

// doubtful tells whether the newest questions have no answer yet, and that is news.
func (t *target) doubtful() bool {
	n := t.asked.Load()
	return n > 0 && n <= 2*goneAfter
}

// answered notes an answer, to how many questions it tells. patience is what was asked
// for.
func (t *target) answered(now int64, patience time.Duration) (questions int32) {
	last := t.last.Swap(now)
	if last == 0 || now-last > int64(arbiterWithin) {
		t.since.Store(now)
	}
	// A gap with fewer questions in it is this process's own, and Gone knows of those.
	asked, broken := t.asked.Swap(0), t.broken.Swap(false)
	if last != 0 && asked >= goneAfter && !broken {
		t.mu.Lock()
		t.hiccups.answered(time.Duration(now-last), patience, now)
		t.mu.Unlock()
	}
	return asked
}

func (t *target) answers(within time.Duration) bool {
	last := t.last.Load()
	return last != 0 && Monotonic()-last <= int64(within)
}

// gone tells whether the address has answered before, and left several questions in a
// row unanswered for longer than the patience asked for and twice its longest hiccup of
// the last minute. What counts is the time that was listened to: an answer may have been
// received while this process had no time to read it.
func (t *target) gone(patience time.Duration) bool {
	last, checked := t.last.Load(), t.checked.Load()
	if last == 0 || t.asked.Load() < goneAfter {
		return false
	}
	t.mu.Lock()
	patience = t.hiccups.stretch(patience, checked)
	t.mu.Unlock()
	return time.Duration(checked-last) > patience
}
