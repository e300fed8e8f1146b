package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// restarting asks the active node to restart and returns when it keeps its lease for its
// next process, whose id it returns.
func (f *failover) restarting() (next int) {
	f.w.T.Helper()
	return restartOf(f.w.T, f.active)
}

// keeps waits until the old process has ended its control part.
func (f *failover) keeps() {
	f.w.T.Helper()
	f.w.Until(10*time.Second, "the old process keeps the lease", func() error {
		if !strings.Contains(f.active.Log(), "the lease is kept for the next process") {
			return errorf("it does not say so")
		}
		return nil
	})
}

// TestFaultsWhileTheActiveNodeRestarts: whatever happens between two processes of the
// active node, its standby takes over, and never are there two owners.
func TestFaultsWhileTheActiveNodeRestarts(t *testing.T) {
	for _, variant := range []struct {
		name string
		opts harness.Options
	}{
		{"with a witness", harness.Options{Nodes: 2, Witness: true}},
		{"with the arbiter alone", harness.Options{Nodes: 2}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Run("both are killed", func(t *testing.T) {
				f := newFailover(t, variant.opts)
				f.restarting()
				f.keeps()
				f.active.Kill()
				f.check(f.standby)
				f.active.Start()
				whole(f.w)
			})
			t.Run("the old one is killed", func(t *testing.T) {
				f := newFailover(t, variant.opts)
				next, first := f.restarting(), f.active.Pids()
				f.keeps()
				for _, p := range first {
					if p != next {
						syscall.Kill(p, syscall.SIGKILL)
					}
				}
				f.check(f.standby)
				f.w.Until(10*time.Second, "the next process has ended", func() error {
					if left := f.active.Pids(); len(left) > 0 {
						return errorf("%v are left", left)
					}
					return nil
				})
				f.active.Start()
				whole(f.w)
			})
			t.Run("the old one is frozen", func(t *testing.T) {
				f := newFailover(t, variant.opts)
				old, err := f.active.Self()
				if err != nil {
					t.Fatal(err)
				}
				f.restarting()
				f.keeps()
				syscall.Kill(old.PID, syscall.SIGSTOP)
				if variant.opts.Witness {
					f.check(f.standby)
				} else {
					// The holder, which is not frozen, answers for the VIP until the lease is
					// over, so that the first claim to the arbiter's lock is futile (decision 0020).
					f.checkWithin(f.standby, maxBlackout+2*time.Second)
				}
				syscall.Kill(old.PID, syscall.SIGCONT)
				whole(f.w)
			})
			t.Run("they are cut off", func(t *testing.T) {
				f := newFailover(t, variant.opts)
				f.restarting()
				f.keeps()
				f.active.Management("down")
				f.active.Unplug()
				f.check(f.standby)
			})
		})
	}
}

// TestANextProcessThatHangs keeps the VIPs on the active node for twenty seconds, in which
// no request fails, and then gives them up.
func TestANextProcessThatHangs(t *testing.T) {
	f := newFailover(t, harness.Options{Nodes: 2, Witness: true})
	f.active.CLI("profile", "calm") // nothing is to move for want of a processor
	patient := f.w.StartPatientProbe(f.w.Client, f.s.FIP+":80")
	next := f.restarting()
	syscall.Kill(next, syscall.SIGSTOP)
	f.keeps()
	began := time.Now()
	f.w.Until(40*time.Second, "the VIPs are given up", func() error {
		if f.standby.HasAddress(f.s.VIP) {
			return nil
		}
		if bad := harness.Failed(patient.Shots()); len(bad) > 0 && f.active.HasAddress(f.s.VIP) {
			f.w.T.Fatalf("a request failed while the old process kept the lease: %s", bad[0].Detail)
		}
		return errorf("%s does not have them", f.standby.Name)
	})
	if kept := time.Since(began); kept < 19*time.Second || kept > 25*time.Second {
		t.Errorf("they were kept for %s, want twenty seconds", kept)
	}
	patient.Stop()
	f.check(f.standby)
	syscall.Kill(next, syscall.SIGCONT)
	whole(f.w)
	if self, err := f.active.Self(); err != nil || self.PID != next || self.Role != "standby" {
		t.Errorf("the next process, %d, was to go on as a standby: %+v, %v", next, self, err)
	}
}
