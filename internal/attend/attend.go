// Package attend is what is left of the first process of a node after another one
// has taken over, where no service manager was told: whoever started lbd waits for
// this process, so it stays, passes signals on and ends as the node ends.
package attend

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// Command is the hidden sub-command.
	Command = "attend"
	// Env tells a process that an earlier one attends, so that it need not itself.
	Env = "LBD_ATTENDED"
)

// Adopt makes orphans below this process its children: those that a child of this
// one has started and left behind. It outlasts exec.
func Adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	return nil
}

// Run passes signals on until no child is left, and returns how the last one that
// ended by itself did. Nobody may have listened for signals in this process before.
func Run() (code int) { return run(listen()) }

// listen is the beginning of Run: from here on a signal does not end the process.
func listen() chan os.Signal {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, passed...)
	return signals
}

func run(signals chan os.Signal) (code int) {
	ended := make(chan struct{})
	go func() { // ends with Run
		for {
			select {
			case s := <-signals:
				Signal(s.(unix.Signal))
			case <-ended:
				return
			}
		}
	}()
	defer close(ended)
	defer signal.Stop(signals)
	exited, killed := -1, 0
	for {
		var ws unix.WaitStatus
		_, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil && exited >= 0:
			return exited
		case err != nil:
			return killed
		case ws.Exited():
			exited = ws.ExitStatus()
		case ws.Signaled():
			killed = 128 + int(ws.Signal())
		}
	}
}

// Signal sends s to every child. Those that ignore it, like the VIP holder, do so.
func Signal(s unix.Signal) {
	for _, pid := range children() {
		_ = unix.Kill(pid, s) // it may have ended
	}
}

// children are the processes that this one is the parent of, now.
func children() (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	self := os.Getpid()
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …; the name may contain anything
		f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(f) < 2 {
			continue
		}
		if ppid, err := strconv.Atoi(string(f[1])); err != nil || ppid != self {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
