package raft

import (
	"log/slog"
	"testing"
	"time"

	"lbd/store/model"
)

func TestABeatThatCannotBeKeptIsSlowed(t *testing.T) {
	const ms = time.Millisecond
	calm, fast, usual := TimingOf(model.ProfileCalm), TimingOf(model.ProfileFast), TimingOf(model.ProfileDefault)
	t0 := time.Now()
	var s slowing
	now := t0
	beat := func(after, late time.Duration, changed bool, ofFast, ofDefault Timing) {
		t.Helper()
		now = now.Add(after)
		got := s.beat(late, now)
		f, _ := s.keeps(model.ProfileFast)
		if d, _ := s.keeps(model.ProfileDefault); got != changed || f != ofFast || d != ofDefault {
			t.Errorf("at %v, %v late: changed %v, keeps %v of fast and %v of default, want %v, %v, %v", now.Sub(t0), late, got, f, d, changed, ofFast, ofDefault)
		}
		if c, slowed := s.keeps(model.ProfileCalm); c != calm || slowed {
			t.Error("calm is left")
		}
	}
	beat(0, fast.Lease/2, false, fast, usual)
	beat(time.Second, fast.Lease/2+ms, false, fast, usual) // once is a hiccup
	beat(lateTwice+ms, fast.Lease/2+ms, false, fast, usual)
	beat(time.Second, fast.Lease/2+ms, true, usual, usual) // twice is a habit
	beat(time.Second, usual.Lease/2, false, usual, usual)
	beat(calmFor, 0, false, usual, usual)
	beat(2*ms, 0, true, fast, usual)
	beat(time.Hour, 0, false, fast, usual)
	beat(time.Second, fast.Lease+ms, true, usual, usual) // a lapse need not happen twice
	beat(time.Second, usual.Lease/2+ms, false, usual, usual)
	beat(time.Second, usual.Lease/2+ms, true, patient, patient)
	beat(calmFor, fast.Lease, false, patient, patient) // too late for fast, but not for default
	beat(2*ms, 0, true, usual, usual)
	beat(calmFor, 0, true, fast, usual)
	beat(time.Second, patient.Lease, true, patient, patient)
}

// One hiccup is seen by every beat that was under way, and is one; a network that is
// always slow is not one hiccup.
func TestAHiccupIsCountedOnce(t *testing.T) {
	const ms = time.Millisecond
	t0 := time.Now()
	var s slowing
	for _, b := range []struct {
		at, late time.Duration
		changed  bool
	}{
		{30 * ms, 30 * ms, false}, // from 0 on
		{31 * ms, 25 * ms, false},
		{40 * ms, 35 * ms, false},
		{50 * ms, 21 * ms, false},
		{54 * ms, 24 * ms, true}, // the first that went out after it was known
	} {
		if got := s.beat(b.late, t0.Add(b.at)); got != b.changed {
			t.Errorf("a beat %v late at %v: changed %v", b.late, b.at, got)
		}
	}
}

// What the patient timing would not outlive either is no reason for it.
func TestAPausedMachineIsNotSlow(t *testing.T) {
	const ms = time.Millisecond
	t0 := time.Now()
	fast, usual := TimingOf(model.ProfileFast), TimingOf(model.ProfileDefault)
	var s slowing
	keeps := func(what string, f, d Timing) {
		t.Helper()
		gotF, _ := s.keeps(model.ProfileFast)
		if gotD, _ := s.keeps(model.ProfileDefault); gotF != f || gotD != d {
			t.Errorf("%s: keeps %v of fast and %v of default", what, gotF, gotD)
		}
	}
	s.beat(patient.Lease+ms, t0)
	s.beat(patient.Lease+2*ms, t0.Add(ms))
	s.beat(time.Second, t0.Add(10*ms)) // a beat from before the pause that is answered now
	s.beat(usual.Lease+ms, t0.Add(10*ms+usual.Lease+2*ms))
	s.beat(usual.Lease, t0.Add(10*ms+usual.Lease+patient.Lease-ms))
	keeps("a pause, and what there was to catch up on", fast, usual)
	s.beat(usual.Lease/2+ms, t0.Add(2*time.Second))
	keeps("a hiccup after it", usual, usual)
	s.beat(time.Second, t0.Add(9*time.Second))
	keeps("another pause", usual, usual)
	s.beat(usual.Lease/2+ms, t0.Add(11*time.Second))
	keeps("another hiccup", patient, patient)
}

// A node that slows down asks for a longer lease from its next beat on, and says so.
func TestSlowedNodeAsksForMore(t *testing.T) {
	now := time.Now()
	c := &core{pace: newPace(TimingOf("")), fence: newFence(TimingOf(""), now), log: slog.New(slog.DiscardHandler), notify: func() {}}
	for _, p := range []model.Profile{model.ProfileFast, model.ProfileDefault} {
		c.repace(func(now *pace) bool { now.profile, now.slow = p, slowing{}; return true })
		if _, slowed := c.pace.kept(); slowed || c.timing() != TimingOf(p) {
			t.Errorf("in quiet the node keeps %v of profile %s", c.timing(), p)
		}
		c.beaten(patient.Lease, now)
		if got := c.fence.asks(time.Now()).lease; got != patient.Lease || c.timing() != patient {
			t.Errorf("profile %s: after a beat that was 200 ms late the node asks for %v", p, got)
		}
		if kept, slowed := c.pace.kept(); !slowed || kept != patient {
			t.Errorf("profile %s: the node keeps %v, slowed %v", p, kept, slowed)
		}
	}
	c.pace = newPace(testTiming)
	if c.beaten(time.Hour, now); c.timing() != testTiming {
		t.Error("a timing that was asked for on the command line is changed")
	}
}
