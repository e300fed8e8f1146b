package vrrp

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// realtimePriority among SCHED_RR processes: above ordinary ones, below the
	// kernel's own threads (50) and whatever an operator placed on purpose.
	realtimePriority = 10
	// holderMemory is a soft bound; the holder lives in a few MiB.
	holderMemory = 64 << 20
)

// prepareProcess makes this process one that wakes up in time: locked memory,
// realtime scheduling or else the best nice value, little garbage collection.
// What is not allowed is logged once and done without: the gate's deadline holds
// in any case, only renewals may come late.
func prepareProcess(log *slog.Logger) {
	// The parent decides when to stop; its end of the socket tells us. Ctrl-C
	// goes to the whole process group and must not take the VIP away first.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(holderMemory)
	// Only what was touched is locked: the runtime reserves far more than that.
	err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
	if err != nil {
		log.Warn("memory is not locked: the VIP holder may have to wait for the disk", "err", err)
	}
	if err := realtime(); err != nil {
		log.Warn("no realtime scheduling: on a busy machine the VIP may be lost for want of CPU time", "err", err)
	}
}

// realtime moves every thread of this process to SCHED_RR, or to nice -20 with
// an error that says so. Threads made later inherit it.
func realtime() error {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	var errs []error
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: realtimePriority}
		if err := unix.SchedSetAttr(tid, attr, 0); err != nil {
			errs = append(errs, err)
			if err := unix.Setpriority(unix.PRIO_PROCESS, tid, -20); err != nil {
				errs = append(errs, fmt.Errorf("nor nice -20: %w", err))
			}
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs[:min(2, len(errs))]...)
	}
	return nil
}
