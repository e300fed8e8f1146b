package conn

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lbd/dataplane/h2"
	"lbd/dataplane/h2member"
	"lbd/dataplane/http1"
	"lbd/dataplane/live"
	"lbd/dataplane/netio"
	"lbd/dataplane/route"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// Config of a Proxy.
type Config struct {
	// NodeHeader and NodeName are added to every answer; none when NodeHeader is "".
	NodeHeader, NodeName string
	Limits               Limits
	// Metrics renders what a PROMETHEUS listener shows, in the text format. nil:
	// nothing.
	Metrics func(of *table.Scope) []byte
	// Panicked is told of a panic that ended a stream of HTTP/2.
	Panicked func(p any)
}

// Proxy serves HTTP listeners.
type Proxy struct {
	pools    *netio.Pools
	limits   Limits
	lim      http1.Limits
	nodeLine []byte // "Name: value\r\n" or empty
	metrics  func(of *table.Scope) []byte
	free     sync.Pool
	panicked func(p any)
	streams  *h2.Counters
	lines    *h2member.Lines[lineKey]
}

// New checks cfg.
func New(cfg Config, pools *netio.Pools) (*Proxy, error) {
	p := &Proxy{pools: pools, limits: cfg.Limits.WithDefaults(), lim: http1.DefaultLimits(), metrics: cfg.Metrics, panicked: cfg.Panicked, streams: new(h2.Counters)}
	if p.metrics == nil {
		p.metrics = func(*table.Scope) []byte { return []byte{} }
	}
	if cfg.NodeHeader != "" {
		if !http1.IsToken([]byte(cfg.NodeHeader)) {
			return nil, fmt.Errorf("node header %q is not a field name", cfg.NodeHeader)
		}
		if strings.ContainsFunc(cfg.NodeName, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("node name %q cannot be sent in a header", cfg.NodeName)
		}
		p.nodeLine = []byte(cfg.NodeHeader + ": " + cfg.NodeName + "\r\n")
	}
	p.lines = h2member.New[lineKey](p.lim.Head)
	p.free.New = func() any {
		return &exchange{out: make([]byte, 0, semantics.OutSize), ans: make([]byte, 0, semantics.OutSize)}
	}
	return p, nil
}

// NodeLine is the field line that names the node, or empty.
func (p *Proxy) NodeLine() []byte { return p.nodeLine }

// Close ends the connections that are shared; no client may be left.
func (p *Proxy) Close() { p.lines.Close() }

// Lines is how many connections carry HTTP/2 to members.
func (p *Proxy) Lines() int { return p.lines.Open() }

// Streams counts what HTTP/2 clients do.
func (p *Proxy) Streams() *h2.Counters { return p.streams }

// borrow gives an exchange for c; giveBack takes it when it has ended.
func (p *Proxy) borrow(c *client) *exchange {
	x := p.free.Get().(*exchange)
	x.c = c
	return x
}

func (p *Proxy) giveBack(x *exchange) {
	*x = exchange{
		out: x.out[:0], ans: x.ans[:0], chunks: x.chunks, body: x.body.Recycle(),
		request: x.request, response: x.response, entry: x.entry,
	}
	x.request.Reset()
	x.response.Reset()
	if cap(x.out) > 2*semantics.OutSize || cap(x.ans) > 2*semantics.OutSize { // a long head: the exception
		x.out, x.ans = make([]byte, 0, semantics.OutSize), make([]byte, 0, semantics.OutSize)
	}
	p.free.Put(x)
}

// Serve runs a client connection to its end. src is the listener's newest
// version, read once per request; group may drain it.
func (p *Proxy) Serve(conn *netio.Conn, src *atomic.Pointer[table.Listener], group *live.Group) {
	c := p.client(conn, src)
	defer c.cancel()
	if !group.Add(c) {
		conn.Close()
		return
	}
	defer group.Remove(c)
	c.shard.Connections.Add(1)
	switch {
	case !c.handshake():
	case c.speaksHTTP2():
		c.serveStreams()
	default:
		c.serve()
	}
}

// Continue serves a connection in clear that another engine has served as old so
// far, and has counted. What was read of the next request is buffered in conn.
func (p *Proxy) Continue(conn *netio.Conn, src *atomic.Pointer[table.Listener], group *live.Group, old live.Drainable) {
	c := p.client(conn, src)
	defer c.cancel()
	group.Replace(old, c)
	defer group.Remove(c)
	c.serve()
}

func (p *Proxy) client(conn *netio.Conn, src *atomic.Pointer[table.Listener]) *client {
	c := &client{
		p: p, conn: conn, src: src, shard: src.Load().Live.Shard(),
		remote: conn.Remote(), local: conn.Local(), began: time.Now(),
	}
	c.peer = route.Client{Remote: c.remote, Local: c.local}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}
