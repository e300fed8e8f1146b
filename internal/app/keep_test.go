package app

import (
	"context"
	"errors"
	"testing"

	"lbd/internal/lifecycle"
)

// TestKeeper: a part that is kept goes on after it was asked to stop, until it is
// ended, and can run again; one that is not ends at once.
func TestKeeper(t *testing.T) {
	for _, keep := range []bool{true, false} {
		runs, end := 0, errors.New("how it ended")
		started := make(chan bool, 2)
		var k keeper
		p := k.part(lifecycle.Part{Name: "p", Run: func(ctx context.Context) error {
			runs++
			started <- true
			<-ctx.Done()
			return end
		}}, func() bool { return keep })
		ctx, stop := context.WithCancel(context.Background())
		stopped := make(chan error)
		go func() { stopped <- p.Run(ctx) }()
		<-started
		stop()
		if err := <-stopped; (err == nil) != keep {
			t.Errorf("kept %v: the part returned %v", keep, err)
		}
		k.again("p")
		if keep { // it has not ended, so there is nothing to begin again
			if err := k.end("p"); !errors.Is(err, end) || runs != 1 {
				t.Errorf("ended with %v after %d runs", err, runs)
			}
			k.again("p")
		}
		<-started
		if err := k.end("p"); !errors.Is(err, end) || runs != 2 {
			t.Errorf("the second time it ended with %v after %d runs", err, runs)
		}
	}
}
