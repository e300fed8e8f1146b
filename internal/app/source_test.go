package app

import (
	"testing"
	"time"
)

// TestKeepAgain: what takes long to write is written less often, within bounds.
func TestKeepAgain(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: keepEvery, 10 * time.Millisecond: keepEvery, 500 * time.Millisecond: 10 * time.Second, time.Minute: longestKeep,
	} {
		if got := keepAgain(took); got != want {
			t.Errorf("after %v: %v, want %v", took, got, want)
		}
	}
}
