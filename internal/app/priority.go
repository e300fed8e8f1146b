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

// prefer gives all threads of this process niceness; threads made later inherit
// it. Where that is not allowed lbd runs as others do.
func prefer(log *slog.Logger) {
	if err := nice(niceness); err != nil {
		log.Debug("run before other processes", "err", err)
	}
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
