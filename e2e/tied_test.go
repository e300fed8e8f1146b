package e2e

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startTied starts cmd so that the kernel kills it when this process dies. wait
// reaps it. The signal comes when the thread that started the child ends, and
// threads that have entered a namespace do end: the goroutine keeps its own until
// wait has returned.
func startTied(cmd *exec.Cmd, wait func()) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			wait()
		}
	}()
	return <-started
}
