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
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// process is a running child and this end of the socket.
type process struct {
	pid  int
	kill func() // with SIGKILL; one that is dead already is well
	conn *net.UnixConn
	// life is our end of the child's lifeline, see tieLife.
	life *os.File

	id    uint64 // unlike that of any other child, never 0
	first Report
	dead  chan struct{} // closed when the process is reaped
	err   error         // how it ended; read after dead
	once  sync.Once
}

// startProcess starts a child and waits for its first report.
func startProcess(cfg HolderConfig, log *slog.Logger) (*process, error) {
	command := cfg.Command
	if len(command) == 0 { // of the same build, whatever has come in the file's place
		command = []string{"/proc/self/exe", HolderCommand}
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("start VIP holder: %w", err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	if len(cfg.Command) == 0 {
		cmd.Args[0] = os.Args[0]
	}
	cmd.Stderr = os.Stderr // only what the runtime says when it dies
	lifeEnd, life, err := os.Pipe()
	if err != nil {
		ours.Close()
		theirs.Close()
		return nil, fmt.Errorf("start VIP holder: %w", err)
	}
	cmd.ExtraFiles = []*os.File{theirs, lifeEnd}
	err = cmd.Start()
	theirs.Close()
	lifeEnd.Close()
	if err != nil {
		ours.Close()
		life.Close()
		return nil, fmt.Errorf("start VIP holder: %w", err)
	}
	p := &process{
		pid: cmd.Process.Pid, kill: func() { _ = cmd.Process.Kill() }, conn: ours, life: life,
		id: rand.Uint64() | 1, dead: make(chan struct{}),
	}
	go func() { // ends with the child
		defer close(p.dead)
		p.err = cmd.Wait()
	}()
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
	return p.hear(log)
}

// hear waits for a report.
func (p *process) hear(log *slog.Logger) error {
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
			receive(r, p.pid)
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
		p.life.Close()
	})
}
