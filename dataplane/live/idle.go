package live

import (
	"net/netip"
	"sync"
	"time"

	"lbd/dataplane/netio"
)

// idleList keeps server-side connections for the next request. Last in, first
// out: the warmest connection is used and the surplus ages away.
type idleList struct {
	mu     sync.Mutex
	addr   netip.AddrPort // guarded by mu; zero: keep nothing
	conns  []idleConn     // guarded by mu; at most MaxIdlePerMember
	budget *Budget
}

type idleConn struct {
	conn  *netio.Conn
	since time.Time
}

// TakeIdle gives the newest idle connection to addr, or nil. It looks at the
// socket first (one system call): a connection that the peer has closed is no
// use, and bytes that nobody asked for would be read as the answer to the next
// request, which may be another client's.
func (m *Member) TakeIdle(addr netip.AddrPort) *netio.Conn {
	l := &m.idle
	for {
		l.mu.Lock()
		if l.addr != addr || len(l.conns) == 0 {
			l.mu.Unlock()
			return nil
		}
		last := len(l.conns) - 1
		ic := l.conns[last]
		l.conns[last] = idleConn{}
		l.conns = l.conns[:last]
		l.mu.Unlock()
		l.budget.Give(1)

		if ic.conn.Peek() != netio.PeerQuiet {
			ic.conn.Close()
			continue
		}
		return ic.conn
	}
}

// PutIdle keeps c, a connection to addr without anything buffered or owed, for
// the next request, or closes it.
func (m *Member) PutIdle(c *netio.Conn, addr netip.AddrPort) {
	l := &m.idle
	now := time.Now()
	if !l.budget.Take(1) {
		c.Close()
		return
	}
	l.mu.Lock()
	if l.addr != addr || len(l.conns) >= MaxIdlePerMember {
		l.mu.Unlock()
		l.budget.Give(1)
		c.Close()
		return
	}
	l.conns = append(l.conns, idleConn{c, now})
	l.mu.Unlock()
}

// Idle is how many connections are kept.
func (m *Member) Idle() int {
	m.idle.mu.Lock()
	defer m.idle.mu.Unlock()
	return len(m.idle.conns)
}

func (l *idleList) retarget(addr netip.AddrPort) (other bool) {
	l.mu.Lock()
	var drop []idleConn
	if other = l.addr != addr; other {
		l.addr = addr
		drop, l.conns = l.conns, nil
	}
	l.mu.Unlock()
	l.close(drop)
	return other
}

func (l *idleList) sweep(now time.Time) {
	l.mu.Lock()
	var drop []idleConn
	keep := l.conns[:0]
	for _, ic := range l.conns {
		if now.Sub(ic.since) > IdleTimeout || ic.conn.Peek() != netio.PeerQuiet {
			drop = append(drop, ic)
			continue
		}
		keep = append(keep, ic)
	}
	clear(l.conns[len(keep):])
	l.conns = keep
	l.mu.Unlock()
	l.close(drop)
}

func (l *idleList) close(drop []idleConn) {
	for _, ic := range drop {
		ic.conn.Close()
	}
	l.budget.Give(int64(len(drop)))
}
