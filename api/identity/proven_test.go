package identity

import (
	"context"
	"crypto/rand"
	"strconv"
	"testing"
	"time"
)

// A password that was right needs no second slow hash, a changed or a wrong one
// does, and the memory of it is bounded.
func TestRightPasswordsAreRemembered(t *testing.T) {
	c := newChecker()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c.proven.now = func() time.Time { return now }
	stored, err := hashPassword("secret", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := hashPassword("secret", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	yes := func() bool { return true }
	if ok, _, err := c.check(t.Context(), stored, "secret", yes); !ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	// With every turn taken and a context that has ended, only what needs no
	// hash can succeed.
	if err := c.sem.Acquire(t.Context(), hashesAtOnce); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	quick := func(stored, password string) bool {
		ok, _, err := c.check(over, stored, password, yes)
		return ok && err == nil
	}
	if !quick(stored, "secret") {
		t.Error("hashed again")
	}
	if ok, allowed, _ := c.check(over, stored, "secret", func() bool { return false }); ok && allowed {
		t.Error("got past the limit on failures")
	}
	if quick(stored, "Secret") || quick(other, "secret") || quick(stored+"x", "secret") {
		t.Error("took what was never checked")
	}
	now = now.Add(provenFor)
	if quick(stored, "secret") {
		t.Error("remembered for too long")
	}
	for i := range 2 * maxProven {
		c.proven.add(stored, strconv.Itoa(i))
	}
	if len(c.proven.at) > maxProven {
		t.Errorf("%d remembered", len(c.proven.at))
	}
}
