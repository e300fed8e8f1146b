package semantics

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	type step struct {
		wait time.Duration
		n    int
	}
	for name, tc := range map[string]struct {
		idle  time.Duration
		steps []step // repeated
		cut   int    // the step that is one too many; 0: none of 1,000
	}{
		"a byte now and then":   {50 * time.Second, []step{{20 * time.Second, 1}}, 4},
		"a byte a second":       {50 * time.Second, []step{{time.Second, 1}}, 61},
		"longer waits allowed":  {5 * time.Minute, []step{{4 * time.Minute, 1}}, 2},
		"just under the rate":   {50 * time.Second, []step{{time.Second, 499}}, 0},
		"half of it":            {50 * time.Second, []step{{time.Second, 250}}, 121},
		"a slow link":           {50 * time.Second, []step{{time.Second, 4 << 10}}, 0},
		"pauses between floods": {50 * time.Second, []step{{45 * time.Second, 1 << 20}}, 0},
	} {
		l := Limits{}.WithDefaults()
		var p Pace
		cut := 0
		for i := range 1000 {
			s := tc.steps[i%len(tc.steps)]
			if p.Slow(s.wait, s.n, tc.idle, &l) {
				cut = i + 1
				break
			}
		}
		if cut != tc.cut {
			t.Errorf("%s: cut after %d, want %d", name, cut, tc.cut)
		}
	}
}
