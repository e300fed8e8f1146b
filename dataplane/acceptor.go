package dataplane

import (
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/loop"
	"lbd/dataplane/table"
)

// acceptor takes connections from a socket on one event loop. All loops listen to
// the same socket: it stays open, with its queue, however many they are.
type acceptor struct {
	s       *sockets
	w       *worker
	sock    *socket
	in      loop.Sock
	fd      int
	retry   loop.Timer
	backoff time.Duration
	last    uint64 // batch of the last turn
	burst   int    // connections to accept in one turn
	muted   bool   // at the connection limit, or the kernel refuses
	gone    bool
}

// appoint has the socket's connections accepted by who serves l: event loops, or
// a goroutine.
func (s *sockets) appoint(sock *socket, l *table.Listener) {
	if s.held {
		return
	}
	looped := len(s.workers) > 0 && l.OnLoops()
	if looped && sock.looped {
		for _, a := range sock.acceptors { // perhaps waiting for a slot of another listener
			a.w.loop.Post(a.resume)
		}
		return
	}
	if looped == sock.looped && sock.accepting != nil {
		return
	}
	s.dismiss(sock)
	sock.looped = looped
	if !looped {
		sock.accepting = make(chan struct{})
		s.wg.Go(func() {
			defer close(sock.accepting)
			s.accept(sock)
		})
		return
	}
	fd := -1
	if raw, err := sock.ln.SyscallConn(); err == nil {
		_ = raw.Control(func(p uintptr) { fd = int(p) }) // open until dismiss has returned
	}
	for _, w := range s.workers {
		a := &acceptor{s: s, w: w, sock: sock, fd: fd, muted: true, backoff: acceptBackoffMin}
		sock.acceptors = append(sock.acceptors, a)
		w.loop.Post(a.resume)
	}
}

// dismiss ends accepting and returns when nobody does.
func (s *sockets) dismiss(sock *socket) {
	var wg sync.WaitGroup
	for _, a := range sock.acceptors {
		wg.Add(1)
		if !a.w.loop.Post(func() { defer wg.Done(); a.end() }) {
			wg.Done()
		}
	}
	wg.Wait()
	sock.acceptors = nil
	if sock.accepting != nil {
		sock.pausing.Store(true)
		_ = sock.ln.SetDeadline(time.Unix(1, 0))
		<-sock.accepting
		_ = sock.ln.SetDeadline(time.Time{})
		sock.pausing.Store(false)
		sock.accepting = nil
	}
}

// leaving reports whether the accepting goroutine is to end.
func (s *socket) leaving() bool { return s.closing.Load() || s.pausing.Load() }

// resume listens again. The loop's goroutine runs it, as all that follows.
func (a *acceptor) resume() {
	if a.gone || !a.muted {
		return
	}
	a.muted = false
	if err := a.in.Listen(a.w.loop, a.fd, a); err != nil {
		a.pause()
	}
}

func (a *acceptor) mute() {
	a.muted = true
	a.in.Mute()
}

func (a *acceptor) end() {
	a.gone = true
	a.mute()
	a.w.loop.Disarm(&a.retry)
}

// pause stops listening for a while.
func (a *acceptor) pause() {
	a.mute()
	a.w.loop.Arm(&a.retry, a, a.backoff)
	a.backoff = min(2*a.backoff, acceptBackoffMax)
}

// Expire implements loop.Expirer.
func (a *acceptor) Expire() { a.resume() }

// Panicked implements loop.Handler.
func (a *acceptor) Panicked() {}

// Ready accepts what waits, a few at a time: more where many come. Where they
// come one by one, no call is spent on learning that there is no other. A listener at its limit leaves
// clients in the kernel's queue.
func (a *acceptor) Ready() {
	// Who was called in the batch before, too, has not emptied the queue.
	batch := a.w.loop.Batch()
	if batch == a.last+1 {
		a.burst = min(2*a.burst, acceptTurn)
	} else {
		a.burst = 1
	}
	a.last = batch
	for range a.burst {
		if a.muted {
			return
		}
		b := a.sock.cur.Load()
		l := b.lis.Load()
		if !l.Live.TryEnter() {
			a.mute()
			l.Live.OnFree(func() { a.w.loop.Post(a.resume) })
			return
		}
		fd, remote, errno := a.w.loop.Accept(a.fd)
		if errno != 0 {
			l.Live.Leave()
			a.failed(errno)
			return
		}
		a.backoff = acceptBackoffMin
		a.admit(b, l, fd, remote)
	}
}

// failed: nothing waits, or the kernel refuses. The socket itself stays good.
func (a *acceptor) failed(errno syscall.Errno) {
	switch errno {
	case unix.EAGAIN, unix.ECONNABORTED:
		return
	}
	s := a.s
	addr := a.sock.cur.Load().addr
	s.wg.Go(func() { s.log.Warn("accept", "addr", addr.String(), "err", errno) })
	a.pause()
}

// admit takes over an accepted connection that holds a slot of its listener.
func (a *acceptor) admit(b *binding, l *table.Listener, fd int, remote netip.AddrPort) {
	if !l.Allows(remote.Addr()) {
		unix.Close(fd)
		l.Live.Leave()
		return
	}
	if !a.s.budget.Take(fdsPerConnection) {
		if l.Mode == table.ModeHTTP {
			a.w.http.Refuse(fd)
		} else {
			unix.Close(fd)
		}
		l.Live.Leave()
		return
	}
	w := a.s.lightest(a.w)
	if w == a.w || !w.loop.Post(func() { w.serve(fd, remote, b, l.Mode) }) {
		a.w.serve(fd, remote, b, l.Mode)
	}
}

// lightest is the loop for a new connection: the one that accepted it, unless it
// has clearly more to do than another. Loops that sleep are woken in the order
// they began to listen, so few long connections would all land on one.
func (s *sockets) lightest(own *worker) *worker {
	best, least := own, own.loop.Load()
	for _, w := range s.workers {
		if n := w.loop.Load(); n+n/loadSlack+loadSlack < own.loop.Load() && n < least {
			best, least = w, n
		}
	}
	return best
}

func (w *worker) serve(fd int, remote netip.AddrPort, b *binding, mode table.Mode) {
	if mode == table.ModeHTTP {
		w.http.Serve(fd, remote, &b.door)
	} else {
		w.tcp.Serve(fd, remote, &b.door)
	}
}
