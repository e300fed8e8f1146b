package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"lbd/internal/seal"
)

func newSealer(t *testing.T, fill byte) *seal.Sealer {
	t.Helper()
	s, err := seal.New(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t *testing.T, s *seal.Sealer, id, plain string) []byte {
	t.Helper()
	box, err := s.Seal(id, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestAnotherNodeOfTheClusterOpens(t *testing.T) {
	box := mustSeal(t, newSealer(t, 1), "a", "the key")
	got, err := newSealer(t, 1).Open("a", box)
	if err != nil || string(got) != "the key" {
		t.Fatalf("got %q, %v", got, err)
	}
	if bytes.Contains(box, []byte("the key")) {
		t.Error("the box shows the plaintext")
	}
	if bytes.Equal(box, mustSeal(t, newSealer(t, 1), "a", "the key")) {
		t.Error("two boxes of one plaintext are equal")
	}
}

func TestNothingElseOpens(t *testing.T) {
	s := newSealer(t, 1)
	box := mustSeal(t, s, "a", "the key")
	damaged := bytes.Clone(box)
	damaged[len(damaged)-1] ^= 1
	other := bytes.Clone(box)
	other[0] = 2
	for name, open := range map[string]func() ([]byte, error){
		"another object":  func() ([]byte, error) { return s.Open("b", box) },
		"another cluster": func() ([]byte, error) { return newSealer(t, 2).Open("a", box) },
		"damaged":         func() ([]byte, error) { return s.Open("a", damaged) },
		"another version": func() ([]byte, error) { return s.Open("a", other) },
		"cut short":       func() ([]byte, error) { return s.Open("a", box[:30]) },
		"empty":           func() ([]byte, error) { return s.Open("a", nil) },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrSealed) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestDerivedKeysDiffer(t *testing.T) {
	s := newSealer(t, 1)
	a, errA := s.Derive("a purpose")
	b, errB := s.Derive("another")
	if errA != nil || errB != nil || len(a) != 32 || bytes.Equal(a, b) {
		t.Fatalf("keys of %d and %d bytes, %v, %v", len(a), len(b), errA, errB)
	}
	if a2, err := newSealer(t, 1).Derive("a purpose"); err != nil || !bytes.Equal(a, a2) {
		t.Error("another node derives another key")
	}
}

func TestKeyOfWrongSizeIsRefused(t *testing.T) {
	if _, err := seal.New(make([]byte, 16)); err == nil {
		t.Error("a short key is taken")
	}
}

func TestPrintsNoKey(t *testing.T) {
	if got := fmt.Sprintf("%v %+v %#v %s", newSealer(t, 'K'), newSealer(t, 'K'), newSealer(t, 'K'), newSealer(t, 'K')); bytes.Contains([]byte(got), []byte("KKKK")) || bytes.Contains([]byte(got), []byte("75, 75")) {
		t.Error(got)
	}
}
