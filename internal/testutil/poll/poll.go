// Package poll waits in tests for what comes about by itself.
package poll

import (
	"testing"
	"time"
)

// within is how long what is waited for may take.
const within = 10 * time.Second

// Until returns when cond holds; it ends the test when that takes longer than 10 s.
func Until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
