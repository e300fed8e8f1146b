package app

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"lbd/store"
)

// ErrRestart is returned by Run when the node has ended in order to be started
// again, in the same process, from Executable.
var ErrRestart = errors.New("restart")

const (
	// tryWithin bounds the trial of a binary before a restart.
	tryWithin = 5 * time.Second
	// restartAfter leaves time for the answer to whoever asked.
	restartAfter = 100 * time.Millisecond
	// binaryGreeting is how the version of an lbd begins.
	binaryGreeting = "lbd "
)

// restarter ends the node so that main can start it again. The binary is the file
// that this process was started from; an upgrade puts another one in its place.
type restarter struct {
	binary string
	stop   context.CancelCauseFunc
}

// ask is a request to restart: refused when the binary does not even tell its
// version, for then nothing would come back.
func (r *restarter) ask(ctx context.Context) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.binary, "version").Output()
	if err != nil {
		return "", store.Errorf(store.Conflict, "The node goes on as it is: %s does not start: %v.", r.binary, err)
	}
	version, ok := strings.CutPrefix(strings.TrimSpace(string(out)), binaryGreeting)
	if !ok || strings.Contains(version, "\n") {
		return "", store.Errorf(store.Conflict, "The node goes on as it is: %s is no lbd.", r.binary)
	}
	time.AfterFunc(restartAfter, func() { r.stop(ErrRestart) })
	return version, nil
}

// outcome is what Run returns once the node has ended with err: one that has not
// ended well starts again all the same.
func outcome(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrRestart) {
		return errors.Join(ErrRestart, err)
	}
	return err
}
