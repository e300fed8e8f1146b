package attend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// passed are the signals that an attending process passes on.
var passed = []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP}

// Exec turns this process into one that attends, from the first of paths that can
// be run: small, and without the file that it was started from. ctx is done where a
// signal had come before Line was called. One that has come since is passed on, before
// or behind the turn; one in between ends this process, which those with its lifeline
// notice. It returns only when nothing can be run.
func Exec(ctx context.Context, paths ...string) error {
	early := hear()
	signal.Notify(early, passed...)
	last := make(chan os.Signal, 1)
	signal.Notify(last, unix.SIGWINCH)
	err := byDefault()
	// The runtime hands on signals in the order of their numbers, those at hand at once:
	// behind this one there is no other left.
	if unix.Kill(os.Getpid(), unix.SIGWINCH) == nil {
		<-last
	}
	if ctx.Err() != nil {
		Signal(unix.SIGTERM)
	}
	for len(early) > 0 {
		Signal((<-early).(unix.Signal))
	}
	err = errors.Join(err, keepLine())
	for _, path := range paths {
		err = errors.Join(err, syscall.Exec(path, []string{os.Args[0], Command}, os.Environ()))
	}
	return err
}

// byDefault has the kernel end this process by the signals of passed. Blocking them
// would not do: that is each thread's own, and the runtime has several.
func byDefault() error {
	const size = 8            // of the kernel's sets of signals
	var action [4 * size]byte // handler, flags, restorer, mask: all zero
	pointer := uintptr(unsafe.Pointer(&action))
	for _, s := range passed {
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s.(unix.Signal)), pointer, 0, size, 0, 0); errno != 0 {
			return fmt.Errorf("give up signal %v: %w", s, errno)
		}
	}
	return nil
}
