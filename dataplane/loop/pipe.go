package loop

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Pipe is a kernel pipe that bulk passes through without being copied to user
// space. It is lent by a loop, and is full when it holds what a peer does not take.
type Pipe struct {
	r, w int
	n    int // bytes in it
}

// Len is how many bytes are in the pipe.
func (p *Pipe) Len() int { return p.n }

func (p *Pipe) close() {
	unix.Close(p.r)
	unix.Close(p.w)
}

// pipes of a loop: lent and free ones together are at most max.
type pipes struct {
	free []*Pipe
	all  int
	max  int
}

// SetPipes bounds the pipes of the loop, two descriptors each. Before Run.
func (l *Loop) SetPipes(n int) { l.pipes.max = n }

// LendPipe gives an empty pipe; nil at the bound, or when the kernel has none:
// bulk is copied then.
func (l *Loop) LendPipe() *Pipe {
	ps := &l.pipes
	if k := len(ps.free); k > 0 {
		p := ps.free[k-1]
		ps.free = ps.free[:k-1]
		return p
	}
	if ps.all >= ps.max {
		return nil
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	// Best effort: a smaller one works too.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, PipeSize)
	ps.all++
	return &Pipe{r: fds[0], w: fds[1]}
}

// ReturnPipe takes a pipe back; nil is allowed. What is in it is thrown away.
func (l *Loop) ReturnPipe(p *Pipe) {
	if p == nil {
		return
	}
	ps := &l.pipes
	if p.n > 0 || len(ps.free) >= keepPipes {
		p.close()
		ps.all--
		return
	}
	ps.free = append(ps.free, p)
}

func (l *Loop) closePipes() {
	for _, p := range l.pipes.free {
		p.close()
	}
	l.pipes.free = nil
}

// SpliceIn moves up to size bytes from the socket into p, which is empty. It
// reports what Read does. A short move proves nothing: p has slots, not bytes.
func (s *Sock) SpliceIn(p *Pipe, size int) (n int, errno syscall.Errno) {
	s.loop.calls.Splice++
	n, errno = splice(int(s.fd), p.w, size)
	if errno == unix.EAGAIN {
		s.Readable = false
	}
	p.n += n
	return n, errno
}

// SpliceOut moves what is in p to the socket, as much as that takes. p.Len() > 0
// without an errno: it is full, and an event comes when it takes more.
func (s *Sock) SpliceOut(p *Pipe) (n int, errno syscall.Errno) {
	if s.nagle {
		s.undelay()
	}
	for p.n > 0 {
		s.loop.calls.Splice++
		w, e := splice(p.r, int(s.fd), p.n)
		switch {
		case e == unix.EAGAIN:
			s.Writable = false
			return n, 0
		case e != 0:
			return n, e
		case w == 0: // never, with bytes in the pipe
			return n, unix.EPIPE
		}
		p.n -= w
		n += w
	}
	return n, 0
}

func splice(from, to, size int) (int, syscall.Errno) {
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(size), unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		switch e {
		case 0:
			return int(n), 0
		case unix.EINTR:
			continue
		}
		return 0, e
	}
}
