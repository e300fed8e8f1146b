// Package lifecycle starts the parts of a process in order, waits, and stops
// them in reverse order, each with its own deadline.
//
// An errgroup stops everything at once; here the API must be down before the
// store under it, and the VIP must be released before Raft leaves.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Part is one piece of the process. Run blocks until its context ends and
// returns after all goroutines it started have ended.
type Part struct {
	Name string
	Run  func(ctx context.Context) error
	// Ready, when set, is waited for before the next part starts.
	Ready <-chan struct{}
	// StopWithin bounds how long the part may take to stop; 10 s when zero.
	StopWithin time.Duration
}

const defaultStopWithin = 10 * time.Second

type running struct {
	Part
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid after done is closed
}

// Run starts parts in order, calls started once all are ready, waits until ctx
// ends or a part fails, and stops what runs in reverse order. It returns the
// first failure, nil when everything stopped because ctx ended. A part that
// returns nil before it was asked to is a failure too.
func Run(ctx context.Context, log *slog.Logger, parts []Part, started func()) error {
	ended := make(chan *running, len(parts))
	var up []*running
	var first error
	fail := func(r *running) {
		if first == nil {
			err := r.err
			if err == nil {
				err = errors.New("ended by itself")
			}
			first = fmt.Errorf("%s: %w", r.Name, err)
		}
	}
start:
	for _, p := range parts {
		// Not derived from ctx: a part is stopped when its turn comes.
		pctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := &running{Part: p, cancel: cancel, done: make(chan struct{})}
		up = append(up, r)
		begun := time.Now()
		go func() {
			defer close(r.done)
			r.err = p.Run(pctx)
			ended <- r
		}()
		if p.Ready == nil {
			continue
		}
		select {
		case <-p.Ready:
			log.Debug("part ready", "part", p.Name, "took", time.Since(begun).Round(time.Microsecond))
		case r := <-ended:
			fail(r)
			break start
		case <-ctx.Done():
			break start
		}
	}
	if first == nil && ctx.Err() == nil {
		if started != nil {
			started()
		}
		select {
		case <-ctx.Done():
		case r := <-ended:
			fail(r)
		}
	}
	return errors.Join(first, stop(log, up))
}

// stop ends the parts, last started first.
func stop(log *slog.Logger, up []*running) error {
	var errs []error
	for i := len(up) - 1; i >= 0; i-- {
		r := up[i]
		within := r.StopWithin
		if within == 0 {
			within = defaultStopWithin
		}
		begun := time.Now()
		select {
		case <-r.done: // ended before it was asked: Run has its error already
			r.cancel()
			continue
		default:
		}
		r.cancel()
		timer := time.NewTimer(within)
		select {
		case <-r.done:
			if r.err != nil && !errors.Is(r.err, context.Canceled) {
				errs = append(errs, fmt.Errorf("stop %s: %w", r.Name, r.err))
			}
			log.Debug("part stopped", "part", r.Name, "took", time.Since(begun).Round(time.Microsecond))
		case <-timer.C:
			errs = append(errs, fmt.Errorf("stop %s: still running after %s", r.Name, within))
		}
		timer.Stop()
	}
	return errors.Join(errs...)
}
