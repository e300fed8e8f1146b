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
	beat(time.Second, time.Second, true, patient, patient)
}

// A new process has to earn the default profile, not one that was chosen. Until then it
// is not called slow, unless it is.
func TestTheDefaultProfileIsEarned(t *testing.T) {
	t0 := time.Now()
	fast, usual := TimingOf(model.ProfileFast), TimingOf(model.ProfileDefault)
	s := newSlowing(t0)
	is := func(what string, p model.Profile, want Timing, slowed bool) {
		t.Helper()
		if got, slow := s.keeps(p); got != want || slow != slowed {
			t.Errorf("%s: keeps %v of %s, slowed %v; want %v, %v", what, got, p, slow, want, slowed)
		}
	}
	is("new", model.ProfileDefault, patient, false)
	is("new", model.ProfileFast, fast, false)
	s.beat(usual.Lease/2, t0.Add(time.Second)) // a habit for fast
	s.beat(usual.Lease/2, t0.Add(2*time.Second))
	is("too slow for fast", model.ProfileFast, patient, true)
	is("in time", model.ProfileDefault, patient, false)
	s.beat(usual.Lease/2+1, t0.Add(30*time.Second))
	is("late once", model.ProfileDefault, patient, false)
	s.beat(0, t0.Add(31*time.Second+calmFor-time.Second))
	is("a minute after that", model.ProfileDefault, patient, false)
	s.beat(0, t0.Add(31*time.Second+calmFor))
	is("more than a minute", model.ProfileDefault, usual, false)
	s = newSlowing(t0)
	s.beat(time.Second, t0.Add(time.Second))
	is("late for all of it", model.ProfileDefault, patient, true)
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
		c.beaten(time.Second, now)
		if got := c.fence.asks(time.Now()).lease; got != patient.Lease || c.timing() != patient {
			t.Errorf("profile %s: after a beat that was a second late the node asks for %v", p, got)
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
