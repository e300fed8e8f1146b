package harness

import (
	"testing"
	"time"
)

func TestBlackout(t *testing.T) {
	// One shot each 5 ms; the string says good (.) or bad (x).
	shots := func(s string) []Shot {
		var out []Shot
		for i, c := range s {
			at := time.Duration(i) * 5 * time.Millisecond
			out = append(out, Shot{Start: at, End: at, OK: c == '.'})
		}
		return out
	}
	calm := "............................................." // 225 ms
	for _, tc := range []struct {
		in   string
		want time.Duration
	}{
		{calm, 0},
		{calm + "xx" + calm, 10 * time.Millisecond},
		{calm + "x.x" + calm, 15 * time.Millisecond}, // a short good spell does not end an outage
		{calm + "x" + calm + "xxxx" + calm, 20 * time.Millisecond},
		{calm + "xxx", 10 * time.Millisecond}, // it never came back: until the last shot
	} {
		if got := Blackout(shots(tc.in)); got != tc.want {
			t.Errorf("Blackout(%q) = %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestTwoOwners(t *testing.T) {
	ms := time.Millisecond
	evs := []ARPEvent{
		{0, "ask", "-"},
		{1 * ms, "answer", "a"},
		{5 * ms, "ask", "-"},
		{6 * ms, "answer", "a"},
		{7 * ms, "answer", "b"},
		{10 * ms, "ask", "-"},
		{11 * ms, "announce", "a"},
		{12 * ms, "answer", "b"},
		{15 * ms, "ask", "-"},
	}
	if got := TwoOwners(evs); got != 5*ms {
		t.Errorf("TwoOwners = %v, want 5ms", got)
	}
	late := []ARPEvent{ // the second is asked late, and another owner has followed meanwhile
		{0, "ask", "-"}, {1 * ms, "answer", "a"}, {20 * ms, "answer", "b"}, {35 * ms, "ask", "-"}, {36 * ms, "answer", "b"}, {40 * ms, "ask", "-"},
	}
	if got := TwoOwners(late); got != 0 {
		t.Errorf("an owner after the other: TwoOwners = %v, want 0", got)
	}
	late[4].MAC = "a"
	if got := TwoOwners(late); got != 35*ms {
		t.Errorf("the first one answers again: TwoOwners = %v, want 35ms", got)
	}
	if got := LastOwner(evs); got != "b" {
		t.Errorf("LastOwner = %q, want b", got)
	}
}
