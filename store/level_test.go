package store

import "testing"

// What the first builds know is not added to: a new kind begins a level, or joins one
// that no build has been seen with yet.
func TestANewKindHasALevel(t *testing.T) {
	first := 0
	for k := range payloads {
		l, known := LevelOf(k)
		if !known || l < 1 || l > Level {
			t.Errorf("%s: level %d, known %v", k, l, known)
		}
		if l == 1 {
			first++
		}
	}
	if first != 91 {
		t.Errorf("%d kinds are of level 1: a new kind needs an entry in levels", first)
	}
	for k := range levels {
		if _, known := payloads[k]; !known {
			t.Errorf("%s has a level and no payload", k)
		}
	}
	if _, known := LevelOf("tomorrow.put"); known {
		t.Error("an unknown kind is known")
	}
}

func TestPeekKind(t *testing.T) {
	for k, mk := range payloads {
		b, err := Command{Kind: k, Payload: mk()}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got := PeekKind(b); got != k {
			t.Errorf("%q is read as %q", k, got)
		}
	}
	for _, b := range []string{"", "\x01", "{\"kind\":\"settle\"", "\x02{\"kind\":\"settle\"}", "\x01{\"kind\":\"settle", "\x01{ \"kind\":\"settle\"}"} {
		if got := PeekKind([]byte(b)); got != "" {
			t.Errorf("%q is read as %q", b, got)
		}
	}
}
