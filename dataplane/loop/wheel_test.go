package loop

import (
	"math/rand/v2"
	"testing"
)

type due struct {
	Timer
	want  int64
	fired int64
	armed bool
}

func (d *due) Expire() {}

// The wheel is compared with what was asked of it.
func TestWheelFiresEachTimerAtItsTick(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var w wheel
	timers := make([]*due, 300)
	byTimer := map[*Timer]*due{}
	for i := range timers {
		timers[i] = &due{fired: -1}
		byTimer[&timers[i].Timer] = timers[i]
	}
	fire := func(tm *Timer) {
		d := byTimer[tm]
		if !d.armed || w.now != d.want {
			t.Fatalf("fired at %d, want %d (armed %v)", w.now, d.want, d.armed)
		}
		d.armed = false
	}
	spans := []int64{1, 3, 255, 256, 257, 511, 5000, 65535, 65536, 70000, 200000}
	for range 20000 {
		d := timers[rng.IntN(len(timers))]
		switch rng.IntN(4) {
		case 0:
			w.unlink(&d.Timer)
			d.armed = false
		case 1, 2:
			d.want = w.now + 1 + rng.Int64N(spans[rng.IntN(len(spans))])
			d.armed = true
			w.arm(&d.Timer, d.want)
		case 3:
			to := w.now + rng.Int64N(spans[rng.IntN(6)])
			if next := w.next(); next >= 0 {
				for _, o := range timers { // sleeping until next misses nobody
					if o.armed && o.want < next {
						t.Fatalf("next is %d, a timer is due at %d", next, o.want)
					}
				}
			}
			w.advance(to, fire)
		}
	}
	w.advance(w.now+300000, fire)
	for _, d := range timers {
		if d.armed {
			t.Errorf("due at %d, not fired at %d", d.want, w.now)
		}
	}
	if !w.empty() || w.next() != -1 {
		t.Error("the wheel is not empty")
	}
}

func TestPuttingOffMovesNothing(t *testing.T) {
	var w wheel
	var tm Timer
	w.arm(&tm, 10)
	at := tm.at
	w.arm(&tm, 5000)
	if tm.at != at {
		t.Errorf("moved to %d", tm.at)
	}
	fired := int64(0)
	w.advance(6000, func(*Timer) { fired = w.now })
	if fired != 5000 {
		t.Errorf("fired at %d, want 5000", fired)
	}
}
