package loop

import (
	"math/bits"
	"time"
)

// Timer is one deadline at a time. It is part of what it wakes: no allocation.
// The zero value is not set.
type Timer struct {
	next, prev *Timer
	on         Expirer
	due        int64 // tick; what was asked for
	at         int64 // tick of the slot it is in; <= due
	slot       int16 // 1 + index of the slot, 0: in none
}

// Expirer is told that its deadline has passed. It sets the next one.
type Expirer interface{ Expire() }

// wheel keeps timers by the tick they are due: the next 256 ticks one slot each,
// then 256 slots of 256 ticks. Later ones wait in the last slot. Putting a
// deadline off moves nothing: the timer is looked at when its old time has come.
type wheel struct {
	now  int64 // tick that has been served
	slot [2 * wheelSlots]*Timer
	used [2 * wheelSlots / 64]uint64
}

// arm sets t to fire at tick due.
func (w *wheel) arm(t *Timer, due int64) {
	t.due = due
	if t.slot != 0 {
		if t.at <= due {
			return
		}
		w.unlink(t)
	}
	w.link(t)
}

func (w *wheel) link(t *Timer) {
	due := max(t.due, w.now+1)
	var i int64
	if due-w.now < wheelSlots {
		i, t.at = due&wheelMask, due
	} else {
		coarse := min(due>>wheelBits, w.now>>wheelBits+wheelMask)
		i, t.at = wheelSlots+coarse&wheelMask, coarse<<wheelBits
	}
	t.slot = int16(i + 1)
	t.prev, t.next = nil, w.slot[i]
	if t.next != nil {
		t.next.prev = t
	}
	w.slot[i] = t
	w.used[i>>6] |= 1 << (i & 63)
}

func (w *wheel) unlink(t *Timer) {
	if t.slot == 0 {
		return
	}
	i := int(t.slot - 1)
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slot[i] = t.next
		if t.next == nil {
			w.used[i>>6] &^= 1 << (i & 63)
		}
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.next, t.prev, t.slot = nil, nil, 0
}

// take empties a slot.
func (w *wheel) take(i int64) *Timer {
	t := w.slot[i]
	w.slot[i] = nil
	w.used[i>>6] &^= 1 << (i & 63)
	return t
}

// advance serves all ticks up to to.
func (w *wheel) advance(to int64, expire func(*Timer)) {
	for w.now < to {
		if w.empty() {
			w.now = to
			return
		}
		w.now++
		if w.now&wheelMask == 0 {
			w.cascade(w.take(wheelSlots + w.now>>wheelBits&wheelMask))
		}
		// One by one from the slot itself: an expiry may stop or set other timers.
		for i := w.now & wheelMask; w.slot[i] != nil; {
			t := w.slot[i]
			w.unlink(t)
			if t.due > w.now {
				w.link(t)
			} else {
				expire(t)
			}
		}
	}
}

func (w *wheel) cascade(t *Timer) {
	for t != nil {
		next := t.next
		t.next, t.prev, t.slot = nil, nil, 0
		if t.due <= w.now { // exactly now: this tick's slot is served next
			i := w.now & wheelMask
			t.at, t.slot, t.next = w.now, int16(i+1), w.slot[i]
			if t.next != nil {
				t.next.prev = t
			}
			w.slot[i] = t
			w.used[i>>6] |= 1 << (i & 63)
		} else {
			w.link(t)
		}
		t = next
	}
}

func (w *wheel) empty() bool {
	for _, u := range w.used {
		if u != 0 {
			return false
		}
	}
	return true
}

// next is the tick at which the wheel wants to be advanced, -1 for never.
func (w *wheel) next() int64 {
	const words = wheelSlots / 64
	start := (w.now + 1) & wheelMask
	// Fine slots, from the next tick on, once round.
	for k := range int64(words + 1) {
		word := (start>>6 + k) % words
		u := w.used[word]
		if k == 0 {
			u &= ^uint64(0) << (start & 63)
		}
		if u != 0 {
			i := word<<6 + int64(bits.TrailingZeros64(u))
			return min(w.now+1+(i-start)&wheelMask, w.boundary())
		}
	}
	for _, u := range w.used[words:] {
		if u != 0 {
			return w.boundary()
		}
	}
	return -1
}

// boundary is the next tick at which coarse timers become fine ones.
func (w *wheel) boundary() int64 {
	for _, u := range w.used[wheelSlots/64:] {
		if u != 0 {
			return (w.now>>wheelBits + 1) << wheelBits
		}
	}
	return 1<<63 - 1
}

// Arm makes t fire no earlier than d from Now; d <= 0 stops it. An earlier setting is replaced.
func (l *Loop) Arm(t *Timer, on Expirer, d time.Duration) {
	if d <= 0 {
		l.wheel.unlink(t)
		return
	}
	t.on = on
	l.wheel.arm(t, int64((l.now+d+Tick-1)/Tick))
}

// Disarm ends t.
func (l *Loop) Disarm(t *Timer) { l.wheel.unlink(t) }
