package attend

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// passed are the signals that an attending process passes on.
var passed = []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP}

// Exec turns this process into one that attends, from the first of paths that can
// be run: small, and without the file that it was started from. ctx is done where a
// signal has come. One that comes from now on is passed on, before or behind the
// turn; one in between ends this process, which those with its lifeline notice.
// It returns only when nothing can be run.
func Exec(ctx context.Context, paths ...string) error {
	signals, last := listen(), make(chan os.Signal, 1)
	signal.Notify(last, unix.SIGWINCH)
	runtime.LockOSThread() // what is blocked here stays so over the exec, and what waits waits
	for range 2 {          // again for a thread that was made meanwhile
		block()
		// The runtime hands on signals in the order of their numbers, those at hand at once:
		// behind this one there is no other left.
		if unix.Kill(os.Getpid(), unix.SIGWINCH) == nil {
			<-last
		}
	}
	if ctx.Err() != nil {
		Signal(unix.SIGTERM)
	}
	for len(signals) > 0 {
		Signal((<-signals).(unix.Signal))
	}
	err := keepLine()
	for _, path := range paths {
		err = errors.Join(err, syscall.Exec(path, []string{os.Args[0], Command}, os.Environ()))
	}
	return err
}

// block lets the signals of passed wait for the exec.
func block() {
	var set unix.Sigset_t
	for _, s := range passed {
		n := uint(s.(unix.Signal)) - 1
		set.Val[n/64] |= 1 << (n % 64)
	}
	// In a binary that is linked with C there is no call for all threads: another one may
	// take a signal at the very end.
	const size = 8 // of the kernel's set
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&set)), 0, size, 0, 0); errno != 0 {
		_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
	}
}
