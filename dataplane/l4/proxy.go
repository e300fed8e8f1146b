package l4

import (
	"context"
	"sync"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/netio"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// Proxy serves TCP listeners.
type Proxy struct{ pools *netio.Pools }

// New makes a Proxy.
func New(pools *netio.Pools) *Proxy { return &Proxy{pools: pools} }

// flow is one client connection.
type flow struct {
	client *netio.Conn
	ctx    context.Context // of the flow itself; ended by Cut
	cancel context.CancelFunc
	log    *accesslog.Entry // nil: none

	mu     sync.Mutex
	server *netio.Conn // guarded by mu
	cut    bool        // guarded by mu
}

// Drain has nothing to ask for: only the two ends know when a stream is over.
func (f *flow) Drain() {}

// Retire is the same.
func (f *flow) Retire() {}

// Cut resets both sides.
func (f *flow) Cut() {
	f.cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = true
	f.client.Abort()
	if f.server != nil {
		f.server.Abort()
	}
}

// attach makes the server side known to Cut; false when it came first.
func (f *flow) attach(server *netio.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server = server
	return !f.cut
}

// Serve relays client to a member of l's pool and returns when both are closed.
// A client for whom no member can be reached is closed.
func (p *Proxy) Serve(client *netio.Conn, l *table.Listener, group *live.Group) {
	defer client.Close()
	f := &flow{client: client}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	defer f.cancel()
	if !group.Add(f) {
		return
	}
	defer group.Remove(f)
	shard := l.Live.Shard()
	shard.Connections.Add(1)
	f.begin(l)

	member, server := p.connect(f, l)
	if server == nil {
		f.ended(nil, semantics.NoMember)
		return
	}
	f.linked(l, member)
	defer member.Live.End()
	if !f.attach(server) {
		server.Close()
		f.ended(nil, semantics.Cut)
		return
	}
	r := Relay{
		Client: client, Server: server,
		ClientIdle: l.ClientData, ServerIdle: l.MemberData,
		In: &shard.BytesIn, Out: &shard.BytesOut,
	}
	// Why it ended is for the peers to know; there is no one to answer to.
	err := r.Run()
	f.ended(&r, Reason(err))
}

// connect picks a member and connects to it, trying others when it refuses. The
// member's load is counted from the pick on; the caller ends it.
func (p *Proxy) connect(f *flow, l *table.Listener) (*table.Member, *netio.Conn) {
	var tried table.Tried
	client := f.client.Remote()
	pool := l.Route.Default
	session := pool.Session(nil, client.Addr())
	for range maxConnects {
		m := pool.Pick(client, &session, &tried)
		if m == nil {
			return nil, nil
		}
		m.Live.Begin()
		server, err := netio.Dial(f.ctx, m.Addr, l.MemberConnect, p.pools)
		if err == nil && pool.Private() {
			if _, err = server.Write(pool.Prelude(nil, client, f.client.Local()), l.MemberConnect); err != nil {
				server.Close()
			}
		}
		if err == nil {
			pool.Bind(&session, m)
			return m, server
		}
		m.Live.End()
		if f.ctx.Err() != nil {
			return nil, nil
		}
		tried.Add(m)
	}
	return nil, nil
}
