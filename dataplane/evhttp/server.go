package evhttp

import (
	"net/netip"

	"lbd/dataplane/evtcp"
	"lbd/dataplane/http1"
	"lbd/dataplane/httpdate"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/route"
	"lbd/dataplane/semantics"
)

// Config of a Server.
type Config struct {
	Limits   semantics.Limits
	NodeLine []byte       // "Name: value\r\n" for every answer, or empty
	Idle     *live.Budget // of parked member connections
	Loops    int          // that share the bound of a member's parked connections
	Number   int          // of this loop
	// HandOver takes a connection whose next request goes to a pool that loops
	// cannot serve. It must not block.
	HandOver func(HandedOver)
}

// HandedOver is a connection that another engine goes on with.
type HandedOver struct {
	FD   int
	Read []byte // what was read of the next request
	Door *evtcp.Door
	Was  live.Drainable // in the door's group so far
}

// Server serves HTTP listeners on one loop. All its methods are for the loop's
// goroutine.
type Server struct {
	l        *loop.Loop
	limits   semantics.Limits
	lim      http1.Limits
	nodeLine []byte
	idle     *live.Budget
	maxIdle  int
	number   int
	handOver func(HandedOver)

	pools  map[*live.Member]*pool
	free   []*exchange
	closed bool
}

// New makes a Server on l.
func New(l *loop.Loop, cfg Config) *Server {
	return &Server{
		l: l, limits: cfg.Limits.WithDefaults(), lim: http1.DefaultLimits(), nodeLine: cfg.NodeLine,
		idle: cfg.Idle, maxIdle: max(1, live.MaxIdlePerMember/max(1, cfg.Loops)), number: cfg.Number,
		handOver: cfg.HandOver,
		pools:    make(map[*live.Member]*pool),
	}
}

// Serve takes over an accepted connection, which has a slot of its listener and
// its share of the door's budget.
func (s *Server) Serve(fd int, remote netip.AddrPort, d *evtcp.Door) {
	c := &client{s: s, door: d, peer: route.Client{Remote: remote, Local: d.Local}, since: s.l.Now()}
	c.sock.Adopt(s.l, fd, c)
	if !d.Group.Add(c) {
		c.close()
		return
	}
	c.shard = d.Src.Load().Live.ShardOf(s.number)
	c.shard.Connections.Add(1)
	c.run() // the first request is often there already
	if c.state != closed && c.sock.Watch() != nil {
		c.reset()
	}
}

// Refuse answers 503 to a connection that cannot be served at all, before
// anything is read, and closes it. The send buffer of a new connection is empty.
func (s *Server) Refuse(fd int) {
	var sock loop.Sock
	sock.Adopt(s.l, fd, nil)
	own := semantics.Own{Code: http1.StatusServiceUnavailable, NodeLine: s.nodeLine, Date: httpdate.Line()}
	_, _ = sock.Write(own.Append(s.l.Enc[:0]))
	_ = sock.CloseWrite()
	sock.Close()
}

func (s *Server) borrow() *exchange {
	if n := len(s.free); n > 0 {
		x := s.free[n-1]
		s.free = s.free[:n-1]
		return x
	}
	return &exchange{out: make([]byte, 0, outStart)}
}

func (s *Server) giveBack(x *exchange) {
	s.l.Return(x.up)
	s.l.ReturnPipe(x.upPipe)
	*x = exchange{out: x.out[:0], chunks: x.chunks, body: x.body.Recycle(), request: x.request, response: x.response}
	x.request.Reset()
	x.response.Reset()
	if cap(x.out) <= 2*semantics.OutSize && len(s.free) < freeExchanges {
		s.free = append(s.free, x)
	}
}
