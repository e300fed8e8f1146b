package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"lbd/store"
)

// What Run returns when the node goes on in another way.
var (
	// ErrRestart: the node has ended in order to be started again, in the same process,
	// from Executable.
	ErrRestart = errors.New("restart")
	// ErrAttend: another process, started by this one, is the node now; whoever started
	// this one has to be told when that one ends.
	ErrAttend = errors.New("another process has taken over")

	// errSucceeded ends the control part for a process that takes over.
	errSucceeded = errors.New("another process takes over")
)

const (
	// tryWithin bounds the trial of a binary before a restart.
	tryWithin = 5 * time.Second
	// restartAfter leaves time for the answer to whoever asked.
	restartAfter = 100 * time.Millisecond
	// binaryGreeting is how the version of an lbd begins.
	binaryGreeting = "lbd "
)

// restarter ends the node so that it goes on from the binary that is in place: the
// file that this process was started from; an upgrade puts another one there.
type restarter struct {
	n      *node
	binary string
	stop   context.CancelCauseFunc

	mu   sync.Mutex
	busy bool // guarded by mu; a restart is under way
}

// ask is a request to restart: refused when the binary does not even tell its
// version, or could not take over, for then nothing would come back. A binary that
// is older than hand-overs is started in this process, after the node has ended.
func (r *restarter) ask(ctx context.Context) (version string, err error) {
	r.mu.Lock()
	busy := r.busy
	r.busy = true
	r.mu.Unlock()
	if busy {
		return "", store.Errorf(store.Conflict, "The node is restarting already.")
	}
	cause := ErrRestart
	version, takesOver, err := tryBinary(ctx, r.binary)
	if err == nil && takesOver {
		cause = errSucceeded
		err = r.prepare(ctx)
	}
	if err != nil {
		r.mu.Lock()
		r.busy = false
		r.mu.Unlock()
		r.n.log.Warn("no restart", "err", err)
		return "", store.Errorf(store.Conflict, "The node goes on as it is: %s.", strings.TrimSuffix(err.Error(), "."))
	}
	time.AfterFunc(restartAfter, func() { r.stop(cause) })
	return version, nil
}

// prepare starts the process that is to take over, and gathers what it gets.
func (r *restarter) prepare(ctx context.Context) error {
	h, err := startHeir(ctx, r.binary)
	if err != nil {
		return err
	}
	e, err := r.n.newEstate()
	if err != nil {
		return h.giveUp(err)
	}
	r.n.heir, r.n.estate = h, e
	return nil
}

// outcome is what Run returns once the node has ended with err: one that has not
// ended well starts again all the same.
func outcome(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrRestart) {
		return errors.Join(ErrRestart, err)
	}
	return err
}
