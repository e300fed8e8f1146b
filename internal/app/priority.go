package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness puts lbd before ordinary processes: its beats carry the lease of the
// VIPs, and a backup job or a build on the same machine must not cost it.
const niceness = -10

// groupNiceness is that of the session's group, the most there is: beside one busy process
// on each core, Linux 6.18 let a group of -10 wait for up to 3 s, one of 0 for 10 s, and
// threads of -10 without groups never for 60 ms.
const groupNiceness = -20

// autogroup is the scheduler's group of this process's session, see sched(7): where
// it is enabled, a nice value counts only among the processes of one session, and
// the group's own counts among sessions.
const autogroup = "/proc/self/autogroup"

// prefer gives all threads of this process niceness; threads made later inherit
// it. A process that leads its session, as under a service manager, gives the session's
// group groupNiceness. Where that is not allowed lbd runs as others do.
func prefer(log *slog.Logger) {
	err := nice(niceness)
	if sid, e := unix.Getsid(0); e == nil && sid == os.Getpid() {
		err = errors.Join(err, niceSession(groupNiceness))
	}
	if err != nil {
		log.Debug("run before other processes", "err", err)
	}
}

func niceSession(n int) error {
	err := os.WriteFile(autogroup, []byte(strconv.Itoa(n)), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel without such groups
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

func nice(n int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	var errs []error
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, n); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("thread %d: %w", tid, err))
		}
	}
	return errors.Join(errs...)
}
