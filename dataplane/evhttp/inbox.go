package evhttp

import (
	"syscall"

	"golang.org/x/sys/unix"

	"lbd/dataplane/loop"
)

// inbox is what was read from a socket and not used yet: in a shared scratch
// buffer during a turn, in a buffer of its own, if anything is left, between turns.
type inbox struct {
	mem  []byte
	r, w int
	own  *loop.Buf // mem belongs to it; nil: mem is scratch
}

func (in *inbox) bytes() []byte { return in.mem[in.r:in.w] }
func (in *inbox) empty() bool   { return in.r == in.w }

// consume is done with n bytes.
func (in *inbox) consume(n int) { in.r += n }

// fill reads once behind what is there, up to size bytes into scratch when there
// is nothing. It never has no room: a caller that has inboxMax bytes does not ask.
func (in *inbox) fill(l *loop.Loop, s *loop.Sock, scratch []byte, size int) (n int, errno syscall.Errno) {
	if in.empty() {
		in.release(l)
		in.mem, in.r, in.w = scratch[:loop.Headroom+size], loop.Headroom, loop.Headroom
	} else {
		in.room(l)
	}
	n, errno = s.Read(in.mem[in.w:])
	in.w += n
	return n, errno
}

// room makes space behind what is there, in a buffer of our own.
func (in *inbox) room(l *loop.Loop) {
	if in.own != nil && in.w < len(in.mem) {
		return
	}
	b := l.Lend(min(2*(in.w-in.r)+1, inboxMax))
	b.W = copy(b.Mem, in.bytes())
	l.Return(in.own)
	in.own, in.mem, in.r, in.w = b, b.Mem, 0, b.W
}

// full reports whether as much is kept as may be.
func (in *inbox) full() bool { return in.w-in.r >= inboxMax }

// settle leaves the scratch buffer to others.
func (in *inbox) settle(l *loop.Loop) {
	switch {
	case in.empty():
		in.release(l)
	case in.own == nil:
		b := l.Keep(in.bytes())
		in.own, in.mem, in.r, in.w = b, b.Mem, 0, b.W
	}
}

func (in *inbox) release(l *loop.Loop) {
	l.Return(in.own)
	*in = inbox{}
}

// take gives what is there as a buffer for somebody else, nil when there is nothing.
func (in *inbox) take(l *loop.Loop) *loop.Buf {
	var b *loop.Buf
	if !in.empty() {
		b = l.Keep(in.bytes())
	}
	in.release(l)
	return b
}

// ended turns what a read returned into whether the stream has ended.
func ended(n int, errno syscall.Errno) bool { return n == 0 && errno != unix.EAGAIN }
