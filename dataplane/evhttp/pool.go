package evhttp

import (
	"net/netip"

	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/table"
)

// peer is a connection to a member, working for a client or parked in a pool.
type peer struct {
	s     *Server
	sock  loop.Sock
	in    inbox
	owner *client
	pool  *pool  // while parked
	batch uint64 // in which it was parked
	timer loop.Timer
}

// pool are the parked connections to one member on one loop, last in first out.
type pool struct {
	addr  netip.AddrPort
	conns []*peer
}

// Ready implements loop.Handler. A parked connection has nothing to say: the
// member closed it, or sent what nobody asked for.
func (p *peer) Ready() {
	if p.owner != nil {
		p.owner.Ready()
	} else {
		p.drop()
	}
}

// Panicked implements loop.Handler.
func (p *peer) Panicked() {
	if p.owner != nil {
		p.owner.Panicked()
	} else {
		p.drop()
	}
}

// Expire implements loop.Expirer: parked for too long.
func (p *peer) Expire() { p.drop() }

// drop closes a parked connection.
func (p *peer) drop() {
	if p.pool == nil {
		return
	}
	for i := len(p.pool.conns) - 1; i >= 0; i-- {
		if p.pool.conns[i] == p {
			last := len(p.pool.conns) - 1
			copy(p.pool.conns[i:], p.pool.conns[i+1:])
			p.pool.conns[last] = nil
			p.pool.conns = p.pool.conns[:last]
			break
		}
	}
	p.leave()
	p.sock.Close()
}

// leave ends what parking began.
func (p *peer) leave() (quiet bool) {
	p.pool = nil
	p.s.idle.Give(1)
	p.s.l.Disarm(&p.timer)
	return p.sock.Unpark()
}

// take gives a parked connection to m, or nil. What came since it was parked has
// been seen by the last epoll_wait, unless that was before: then the socket is
// looked at. Bytes that nobody asked for would be read as the answer to the next
// request, which may be another client's.
func (s *Server) take(m *table.Member, careful bool) *peer {
	pl := s.pools[m.Live]
	if pl == nil {
		return nil
	}
	if pl.addr != m.Addr {
		s.forget(m.Live, pl)
		return nil
	}
	for len(pl.conns) > 0 {
		p := pl.pop(s.l.Batch())
		look := careful || p.batch == s.l.Batch()
		if p.leave() && (!look || p.sock.Silent()) {
			return p
		}
		p.sock.Close()
	}
	return nil
}

// pop takes the last connection that was parked before this batch, if there is
// one near, else the last one.
func (pl *pool) pop(batch uint64) *peer {
	last := len(pl.conns) - 1
	at := last
	for i := last; i >= max(0, last-popReach); i-- {
		if pl.conns[i].batch != batch {
			at = i
			break
		}
	}
	p := pl.conns[at]
	copy(pl.conns[at:], pl.conns[at+1:])
	pl.conns[last] = nil
	pl.conns = pl.conns[:last]
	return p
}

// park keeps a connection to m without anything buffered or owed, or closes it.
func (s *Server) park(p *peer, m *table.Member) {
	p.owner = nil
	p.in.release(s.l)
	pl := s.pools[m.Live]
	if pl == nil {
		pl = &pool{addr: m.Addr}
		s.pools[m.Live] = pl
	}
	if pl.addr != m.Addr || len(pl.conns) >= s.maxIdle || s.closed || !s.idle.Take(1) {
		p.sock.Close()
		return
	}
	p.pool, p.batch = pl, s.l.Batch()
	p.sock.Park()
	pl.conns = append(pl.conns, p)
	s.l.Arm(&p.timer, p, live.IdleTimeout)
}

func (s *Server) forget(m *live.Member, pl *pool) {
	for len(pl.conns) > 0 {
		pl.conns[len(pl.conns)-1].drop()
	}
	delete(s.pools, m)
}

// Forget closes the parked connections of members that have gone, or have another
// address now. On the loop's goroutine.
func (s *Server) Forget() {
	for m, pl := range s.pools {
		if m.Target() != pl.addr {
			s.forget(m, pl)
		}
	}
}

// Close closes all parked connections and parks no more. On the loop's goroutine.
func (s *Server) Close() {
	s.closed = true
	for m, pl := range s.pools {
		s.forget(m, pl)
	}
}
