package attend

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// The lifeline is a pipe that nothing is written to. The attending process has one
// end, over its exec, too, and all who are attended read at the other: its end, by
// whatever signal, is the node's.
var lifeline struct {
	mu   sync.Mutex
	r, w *os.File // guarded by mu; w with the attending process
	// heard, guarded by mu, has what came since Line: by then somebody listens to whom a
	// signal is told at once, which a context that is done by one is not.
	heard chan os.Signal
}

// LineFD is the descriptor of the lifeline in a process that is attended, which Env
// says to it.
const LineFD = 4

// Lined tells whether this process was given the lifeline of one that attends.
func Lined() bool { return os.Getenv(Env) == strconv.Itoa(LineFD) }

// Line is the end of the lifeline for a process that this one starts. It stays this
// package's.
func Line() (*os.File, error) {
	hear()
	lifeline.mu.Lock()
	defer lifeline.mu.Unlock()
	if lifeline.r == nil {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("make a lifeline: %w", err)
		}
		lifeline.r, lifeline.w = r, w
	}
	return lifeline.r, nil
}

// hear is the signals that end a node, and have come since it was called first.
func hear() chan os.Signal {
	lifeline.mu.Lock()
	defer lifeline.mu.Unlock()
	if lifeline.heard == nil {
		lifeline.heard = make(chan os.Signal, 8)
		signal.Notify(lifeline.heard, unix.SIGTERM, unix.SIGINT)
	}
	return lifeline.heard
}

// Watch ends this process as SIGTERM would when the one that attends has ended. It
// does nothing where nobody attends, or one of a version without a lifeline does.
func Watch() {
	if !Lined() {
		return
	}
	unix.CloseOnExec(LineFD)
	r := os.NewFile(LineFD, "lifeline")
	lifeline.mu.Lock()
	lifeline.r = r
	lifeline.mu.Unlock()
	go func() { // ends with the process
		var b [1]byte
		_, _ = r.Read(b[:])
		_ = unix.Kill(os.Getpid(), unix.SIGTERM)
	}()
}

// keepLine lets this process's end survive an exec.
func keepLine() error {
	lifeline.mu.Lock()
	defer lifeline.mu.Unlock()
	if lifeline.w == nil {
		return nil
	}
	if _, err := unix.FcntlInt(lifeline.w.Fd(), unix.F_SETFD, 0); err != nil {
		return fmt.Errorf("keep the lifeline: %w", err)
	}
	return nil
}
