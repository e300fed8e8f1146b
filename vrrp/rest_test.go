package vrrp

import "testing"

// A standby is told once that it holds nothing: each order wakes a realtime process.
func TestAStandingOrderIsNotRepeatedOnceItIsAnswered(t *testing.T) {
	h := &Holder{wake: make(chan struct{}, 1)}
	rest := Order{VIPs: []VIP{vipOf("10.77.0.10")}}
	order := func(what string, o Order, seq uint64, sent bool) {
		t.Helper()
		got, woken := h.Order(o), false
		select {
		case <-h.wake:
			woken = true
		default:
		}
		if got != seq || woken != sent {
			t.Errorf("%s: order %d, sent %v; want %d, %v", what, got, woken, seq, sent)
		}
	}
	order("the first", rest, 1, true)
	order("not answered yet", rest, 2, true)
	h.report.Seq = 1
	order("one before it is answered", rest, 3, true)
	h.report.Seq = 3
	order("answered", rest, 3, false)
	more := rest
	more.VIPs = append(more.VIPs, vipOf("10.77.0.11"))
	order("another address", more, 4, true)
	h.report.Seq = 4
	more.Announce = 1
	order("other announcements", more, 5, true)
	h.report.Seq = 5
	more.Deadline = Monotonic() + int64(lease)
	order("a lease", more, 6, true)
	h.report.Seq = 6
	order("the lease again", more, 7, true)
	h.report.Seq = 7
	order("released", rest, 8, true)
	h.report = Report{} // another child, which was told nothing
	order("to another child", rest, 9, true)
}
