package evudp

import (
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// flow is what one client sends to one listener, and what comes back.
type flow struct {
	p       *Port
	client  netip.AddrPort
	addr    loop.SockAddr // the same, as the kernel wants it
	lis     *table.Listener
	shard   *live.Shard
	member  *table.Member // nil: between two
	server  loop.Sock
	session table.Session
	timer   loop.Timer
	log     *accesslog.Entry // nil: none
	links   [orders]links
	last    time.Duration // when something passed
	placed  time.Duration // when its place in the orders was taken
	renewed time.Duration // when its session was
	in, out int64         // bytes
	refused bool          // the member's host says that nobody is there
	over    bool
}

// fresh reports whether the flow may go on as it is: the listener in service is the
// one it knows, and its member takes datagrams.
func (f *flow) fresh(lis *table.Listener) bool {
	return f.lis == lis && !f.refused && f.member != nil && f.member.Live.Up()
}

// renew looks for a member where the flow's own may have changed; false: the flow
// has ended, its client may not send here any more.
func (f *flow) renew(lis *table.Listener) bool {
	if f.lis != lis {
		if !lis.Allows(f.client.Addr()) {
			f.end(semantics.Cut)
			return false
		}
		f.lis = lis
		pool := lis.Route.Default
		f.session = pool.Session(nil, f.client.Addr())
		if m := f.member; m != nil {
			if now := pool.Serving(m); now != nil {
				f.member = now
			} else {
				f.leave()
			}
		}
	}
	if f.member != nil && !f.refused && f.member.Live.Up() {
		return true
	}
	var tried table.Tried
	if f.member != nil {
		tried.Add(f.member)
	}
	f.connect(&tried)
	return true
}

// first connects a new flow and reports whether it has a member.
func (f *flow) first() bool {
	var tried table.Tried
	f.session = f.lis.Route.Default.Session(nil, f.client.Addr())
	f.connect(&tried)
	return f.member != nil
}

// connect opens a socket to the next member; without another one the flow keeps
// what it has.
func (f *flow) connect(tried *table.Tried) {
	for range maxConnects {
		m := f.lis.Route.Default.Pick(f.client, &f.session, tried)
		if m == nil {
			break
		}
		var s loop.Sock
		if err := s.DialDatagram(f.p.s.l, m.Addr, f); err != nil {
			tried.Add(m)
			continue
		}
		f.leave()
		f.server = s
		if err := f.server.WatchReads(); err != nil {
			f.server.Close()
			tried.Add(m)
			continue
		}
		m.Live.Begin()
		f.member, f.refused = m, false
		f.lis.Route.Default.Bind(&f.session, m)
		if f.log != nil {
			f.log.Connected(f.lis.Route.Default.ID, m.ID(), m.Addr, false, time.Now())
		}
		return
	}
	f.refused = false // nobody else: it may be there again
}

// leave lets go of the member.
func (f *flow) leave() {
	f.server.Close()
	if f.member != nil {
		f.member.Live.End()
		f.member = nil
	}
}

// up sends what the client has sent to the member.
func (f *flow) up(b []byte) {
	p := f.p
	f.in += int64(len(b))
	f.shard.BytesIn.Add(int64(len(b)))
	f.used()
	if f.member == nil {
		p.drop(live.NoMember)
		return
	}
	errno := f.server.SendDatagram(b)
	if errno == unix.ECONNREFUSED { // an earlier one was refused, this one was not sent
		p.drop(live.Refused)
		f.refused = true
		if f.renew(f.lis); f.member == nil {
			p.drop(live.NoMember)
			return
		}
		errno = f.server.SendDatagram(b)
	}
	if errno != 0 {
		p.drop(why(errno))
	}
}

// used notes that something passes.
func (f *flow) used() {
	l := f.p.s.l
	now := l.Now()
	f.p.flows.used(f, now)
	l.Arm(&f.timer, f, f.idle())
	if now-f.renewed >= renewEvery {
		f.renewed = now
		f.lis.Route.Default.Use(&f.session)
	}
}

// why is the reason under which a datagram that was not sent is counted.
func why(errno syscall.Errno) live.Drop {
	switch errno {
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return live.MemberFull
	case unix.ECONNREFUSED:
		return live.Refused
	}
	return live.Unreachable
}

// Ready takes what the member has sent, and hands it to the port's socket at the
// end of the turn.
func (f *flow) Ready() {
	if f.over || f.member == nil {
		return
	}
	s := f.p.s
	errno := f.server.ReceiveDatagram(s.answers, s.waiting) // if there is more, the loop calls again
	switch errno {
	case 0:
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EPROTO: // an earlier one was lost
		f.p.drop(why(errno))
		f.refused = true
		return
	default: // nothing there
		return
	}
	size := int64(len(s.answers.Bytes(s.waiting)))
	f.out += size
	f.shard.BytesOut.Add(size)
	s.answers.SendTo(s.waiting, &f.addr)
	f.refused = false
	f.used()
	s.queued(f.p)
}

// Panicked implements loop.Handler.
func (f *flow) Panicked() { f.end(semantics.Cut) }

// idle is how long nothing may pass.
func (f *flow) idle() time.Duration {
	d := min(f.lis.ClientData, f.lis.MemberData)
	if f.p.retired {
		d = min(d, retiredIdle)
	}
	return d
}

// Expire implements loop.Expirer.
func (f *flow) Expire() {
	if f.over {
		return
	}
	if left := f.last + f.idle() - f.p.s.l.Now(); left > 0 {
		f.p.s.l.Arm(&f.timer, f, left)
		return
	}
	f.finish()
}

// finish ends a flow in which nothing passes any more.
func (f *flow) finish() {
	switch {
	case f.member == nil:
		f.end(semantics.NoMember)
	case f.out == 0:
		f.end(semantics.MemberTimeout)
	default:
		f.end(semantics.Completed)
	}
}

// Drain implements live.Drainable: nobody knows when a flow is over.
func (f *flow) Drain() {}

// Retire is the same.
func (f *flow) Retire() {}

// Cut implements live.Drainable.
func (f *flow) Cut() { f.p.s.l.Post(func() { f.end(semantics.Cut) }) }

func (f *flow) end(how semantics.End) {
	if f.over {
		return
	}
	f.over = true
	f.p.s.l.Disarm(&f.timer)
	f.leave()
	f.p.flows.remove(f)
	if f.log != nil {
		f.log.Because(how)
		f.log.BytesIn, f.log.BytesOut = f.in, f.out
		f.log.Finish(f.p.s.n, time.Now())
	}
	f.p.ended(f)
}

var _ live.Drainable = (*flow)(nil)
