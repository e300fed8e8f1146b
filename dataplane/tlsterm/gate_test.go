package tlsterm

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestGateAdmitsInTurnAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(1)
		if err := g.Enter(time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := g.Enter(time.Now().Add(time.Second)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a second place: %v", err)
		}
		in := make(chan error)
		go func() { in <- g.Enter(time.Now().Add(time.Hour)) }()
		synctest.Wait()
		if g.Waiting() != 1 {
			t.Errorf("%d wait", g.Waiting())
		}
		g.Leave()
		if err := <-in; err != nil || g.Waiting() != 0 {
			t.Errorf("%v, %d wait", err, g.Waiting())
		}
	})
}

func TestGateRefusesAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(1)
		if err := g.Enter(time.Now()); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, maxQueued)
		for range maxQueued {
			go func() { errs <- g.Enter(time.Now().Add(time.Second)) }()
		}
		synctest.Wait()
		if err := g.Enter(time.Now().Add(time.Second)); !errors.Is(err, ErrBusy) {
			t.Errorf("one more: %v", err)
		}
		for range maxQueued {
			if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
		}
	})
}

// Ticket keys change with the period, and those of the neighbours are known.
func TestTicketPeriods(t *testing.T) {
	at := time.Date(2026, 1, 1, 5, 59, 59, 0, time.UTC)
	if p := periodOf(at); periodOf(at.Add(time.Second)) != p+1 || periodOf(at.Add(-time.Hour)) != p {
		t.Error("a period is not six hours")
	}
}
