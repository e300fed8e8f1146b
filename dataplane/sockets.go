package dataplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/evtcp"
	"lbd/dataplane/live"
	"lbd/dataplane/table"
	"lbd/store/model"
)

// sockets are the listening sockets, by address. They outlive swaps: a socket is
// opened once and handed from table to table, so that nothing waiting in its
// accept queue is lost. All
// methods but accept and admit are for one goroutine.
type sockets struct {
	freebind bool
	log      *slog.Logger
	budget   *live.Budget
	// serve takes over an accepted connection.
	serve func(tcp *net.TCPConn, b *binding)
	// drained takes a binding that is no longer served.
	drained func(b *binding)
	// workers are the event loops; none: every connection has its goroutine.
	workers []*worker

	open     map[netip.AddrPort]*socket
	unopened map[netip.AddrPort]*table.Listener // wanted, to be tried again
	// inherited gives the socket that an earlier process of this node had; nil: none.
	inherited func(network string, addr netip.AddrPort) (fd int, ok bool)
	held      bool                  // nobody accepts yet
	hushed    func(netip.Addr) bool // where requests for connections are left unanswered; nil: nowhere
	wg        sync.WaitGroup        // accept loops
}

// binding is one listener on one socket: what its connections share.
type binding struct {
	addr  netip.AddrPort
	lis   atomic.Pointer[table.Listener] // the newest version of the listener
	group *live.Group
	stop  chan struct{} // closed when the socket takes no more for this listener
	door  evtcp.Door    // for connections on event loops
}

func (s *sockets) newBinding(addr netip.AddrPort, l *table.Listener) *binding {
	b := &binding{addr: addr, group: live.NewGroup(), stop: make(chan struct{})}
	b.lis.Store(l)
	b.door = evtcp.Door{Local: addr, Src: &b.lis, Group: b.group, Budget: s.budget, Cost: fdsPerConnection}
	return b
}

type socket struct {
	ln  *net.TCPListener
	cur atomic.Pointer[binding]
	// closing is set before ln is closed: the accept loop's error is then expected.
	closing atomic.Bool
	// Who accepts: event loops, or the goroutine whose end accepting is.
	looped    bool
	accepting chan struct{}
	acceptors []*acceptor
	pausing   atomic.Bool // the goroutine is to end, the socket stays
	left      atomic.Bool // another process goes on with the socket
}

// apply closes what is in gone, unless it is in want as well, and opens want and what
// could not be opened before. Sockets that stay are not touched; one that changes its
// listener keeps its queue. It names the listeners whose sockets could not be opened,
// ordered by address. Endpoints for UDP are not its business.
func (s *sockets) apply(gone, want []table.Endpoint) (failures []model.Failure) {
	next := make(map[netip.AddrPort]*table.Listener, len(want))
	for _, e := range want {
		if e.Listener.Mode != table.ModeUDP {
			next[e.Addr] = e.Listener
		}
	}
	for _, e := range gone {
		if e.Listener.Mode == table.ModeUDP || next[e.Addr] != nil {
			continue
		}
		delete(s.unopened, e.Addr)
		if sock := s.open[e.Addr]; sock != nil {
			s.close(e.Addr, sock)
		}
	}
	for addr, l := range next {
		sock := s.open[addr]
		if sock == nil {
			s.unopened[addr] = l
			continue
		}
		b := sock.cur.Load()
		if l.Live == b.lis.Load().Live {
			b.lis.Store(l)
			s.appoint(sock, l)
			continue
		}
		nb := s.newBinding(addr, l) // same address and port, another listener
		sock.cur.Store(nb)
		close(b.stop)
		s.drained(b)
		s.appoint(sock, l)
	}
	for _, addr := range slices.SortedFunc(maps.Keys(s.unopened), netip.AddrPort.Compare) {
		l := s.unopened[addr]
		ln, err := s.listener(addr)
		if err != nil {
			failures = append(failures, model.Failure{Object: string(l.ID), Reason: err.Error()})
			continue
		}
		delete(s.unopened, addr)
		sock := &socket{ln: ln}
		sock.cur.Store(s.newBinding(addr, l))
		s.open[addr] = sock
		if s.hushed != nil && s.hushed(addr.Addr()) {
			s.silence(sock)
		}
		s.budget.Force(1)
		s.appoint(sock, l)
	}
	return failures
}

