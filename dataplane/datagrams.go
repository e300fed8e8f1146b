package dataplane

import (
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"lbd/dataplane/evtcp"
	"lbd/dataplane/evudp"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/table"
	"lbd/store/model"
)

// ports are the sockets of UDP listeners, by address: one per event loop, among
// which the kernel shares datagrams by their sender. Like sockets they outlive
// swaps. All methods are for Run's goroutine.
type ports struct {
	freebind bool
	log      *slog.Logger
	budget   *live.Budget
	workers  []*worker
	// inherited gives a socket that an earlier process of this node had, each once;
	// nil: none.
	inherited func(network string, addr netip.AddrPort) (fd int, ok bool)
	held      bool // nobody reads yet
	open      map[netip.AddrPort]*port
	unopened  map[netip.AddrPort]*table.Listener // wanted, to be tried again
}

// port is the sockets of one address. The readers own the descriptors.
type port struct {
	b       *portBinding
	readers []reader
}

type reader struct {
	w     *worker
	p     *evudp.Port
	fd    int
	drops uint32 // of the kernel, as last seen
}

// portBinding is one listener on the sockets of one address.
type portBinding struct {
	lis  atomic.Pointer[table.Listener] // the newest version of the listener
	door evtcp.Door
}

func (s *ports) newBinding(addr netip.AddrPort, l *table.Listener) *portBinding {
	b := &portBinding{}
	b.lis.Store(l)
	b.door = evtcp.Door{Local: addr, Src: &b.lis, Group: live.NewGroup(), Budget: s.budget, Cost: fdsPerFlow}
	return b
}

var errNoLoops = errors.New("UDP is served by event loops, and this data plane has none")

// apply closes what is in gone, unless it is in want as well, and opens want and what
// could not be opened before. It names the listeners that it could not open ports
// for, ordered by address. Endpoints for TCP are not its business.
func (s *ports) apply(gone, want []table.Endpoint) (failures []model.Failure) {
	next := make(map[netip.AddrPort]*table.Listener, len(want))
	for _, e := range want {
		if e.Listener.Mode == table.ModeUDP {
			next[e.Addr] = e.Listener
		}
	}
	for _, e := range gone {
		if e.Listener.Mode != table.ModeUDP || next[e.Addr] != nil {
			continue
		}
		delete(s.unopened, e.Addr)
		if p := s.open[e.Addr]; p != nil {
			s.close(e.Addr, p)
		}
	}
	for addr, l := range next {
		p := s.open[addr]
		switch {
		case p == nil:
			s.unopened[addr] = l
		case l.Live == p.b.lis.Load().Live:
			p.b.lis.Store(l)
		default: // same address and port, another listener
			p.b = s.newBinding(addr, l)
			door := &p.b.door
			for _, r := range p.readers {
				r.w.loop.Post(func() { r.p.Rebind(door) })
			}
		}
	}
	for _, addr := range slices.SortedFunc(maps.Keys(s.unopened), netip.AddrPort.Compare) {
		l := s.unopened[addr]
		fds, err := s.sockets(addr)
		if err != nil {
			failures = append(failures, model.Failure{Object: string(l.ID), Reason: err.Error()})
			continue
		}
		delete(s.unopened, addr)
		p := &port{b: s.newBinding(addr, l)}
		for i, fd := range fds {
			w := s.workers[i%len(s.workers)]
			r := reader{w: w, p: w.udp.NewPort(fd, &p.b.door), fd: fd}
			r.drops = kernelDrops(fd)
			p.readers = append(p.readers, r)
		}
		var all []*evudp.Port
		for _, r := range p.readers {
			all = append(all, r.p)
		}
		evudp.Join(all)
		s.budget.Force(int64(len(fds)))
		s.open[addr] = p
		s.read(p)
	}
	return failures
}

// sockets are those that were inherited, all of them, and new ones for the loops
// that are left.
func (s *ports) sockets(addr netip.AddrPort) (fds []int, err error) {
	if len(s.workers) == 0 {
		return nil, errNoLoops
	}
	for s.inherited != nil {
		fd, ok := s.inherited("udp", addr)
		if !ok {
			break
		}
		fds = append(fds, fd)
	}
	for len(fds) < len(s.workers) {
		fd, err := loop.ListenDatagram(addr, s.freebind, evudp.Queue)
		if err != nil {
			for _, fd := range fds {
				unix.Close(fd)
			}
			return nil, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// read begins to take datagrams, unless nobody is to.
func (s *ports) read(p *port) {
	if s.held {
		return
	}
	for _, r := range p.readers {
		r.w.loop.Post(func() {
			if err := r.p.Read(); err != nil {
				s.log.Error("a socket takes no datagrams", "err", err)
			}
		})
	}
}

func (s *ports) close(addr netip.AddrPort, p *port) {
	delete(s.open, addr)
	for _, r := range p.readers {
		if !r.w.loop.Post(r.p.Close) {
			unix.Close(r.fd)
		}
		s.budget.Give(1)
	}
}

func (s *ports) closeAll() {
	for addr, p := range s.open {
		s.close(addr, p)
	}
}

// begin lets ports that were held read.
func (s *ports) begin() {
	s.held = false
	for _, p := range s.open {
		s.read(p)
	}
}

// leave gives all ports to another process that has the sockets as well, and
// returns when nobody here reads any more. Flows go on until they are over.
func (s *ports) leave() (groups []*live.Group) {
	var wg sync.WaitGroup
	for addr, p := range s.open {
		delete(s.open, addr)
		groups = append(groups, p.b.door.Group)
		for _, r := range p.readers {
			wg.Add(1)
			if !r.w.loop.Post(func() { defer wg.Done(); r.p.Retire() }) {
				unix.Close(r.fd)
				wg.Done()
			}
			s.budget.Give(1)
		}
	}
	wg.Wait()
	return groups
}

// sweep adds what the kernel had no room for to the listeners' counters.
func (s *ports) sweep() {
	for _, p := range s.open {
		for i := range p.readers {
			r := &p.readers[i]
			now := kernelDrops(r.fd)
			if n := now - r.drops; n > 0 { // wraps around
				p.b.lis.Load().Live.Datagrams.Dropped[live.QueueFull].Add(int64(n))
			}
			r.drops = now
		}
	}
}

// kernelDrops is how many datagrams a socket had no room for, modulo 2^32.
func kernelDrops(fd int) uint32 {
	const drops, words = 8, 9 // SK_MEMINFO_DROPS and SK_MEMINFO_VARS of linux/sock_diag.h
	var info [words]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := syscall.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size <= drops*4 {
		return 0
	}
	return info[drops]
}

// rawDescriptor shows a descriptor to those who hand it on.
type rawDescriptor int

// SyscallConn implements syscall.Conn.
func (d rawDescriptor) SyscallConn() (syscall.RawConn, error) { return d, nil }

// Control implements syscall.RawConn.
func (d rawDescriptor) Control(fn func(fd uintptr)) error { fn(uintptr(d)); return nil }

// Read implements syscall.RawConn; nobody waits on it.
func (d rawDescriptor) Read(func(uintptr) bool) error { return errors.ErrUnsupported }

// Write implements syscall.RawConn; nobody waits on it.
func (d rawDescriptor) Write(func(uintptr) bool) error { return errors.ErrUnsupported }
