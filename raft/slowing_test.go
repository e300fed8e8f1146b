package raft

import (
	"log/slog"
	"testing"
	"time"

	"lbd/store/model"
)

func TestABeatThatCannotBeKeptIsSlowed(t *testing.T) {
	t0 := time.Now()
	var s slowing
	now := t0
	beat := func(after, late time.Duration, changed bool, want model.Profile) {
		t.Helper()
		now = now.Add(after)
		if got := s.beat(late, now); got != changed || s.keeps(model.ProfileFast) != want {
			t.Errorf("at %v, %v late: changed %v, keeps %s, want %v, %s", now.Sub(t0), late, got, s.keeps(model.ProfileFast), changed, want)
		}
		if s.keeps(model.ProfileDefault) != model.ProfileDefault || s.keeps(model.ProfileCalm) != model.ProfileCalm {
			t.Error("another profile than fast is left")
		}
	}
	const ms = time.Millisecond
	lease := TimingOf(model.ProfileFast).Lease
	beat(0, lease/2, false, model.ProfileFast)
	beat(time.Second, lease/2+ms, false, model.ProfileFast) // once is a hiccup
	beat(lateTwice+ms, lease/2+ms, false, model.ProfileFast)
	beat(time.Second, lease/2+ms, true, model.ProfileDefault) // twice is a habit
	beat(time.Second, time.Second, false, model.ProfileDefault)
	beat(calmFor, 0, false, model.ProfileDefault)
	beat(2*ms, 0, true, model.ProfileFast)
	beat(time.Hour, 0, false, model.ProfileFast)
	beat(time.Second, lease+ms, true, model.ProfileDefault) // a lapse need not happen twice
}

// A node that slows down asks for a longer lease from its next beat on, and says so.
func TestSlowedNodeAsksForMore(t *testing.T) {
	now := time.Now()
	c := &core{pace: newPace(TimingOf("")), fence: newFence(TimingOf(""), now), log: slog.New(slog.DiscardHandler), notify: func() {}}
	c.repace(func(p *pace) bool { p.profile = model.ProfileFast; return true })
	c.beaten(time.Second, now)
	if got := c.fence.asks(time.Now()).lease; got != TimingOf(model.ProfileDefault).Lease || c.timing() != TimingOf(model.ProfileDefault) {
		t.Errorf("after a beat that was a second late the node asks for %v", got)
	}
	if p, slowed := c.pace.kept(); !slowed || p != model.ProfileDefault {
		t.Errorf("the node keeps %s, slowed %v", p, slowed)
	}
	c.pace = newPace(testTiming)
	if c.beaten(time.Hour, now); c.timing() != testTiming {
		t.Error("a timing that was asked for on the command line is changed")
	}
}
