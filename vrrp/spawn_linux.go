package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a running child and this end of the socket.
type process struct {
	cmd   *exec.Cmd
	conn  *net.UnixConn
	id    uint64 // unlike that of any other child, never 0
	first Report
	dead  chan struct{} // closed when the process is reaped
	err   error         // how it ended; read after dead
	once  sync.Once
}

// startProcess starts a child and waits for its first report.
func startProcess(cfg HolderConfig, log *slog.Logger) (*process, error) {
	command := cfg.Command
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own executable: %w", err)
		}
		command = []string{self, HolderCommand}
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("start VIP holder: %w", err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr // only what the runtime says when it dies
	cmd.ExtraFiles = []*os.File{theirs}
	// SIGKILL as a backstop: a child that is frozen does not see the socket
	// close.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{cmd: cmd, conn: ours, id: rand.Uint64() | 1, dead: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The parent-death signal comes when the thread that started the child
		// ends, so this goroutine keeps its thread until the child is reaped.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.dead)
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	err = <-started
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("start VIP holder: %w", err)
	}
	if err := p.greet(cfg, log); err != nil {
		p.end()
		return nil, fmt.Errorf("start VIP holder: %w", err)
	}
	return p, nil
}

func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	f, theirs := os.NewFile(uintptr(fds[0]), "holder"), os.NewFile(uintptr(fds[1]), "parent")
	c, err := net.FileConn(f)
	f.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return c.(*net.UnixConn), theirs, nil
}

// greet sends the set-up and waits for the first report, or for why there is
// none.
func (p *process) greet(cfg HolderConfig, log *slog.Logger) error {
	setup := setupMessage{Device: cfg.Device, Debug: log.Enabled(context.Background(), slog.LevelDebug)}
	if err := p.write(setup.encode()); err != nil {
		return err
	}
	if err := p.conn.SetReadDeadline(time.Now().Add(startWithin)); err != nil {
		return err
	}
	buf := make([]byte, maxMessage)
	for {
		n, err := p.conn.Read(buf)
		if err != nil || n == 0 {
			return errors.Join(errSilent, err)
		}
		switch kind(buf[0]) {
		case kindFatal:
			r := reader{b: buf[1:n]}
			return errors.New(r.text())
		case kindLog:
			if m, err := decodeLog(buf[1:n]); err == nil {
				m.emit(log)
			}
		case kindReport:
			if p.first, err = decodeReport(buf[1:n]); err != nil {
				return err
			}
			return p.conn.SetReadDeadline(time.Time{})
		}
	}
}

// read passes reports on until the child's end closes.
func (p *process) read(receive func(Report, int), log *slog.Logger) {
	buf := make([]byte, maxMessage)
	for {
		n, err := p.conn.Read(buf)
		if err != nil || n == 0 {
			return
		}
		switch kind(buf[0]) {
		case kindReport:
			r, err := decodeReport(buf[1:n])
			if err != nil {
				log.Error("report of the VIP holder", "err", err)
				continue
			}
			receive(r, p.pid())
		case kindLog:
			if m, err := decodeLog(buf[1:n]); err == nil {
				m.emit(log)
			}
		case kindFatal:
			r := reader{b: buf[1:n]}
			log.Error("VIP holder", "err", r.text())
		}
	}
}

func (p *process) write(b []byte) error {
	if err := p.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	_, err := p.conn.Write(b)
	return err
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // dead already is as good
}

// end closes our end, which tells the child to leave, kills it when it does not,
// and waits until it is gone. The kernel has then taken its addresses away.
func (p *process) end() {
	p.once.Do(func() {
		_ = p.conn.Close() // nothing to be done about it
		select {
		case <-p.dead:
		case <-time.After(exitWithin):
			p.kill()
			<-p.dead
		}
	})
}
