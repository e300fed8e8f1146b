package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type journal struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (j *journal) add(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, s)
}

func (j *journal) part(name string, ready chan struct{}) Part {
	return Part{Name: name, Ready: ready, Run: func(ctx context.Context) error {
		j.add("start " + name)
		if ready != nil {
			close(ready)
		}
		<-ctx.Done()
		j.add("stop " + name)
		return ctx.Err()
	}}
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		ctx, cancel := context.WithCancel(t.Context())
		parts := []Part{j.part("store", make(chan struct{})), j.part("api", make(chan struct{}))}
		err := Run(ctx, slog.New(slog.DiscardHandler), parts, func() { j.add("started"); cancel() })
		if err != nil {
			t.Fatalf("Run: %v", err)
		}
		want := []string{"start store", "start api", "started", "stop api", "stop store"}
		if d := cmp.Diff(want, j.lines); d != "" {
			t.Errorf("order (-want +got):\n%s", d)
		}
	})
}

func TestFailureOfOnePartStopsTheOthersAndIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		broken := errors.New("disk on fire")
		parts := []Part{
			j.part("store", make(chan struct{})),
			{Name: "raft", Run: func(context.Context) error { return broken }, Ready: make(chan struct{})},
			j.part("api", nil),
		}
		err := Run(t.Context(), slog.New(slog.DiscardHandler), parts, func() { t.Error("reported as started") })
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "raft: ") {
			t.Fatalf("Run = %v, want raft: %v", err, broken)
		}
		want := []string{"start store", "stop store"}
		if d := cmp.Diff(want, j.lines); d != "" {
			t.Errorf("order (-want +got):\n%s", d)
		}
	})
}

func TestAPartThatDoesNotStopIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		parts := []Part{{Name: "stuck", StopWithin: time.Second, Run: func(context.Context) error { <-release; return nil }}}
		err := Run(ctx, slog.New(slog.DiscardHandler), parts, cancel)
		close(release)
		if err == nil || !strings.Contains(err.Error(), "stop stuck: still running after 1s") {
			t.Fatalf("Run = %v", err)
		}
	})
}
