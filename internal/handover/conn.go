package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Env is the variable that tells a process the number of the descriptor by which
// the old process of its node talks to it.
const Env = "LBD_HANDOVER_FD"

// File is an open descriptor. (An os.File would be given to the runtime's poller,
// and its Fd changes the mode of the socket, which both processes share.)
type File struct {
	once sync.Once
	fd   int
}

// NewFile takes ownership of fd.
func NewFile(fd int) *File { return &File{fd: fd} }

// Opened is what has a descriptor: listeners and connections of package net, and a
// Conn.
type Opened interface {
	SyscallConn() (syscall.RawConn, error)
}

// Dup gives a descriptor of its own for what c has open.
func Dup(c Opened) (*File, error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, derr := -1, error(nil)
	err = rc.Control(func(p uintptr) { fd, derr = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 3) })
	if err = errors.Join(err, derr); err != nil {
		return nil, fmt.Errorf("duplicate descriptor: %w", err)
	}
	return NewFile(fd), nil
}

// FD is the descriptor, which stays the File's.
func (f *File) FD() int { return f.fd }

// Take gives the descriptor away: Close does nothing any more.
func (f *File) Take() int {
	fd := f.fd
	f.once.Do(func() { f.fd = -1 })
	return fd
}

// Close closes it, once.
func (f *File) Close() {
	f.once.Do(func() { unix.Close(f.fd); f.fd = -1 })
}

// Conn is one end. Send may be called by several goroutines, Receive by one.
type Conn struct {
	c   *net.UnixConn
	buf []byte
	oob []byte
}

// Pair makes both ends; theirs is for a child process.
func Pair() (ours *Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "successor")
	if ours, err = Open(fds[0]); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// FromEnv is the end that the old process has given to this one; nil when this
// process was started in another way. The variable is taken out of the
// environment, for it is not for this process's children.
func FromEnv() (*Conn, error) {
	v, ok := os.LookupEnv(Env)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(Env)
	fd, err := strconv.Atoi(v)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is no descriptor: it is set by lbd itself, not by hand", Env, v)
	}
	return Open(fd)
}

// Open makes fd an end; it is the Conn's, also on failure.
func Open(fd int) (*Conn, error) {
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "handover")
	nc, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("open hand-over socket: %w", err)
	}
	c, ok := nc.(*net.UnixConn)
	if !ok {
		nc.Close()
		return nil, errors.New("open hand-over socket: it is no Unix socket")
	}
	return &Conn{c: c, buf: make([]byte, 2+MaxBody+1), oob: make([]byte, unix.CmsgSpace(4*(MaxFiles+1)))}, nil
}

// Send sends a message with copies of files, which stay the caller's.
func (c *Conn) Send(k Kind, body any, files ...*File) error {
	p, err := encode(k, body)
	if err != nil {
		return err
	}
	if len(files) > MaxFiles {
		return fmt.Errorf("send %s: %d descriptors are more than %d", k, len(files), MaxFiles)
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = f.FD()
		}
		oob = unix.UnixRights(fds...)
	}
	if err := c.c.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return fmt.Errorf("send %s: %w", k, err)
	}
	if _, _, err := c.c.WriteMsgUnix(p, oob, nil); err != nil {
		return fmt.Errorf("send %s: %w", k, err)
	}
	return nil
}

// sendWithin bounds one message to an end that does not read.
const sendWithin = 5 * time.Second

// Receive waits for the next message until ctx ends. io.EOF: the other end is
// closed, or its process has ended.
func (c *Conn) Receive(ctx context.Context) (Message, error) {
	if err := c.c.SetReadDeadline(time.Time{}); err != nil {
		return Message{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.c.SetReadDeadline(time.Unix(1, 0)) })
	n, on, flags, _, err := c.c.ReadMsgUnix(c.buf, c.oob)
	stop()
	if err != nil {
		if ctx.Err() != nil {
			return Message{}, context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) {
			return Message{}, io.EOF
		}
		return Message{}, fmt.Errorf("receive: %w", err)
	}
	files, err := received(c.oob[:on])
	m := Message{Files: files}
	switch {
	case err != nil:
	case n == 0:
		err = io.EOF
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || len(files) > MaxFiles:
		err = fmt.Errorf("%w: it is too long", errMessage)
	default:
		var d Message
		if d, err = decode(c.buf[:n]); err == nil {
			d.Files = files
			return d, nil
		}
	}
	m.Close()
	return Message{}, err
}

// received are the descriptors of a control message.
func received(oob []byte) (files []*File, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	for i := range msgs {
		fds, perr := unix.ParseUnixRights(&msgs[i])
		if perr != nil {
			err = fmt.Errorf("%w: %w", errMessage, perr)
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, NewFile(fd))
		}
	}
	return files, err
}

// Expect receives a message of one kind into body. A Fault of the other end
// becomes the error.
func (c *Conn) Expect(ctx context.Context, k Kind, body any) ([]*File, error) {
	m, err := c.Receive(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err // it says why
		}
		return nil, fmt.Errorf("wait for %s: %w", k, err)
	}
	if m.Kind == KindFault && k != KindFault {
		m.Close()
		var f Fault
		if err := m.Decode(&f); err != nil {
			return nil, err
		}
		return nil, errors.New(f.Reason)
	}
	if m.Kind != k {
		m.Close()
		return nil, fmt.Errorf("%w: %s instead of %s", errMessage, m.Kind, k)
	}
	if err := m.Decode(body); err != nil {
		m.Close()
		return nil, err
	}
	return m.Files, nil
}

// SyscallConn implements Opened: a copy of this end can be handed on.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.c.SyscallConn() }

// Close closes this end.
func (c *Conn) Close() error { return c.c.Close() }
