package vrrp

import (
	"testing"
	"time"
)

func TestSilenceIsCountedWhileTheParentRuns(t *testing.T) {
	t0 := time.Now()
	var s silence
	for i := range 3 {
		s.tick(t0.Add(time.Duration(i) * reportEvery))
	}
	if s.ticks != 0 {
		t.Errorf("%d ticks of silence while reports come", s.ticks)
	}
	// The parent is paused for ten seconds: one tick, and the reports that waited
	// are read before or after it.
	heard := t0.Add(2 * reportEvery)
	if s.tick(heard); s.ticks != 1 || s.ticks >= upTicks {
		t.Errorf("%d ticks of silence after a pause of the parent", s.ticks)
	}
	if s.tick(t0.Add(10 * time.Second)); s.ticks != 0 {
		t.Errorf("%d ticks of silence after a report", s.ticks)
	}
	for range upTicks {
		s.tick(t0.Add(10 * time.Second))
	}
	if s.ticks != upTicks {
		t.Errorf("%d ticks of silence, want %d", s.ticks, upTicks)
	}
}
