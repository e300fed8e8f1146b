package evtcp

import (
	"net/netip"
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// Server serves TCP listeners on one loop.
type Server struct {
	l *loop.Loop
	n int // number of the loop, for counters
}

// New makes a Server on l, the n-th loop.
func New(l *loop.Loop, n int) *Server { return &Server{l: l, n: n} }

// flow is one client connection and its member's.
type flow struct {
	s              *Server
	door           *Door
	client, server loop.Sock
	relay          Relay
	timer          loop.Timer
	lis            *table.Listener
	member         *table.Member
	tried          table.Tried
	session        table.Session
	remote         netip.AddrPort
	log            *accesslog.Entry // nil: none
	tries          int8
	connecting     bool
	watched        bool // the server side is
	over           bool
	began          time.Duration // the present try to connect
}

// Serve relays an accepted connection, which has a slot of its listener and its
// share of the door's budget, to a member. A client for whom no member can be
// reached is closed. On the loop's goroutine.
func (s *Server) Serve(fd int, remote netip.AddrPort, d *Door) {
	f := &flow{s: s, door: d, lis: d.Src.Load(), remote: remote}
	f.session = f.lis.Route.Default.Session(nil, remote.Addr())
	f.client.Adopt(s.l, fd, f)
	if !d.Group.Add(f) {
		f.end(false)
		return
	}
	shard := f.lis.Live.ShardOf(s.n)
	shard.Connections.Add(1)
	f.beginLog()
	f.relay = Relay{
		Loop: s.l, Client: &f.client, Server: &f.server,
		ClientIdle: f.lis.ClientData, ServerIdle: f.lis.MemberData,
		In: &shard.BytesIn, Out: &shard.BytesOut,
	}
	f.relay.Start(nil, nil)
	if !f.relay.early() || f.client.Watch() != nil {
		f.end(true)
		return
	}
	f.connect()
}

// Drain has nothing to ask for: only the two ends know when a stream is over.
func (f *flow) Drain() {}

// Retire is the same.
func (f *flow) Retire() {}

// Cut implements live.Drainable.
func (f *flow) Cut() { f.s.l.Post(func() { f.end(true) }) }

// Ready implements loop.Handler.
func (f *flow) Ready() {
	switch {
	case f.over:
	case f.connecting:
		f.await()
	default:
		f.run()
	}
}

// Panicked implements loop.Handler.
func (f *flow) Panicked() { f.end(true) }

// connect begins a connection to the next member.
func (f *flow) connect() {
	for ; f.tries < maxConnects; f.tries++ {
		m := f.lis.Route.Default.Pick(f.remote, &f.session, &f.tried)
		if m == nil {
			break
		}
		if err := f.server.Dial(f.s.l, m.Addr, f); err != nil {
			f.tried.Add(m)
			continue
		}
		m.Live.Begin()
		f.member, f.connecting, f.watched, f.began = m, true, false, f.s.l.Now()
		f.await()
		return
	}
	f.because(semantics.NoMember)
	f.end(false)
}

// await looks whether the member's connection stands.
func (f *flow) await() {
	if !f.relay.early() {
		f.because(semantics.ClientAborted)
		f.end(true)
		return
	}
	n, errno := f.relay.first()
	if errno != 0 || f.server.Broken {
		f.refused()
		return
	}
	// Watched after the first try only: on a fast network that saves the event.
	if !f.watched {
		f.server.Writable = n > 0
		if f.server.Watch() != nil {
			f.refused()
			return
		}
		f.watched = true
	}
	if n > 0 || f.server.Writable {
		f.connecting = false
		f.lis.Route.Default.Bind(&f.session, f.member)
		f.linked()
		f.run()
		return
	}
	f.arm()
}

// refused goes on to another member.
func (f *flow) refused() {
	f.server.Close()
	f.member.Live.End()
	f.tried.Add(f.member)
	f.member, f.connecting = nil, false
	f.tries++
	f.connect()
}

func (f *flow) run() {
	switch f.relay.Run() {
	case Over:
		f.because(semantics.Completed)
		f.end(false)
	case Cut:
		f.because(f.relay.Broke())
		f.end(true)
	case Unready:
		f.s.l.Again(f)
	default:
		f.arm()
	}
}

func (f *flow) deadline() time.Duration {
	if f.connecting {
		return f.began + f.lis.MemberConnect
	}
	return f.relay.Deadline()
}

func (f *flow) arm() {
	if !f.over {
		f.s.l.Arm(&f.timer, f, max(1, f.deadline()-f.s.l.Now()))
	}
}

// Expire implements loop.Expirer.
func (f *flow) Expire() {
	switch {
	case f.over:
	case f.deadline() > f.s.l.Now():
		f.arm()
	case f.connecting:
		f.refused()
	default:
		f.because(semantics.IdleTimeout)
		f.end(true)
	}
}

// end closes both sides, with a reset when one was cut short.
func (f *flow) end(cut bool) {
	if f.over {
		return
	}
	f.over = true
	f.s.l.Disarm(&f.timer)
	if cut {
		f.client.Abort()
		f.server.Abort()
	} else {
		f.client.Close()
		f.server.Close()
	}
	f.relay.Release()
	if f.member != nil {
		f.member.Live.End()
	}
	f.logged()
	f.door.Leave(f)
}

var _ live.Drainable = (*flow)(nil)
