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

// A process that had no time asked little: what it waited for is not the arbiter's.
func TestAGapOfOnesOwnIsNoHiccup(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		asked int32
		want  time.Duration
	}{{0, 40 * ms}, {goneAfter - 1, 40 * ms}, {goneAfter, 200 * ms}} {
		var a target
		a.answered(1000*int64(ms), 40*ms)
		a.asked.Store(c.asked)
		a.answered(1100*int64(ms), 40*ms)
		if got := a.hiccups.stretch(40*ms, 1100*int64(ms)); got != c.want {
			t.Errorf("after 100 ms with %d questions: patience %v, want %v", c.asked, got, c.want)
		}
	}
}

// A link that goes down and up, as one with a loose contact, says nothing about how long
// its arbiter lets others wait.
func TestAGapOfTheLinksIsNoHiccup(t *testing.T) {
	const ms = time.Millisecond
	var a target
	a.answered(1000*int64(ms), 40*ms)
	a.asked.Store(goneAfter)
	a.broken.Store(true)
	a.answered(1100*int64(ms), 40*ms)
	if got := a.hiccups.stretch(40*ms, 1100*int64(ms)); got != 40*ms {
		t.Errorf("after 100 ms without the link: patience %v", got)
	}
	a.asked.Store(goneAfter)
	a.answered(1200*int64(ms), 40*ms)
	if got := a.hiccups.stretch(40*ms, 1200*int64(ms)); got != 200*ms {
		t.Errorf("after 100 ms with it: patience %v", got)
	}
}

// Silence is the time that was listened to: who has not looked whether there are answers
// does not know that there are none.
func TestOnlyWhatWasListenedToIsSilence(t *testing.T) {
	const ms = int64(time.Millisecond)
	for _, c := range []struct {
		last, checked int64
		asked         int32
		want          bool
	}{
		{0, 2000 * ms, 100, false}, // it never answered
		{1000 * ms, 900 * ms, 100, false},
		{1000 * ms, 1040 * ms, 100, false},
		{1000 * ms, 1041 * ms, goneAfter - 1, false},
		{1000 * ms, 1041 * ms, goneAfter, true},
	} {
		var a target
		a.last.Store(c.last)
		a.checked.Store(c.checked)
		a.asked.Store(c.asked)
		if got := a.gone(40 * time.Millisecond); got != c.want {
			t.Errorf("%+v: gone %v", c, got)
		}
	}
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
