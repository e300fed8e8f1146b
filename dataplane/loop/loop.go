package loop

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Handler is what a loop calls for a socket. Ready says that the socket's flags
// have changed, or that the handler asked for another turn. Panicked follows a
// panic of Ready or Expire: it must let go of the connection and nothing else.
type Handler interface {
	Ready()
	Panicked()
}

// slot is what a loop knows of a descriptor. gen tells old events from new ones
// when a number is used again inside one batch.
type slot struct {
	sock *Sock
	gen  uint32
}

// Loop is one event loop. Make it with New, then Run it once.
type Loop struct {
	ep, wake int
	slots    []slot // by descriptor
	events   [maxEvents]unix.EpollEvent

	now   time.Duration // since start; renewed for each batch and each few events of it
	start time.Time
	wheel wheel
	batch uint64

	ready, turn []Handler // asked for another turn; swapped
	bufs        bufs
	pipes       pipes
	calls       Calls

	// Up and Down are shared scratch buffers for what clients and what members
	// send. Nothing in them outlives a handler's turn.
	Up, Down []byte
	// Enc is scratch for what is put together to be sent.
	Enc []byte

	conns   atomic.Int64 // registered sockets, for others to compare
	onPanic func(p any)

	mu      sync.Mutex
	posted  []func() // guarded by mu
	stopped bool     // guarded by mu
	spare   []func()
}

// New opens a loop. onPanic is told what a handler panicked with, on the loop's
// goroutine.
func New(onPanic func(p any)) (*Loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(ep)
		return nil, fmt.Errorf("open eventfd: %w", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: -1}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, wake, &ev); err != nil {
		unix.Close(ep)
		unix.Close(wake)
		return nil, fmt.Errorf("watch eventfd: %w", err)
	}
	return &Loop{
		ep: ep, wake: wake, start: time.Now(), onPanic: onPanic,
		Up: make([]byte, ScratchSize+Headroom), Down: make([]byte, ScratchSize+Headroom),
		Enc: make([]byte, 0, ScratchSize+Headroom),
	}, nil
}

// Now is the time since the loop was made, as of the beginning of this batch or a
// few events ago.
func (l *Loop) Now() time.Duration { return l.now }

// Batch counts calls of epoll_wait that brought something.
func (l *Loop) Batch() uint64 { return l.batch }

// Load is how many sockets are registered. Any goroutine may ask.
func (l *Loop) Load() int64 { return l.conns.Load() }

// Post has fn run by the loop. Any goroutine may call it, fn included; it does
// not block. false: the loop has ended and fn will not run.
func (l *Loop) Post(fn func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.posted = append(l.posted, fn)
	if len(l.posted) == 1 {
		one := [8]byte{1}
		// Full only at 2^64-2 wake-ups that nobody read.
		_, _ = unix.Write(l.wake, one[:])
	}
	return true
}

// Again gives h another turn after the others had theirs.
func (l *Loop) Again(h Handler) { l.ready = append(l.ready, h) }

// Run serves until Stop. The descriptors that are still registered then stay
// open: whoever opened them has closed them before.
func (l *Loop) Run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.close()
	for {
		n, err := l.wait()
		if err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
		l.now = time.Since(l.start)
		l.batch++
		l.stir(n)
		for i := range n {
			if i%refreshEvery == refreshEvery-1 {
				l.now = time.Since(l.start)
			}
			l.dispatch(&l.events[i])
		}
		l.turns()
		l.wheel.advance(int64(l.now/Tick), l.expire)
		if l.commands() {
			return nil
		}
	}
}

// Stop ends Run after what was posted before.
func (l *Loop) Stop() {
	l.Post(func() {
		l.mu.Lock()
		l.stopped = true
		l.mu.Unlock()
	})
}

func (l *Loop) close() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.closePipes()
	unix.Close(l.ep)
	unix.Close(l.wake)
}

// wait asks once without blocking, by a raw call: under load there is always
// something. Only an empty answer is worth telling the scheduler and the
// collector that this thread sleeps.
func (l *Loop) wait() (int, error) {
	l.calls.Wait++
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(&l.events)), maxEvents, 0, 0, 0)
	if errno == 0 && (n > 0 || len(l.ready) > 0) {
		return int(n), nil
	}
	if errno != 0 && errno != unix.EINTR {
		return 0, errno
	}
	timeout := -1
	if len(l.ready) > 0 {
		timeout = 0
	} else if next := l.wheel.next(); next >= 0 {
		left := time.Duration(next)*Tick - time.Since(l.start)
		timeout = max(0, int((left+time.Millisecond-1)/time.Millisecond))
	}
	l.calls.Wait++
	n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(&l.events)), maxEvents, uintptr(timeout), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, errno
}

// stir marks the parked sockets of this batch before any handler runs: a handler
// must not take one that has something to say.
func (l *Loop) stir(n int) {
	for i := range n {
		if s := l.find(&l.events[i]); s != nil && s.parked {
			s.stirred = true
		}
	}
}

func (l *Loop) find(ev *unix.EpollEvent) *Sock {
	if ev.Fd < 0 || int(ev.Fd) >= len(l.slots) {
		return nil
	}
	if sl := &l.slots[ev.Fd]; sl.gen == uint32(ev.Pad) {
		return sl.sock
	}
	return nil // closed, and perhaps opened anew, earlier in this batch
}

func (l *Loop) dispatch(ev *unix.EpollEvent) {
	s := l.find(ev)
	if s == nil {
		if ev.Fd == -1 {
			var b [8]byte
			_, _ = unix.Read(l.wake, b[:])
		}
		return
	}
	e := ev.Events
	if e&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.Readable = true
	}
	if e&unix.EPOLLOUT != 0 {
		s.Writable = true
	}
	if e&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.Finished = true
	}
	// Data before the FIN is in the queue. Reading stops short at an urgent byte,
	// too; after a reset it is not the FIN that ends the stream.
	s.final = e&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLPRI) == unix.EPOLLRDHUP
	if e&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.Broken, s.Writable = true, true
	}
	l.call(s.on)
}

func (l *Loop) call(h Handler) {
	defer l.caught(h)
	h.Ready()
}

func (l *Loop) caught(h Handler) {
	if p := recover(); p != nil {
		l.onPanic(p)
		h.Panicked()
	}
}

func (l *Loop) turns() {
	l.turn, l.ready = l.ready, l.turn[:0]
	for i, h := range l.turn {
		l.turn[i] = nil
		l.call(h)
	}
}

func (l *Loop) expire(t *Timer) {
	if h, ok := t.on.(Handler); ok {
		defer l.caught(h)
	}
	t.on.Expire()
}

// commands runs what was posted and reports whether the loop ends.
func (l *Loop) commands() (stop bool) {
	l.mu.Lock()
	l.spare, l.posted = l.posted, l.spare[:0]
	l.mu.Unlock()
	for i, fn := range l.spare {
		l.spare[i] = nil
		fn()
	}
	if len(l.spare) == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}
