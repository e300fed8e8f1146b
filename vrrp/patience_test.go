package vrrp

import (
	"testing"
	"time"
)

func TestPatienceLearnsFromHiccups(t *testing.T) {
	const ms = time.Millisecond
	var h hiccups
	now := int64(time.Hour)
	want := func(what string, want time.Duration) {
		t.Helper()
		if got := h.stretch(40*ms, now); got != want {
			t.Errorf("%s: patience %v, want %v", what, got, want)
		}
	}
	want("nothing known", 40*ms)
	h.answered(10*ms, 40*ms, now)
	want("usual answers", 40*ms)
	h.answered(35*ms, 40*ms, now)
	want("a hiccup", 70*ms)
	h.answered(25*ms, 40*ms, now)
	want("a shorter one after it", 70*ms)
	h.answered(240*ms, 40*ms, now)
	want("the longest", 240*ms)
	h.answered(241*ms, 40*ms, now)
	want("an outage", 240*ms)
	now += int64(time.Minute)
	want("a minute later", 240*ms)
	now++
	want("forgotten", 40*ms)
	h.answered(30*ms, 40*ms, now)
	want("a newer, shorter one", 60*ms)
	h.answered(time.Hour, 40*ms, now)
	want("an outage is no hiccup", 60*ms)
}

func TestQuestionsFitThePatience(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct{ patience, calm, anxious time.Duration }{
		{10 * ms, 10 * ms, 5 * ms},
		{40 * ms, 10 * ms, 5 * ms},
		{93 * ms, 23250 * time.Microsecond, 7750 * time.Microsecond},
		{240 * ms, 30 * ms, 10 * ms},
		{time.Minute, 30 * ms, 10 * ms},
	} {
		calm, anxious := pauses(c.patience)
		if calm != c.calm || anxious != c.anxious {
			t.Errorf("patience %v: pauses %v and %v, want %v and %v", c.patience, calm, anxious, c.calm, c.anxious)
		}
		if c.patience >= 40*ms && calm+goneAfter*anxious > c.patience {
			t.Errorf("patience %v is over before %d questions were asked", c.patience, goneAfter)
		}
	}
}