func (s *sockets) close(addr netip.AddrPort, sock *socket) {
	delete(s.open, addr)
	b := sock.cur.Load()
	sock.closing.Store(true)
	close(b.stop)
	s.dismiss(sock)
	sock.ln.Close()
	s.budget.Give(1)
	s.drained(b)
}

// closeAll closes every socket, hands all bindings to drained and waits for the
// accept loops.
func (s *sockets) closeAll() {
	for addr, sock := range s.open {
		s.close(addr, sock)
	}
	s.wg.Wait()
}

// listener is the one that was inherited, or a new one.
func (s *sockets) listener(addr netip.AddrPort) (*net.TCPListener, error) {
	if s.inherited != nil {
		if fd, ok := s.inherited("tcp", addr); ok {
			return inherit(fd, addr)
		}
	}
	return s.listen(addr)
}

// listen opens a socket that may be bound before its address is there: a standby
// has all its sockets open when it takes over.
func (s *sockets) listen(addr netip.AddrPort) (*net.TCPListener, error) {
	lc := net.ListenConfig{KeepAlive: -1} // every wait has a deadline of its own
	// Go would listen for Multipath TCP, whose sockets take no filter (see Quiesce),
	// and which ends here anyway: members are reached by plain TCP.
	lc.SetMultipathTCP(false)
	lc.Control = func(_, _ string, c syscall.RawConn) error {
		var err error
		ctlErr := c.Control(func(fd uintptr) {
			// Inherited by what is accepted.
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			switch {
			case err != nil || !s.freebind:
			case addr.Addr().Is6():
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
			default:
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
			}
		})
		return errors.Join(ctlErr, err)
	}
	ln, err := lc.Listen(context.Background(), "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, innermost(err))
	}
	return ln.(*net.TCPListener), nil
}

// innermost drops the layers that repeat address and call.
func innermost(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// accept runs until the socket is closed. A listener at its limit leaves clients
// in the kernel's queue.
func (s *sockets) accept(sock *socket) {
	backoff := acceptBackoffMin
	for {
		b := sock.cur.Load()
		if !b.lis.Load().Live.WaitFree(b.stop) {
			if sock.leaving() {
				return
			}
			continue // the socket went to another listener
		}
		tcp, err := sock.ln.AcceptTCP()
		if err != nil {
			if sock.leaving() {
				return
			}
			// Out of descriptors or memory, or a client that left: the socket itself
			// stays good.
			s.log.Warn("accept", "addr", b.addr.String(), "err", innermost(err))
			select {
			case <-time.After(backoff):
			case <-b.stop:
			}
			backoff = min(2*backoff, acceptBackoffMax)
			continue
		}
		backoff = acceptBackoffMin
		s.admit(sock, tcp)
	}
}

// admit hands an accepted connection to the listener that has the socket now.
func (s *sockets) admit(sock *socket, tcp *net.TCPConn) {
	client := remote(tcp)
	for {
		b := sock.cur.Load()
		l := b.lis.Load()
		if !l.Allows(client) {
			break
		}
		// Another socket of the listener may have taken the last slot meanwhile:
		// then this one client waits here, the others in the queue.
		if l.Live.Enter(b.stop) {
			s.serve(tcp, b)
			return
		}
		if sock.left.Load() { // accepted is accepted
			l.Live.Overtake()
			s.serve(tcp, b)
			return
		}
		if sock.closing.Load() {
			break
		}
	}
	tcp.Close()
}

func remote(tcp *net.TCPConn) netip.Addr {
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
