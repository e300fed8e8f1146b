package evhttp

import "lbd/dataplane/semantics"

// connect finds a member that takes a connection: a parked one of the picked
// member, or a new one; on failure the next member.
func (c *client) connect() bool {
	x := c.x
	again := x.reused // the connection before was stale: take no second chance from the pool
	for ; x.tries < semantics.MaxConnects; x.tries++ {
		m := x.pool.Pick(c.peer.Remote, &x.session, &x.tried)
		if m == nil {
			break
		}
		x.reused, x.heard, x.sent = false, false, 0
		if !again {
			if p := c.s.take(m, !x.asked.Idempotent); p != nil {
				m.Live.Begin()
				p.owner = c
				x.member, x.server, x.reused, x.watched = m, p, true, true
				x.memberAt, x.sentAt = c.s.l.Now(), c.s.l.Now()
				x.pool.Bind(&x.session, m)
				c.linked()
				return true
			}
		}
		p := &peer{s: c.s, owner: c}
		if p.sock.Dial(c.s.l, m.Addr, p) != nil {
			x.tried.Add(m)
			continue
		}
		m.Live.Begin()
		x.member, x.server, x.connecting, x.watched = m, p, true, false
		x.began, x.memberAt = c.s.l.Now(), c.s.l.Now()
		return c.await()
	}
	return c.fail(semantics.ErrNoMember)
}

// await looks whether the connection stands: the request is the first try.
func (c *client) await() bool {
	x := c.x
	sock := &x.server.sock
	if sock.Broken {
		return c.refused()
	}
	n, failed := 0, false
	if sock.Writable {
		var err error
		n, err = c.sendUp(x.out)
		if failed = err != nil; failed && n == 0 {
			return c.refused()
		}
		x.sent = n
	}
	if !x.watched {
		// A connection that stands yet does not say so before it is watched.
		sock.Writable = n == len(x.out)
		if sock.Watch() != nil {
			return c.refused()
		}
		x.watched = true
	}
	if n == 0 {
		return false
	}
	x.connecting, x.memberAt, x.sentAt = false, c.s.l.Now(), c.s.l.Now()
	x.pool.Bind(&x.session, x.member)
	c.linked()
	if failed {
		c.upFails()
	}
	return true
}

// refused goes on to another member.
func (c *client) refused() bool {
	x := c.x
	x.tried.Add(x.member)
	x.dropServer(c.s)
	x.tries++
	return c.connect()
}

// dropServer closes the server side, if there is one.
func (x *exchange) dropServer(s *Server) {
	if x.server != nil {
		x.server.owner = nil
		x.server.in.release(s.l)
		x.server.sock.Close()
		x.server = nil
	}
	if x.member != nil {
		x.member.Live.End()
		x.member = nil
	}
	x.connecting = false
}

// keepServer parks the server side for another request.
func (x *exchange) keepServer(s *Server) {
	m := x.member
	s.park(x.server, m)
	m.Live.End()
	x.server, x.member = nil, nil
}
