package evudp

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/evtcp"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/semantics"
)

// Server serves UDP listeners on one loop.
type Server struct {
	l *loop.Loop
	n int // number of the loop, for counters

	asks    *loop.Datagrams // what a port has just received
	answers *loop.Datagrams // what goes to clients at the end of the turn
	waiting int             // slots of answers that are taken
	runs    []run           // which of them are whose
	asked   bool            // for the end of the turn
}

// run is so many answers in a row for one port.
type run struct {
	p *Port
	n int
}

// New makes a Server on l, the n-th loop.
func New(l *loop.Loop, n int) *Server { return &Server{l: l, n: n} }

// queued notes one more answer of p.
func (s *Server) queued(p *Port) {
	s.waiting++
	if k := len(s.runs); k > 0 && s.runs[k-1].p == p {
		s.runs[k-1].n++
	} else {
		s.runs = append(s.runs, run{p, 1})
	}
	switch {
	case s.waiting == loop.BatchSize:
		s.flush()
	case !s.asked:
		s.asked = true
		s.l.Again(s)
	}
}

// Ready sends what the turn has collected.
func (s *Server) Ready() {
	s.asked = false
	s.flush()
}

// Panicked implements loop.Handler.
func (s *Server) Panicked() { s.waiting, s.runs = 0, s.runs[:0] }

func (s *Server) flush() {
	at := 0
	for i, r := range s.runs {
		if !r.p.closed {
			if lost := s.l.Send(r.p.fd, s.answers, at, at+r.n); lost > 0 {
				r.p.drops(live.ClientFull, lost)
			}
		}
		at += r.n
		s.runs[i].p = nil
	}
	s.waiting, s.runs = 0, s.runs[:0]
}

// Port is a listening socket as one loop reads it. It owns the descriptor. All of
// it but NewPort is for the loop's goroutine.
type Port struct {
	s       *Server
	fd      int
	in      loop.Sock
	door    *evtcp.Door
	flows   flows
	others  []*Port       // of the same address, on other loops
	begged  time.Duration // when they were asked for room last
	wanting int           // flows that have found none since
	reading bool
	retired bool // another process reads the socket
	closed  bool
}

// NewPort makes a port of fd, which nobody reads yet. d's Cost is that of a flow.
func (s *Server) NewPort(fd int, d *evtcp.Door) *Port {
	return &Port{s: s, fd: fd, door: d, flows: newFlows()}
}

// Join makes ports those of one address, whose listener they share. Before Read.
func Join(ports []*Port) {
	for _, p := range ports {
		for _, o := range ports {
			if o != p {
				p.others = append(p.others, o)
			}
		}
	}
}

// Read begins to take datagrams.
func (p *Port) Read() error {
	if p.reading || p.closed || p.retired {
		return nil
	}
	if p.s.asks == nil { // the first of the loop
		p.s.asks, p.s.answers = loop.NewDatagrams(), loop.NewDatagrams()
	}
	if err := p.in.Listen(p.s.l, p.fd, p); err != nil {
		return err
	}
	p.reading = true
	return nil
}

// Rebind gives the socket to another listener; the flows of the one before end.
func (p *Port) Rebind(d *evtcp.Door) {
	p.endAll()
	p.door = d
}

// Close ends the flows and closes the socket.
func (p *Port) Close() {
	p.endAll()
	p.shut()
}

// Retire leaves the socket to another process that has it as well. Answers still go
// out, until the flows end.
func (p *Port) Retire() {
	p.mute()
	p.retired = true
	for _, f := range p.flows.at {
		p.s.l.Arm(&f.timer, f, f.idle())
	}
	if len(p.flows.at) == 0 {
		p.shut()
	}
}

func (p *Port) mute() {
	if p.reading {
		p.in.Mute()
		p.reading = false
	}
}

func (p *Port) shut() {
	if p.closed {
		return
	}
	p.mute()
	if p.s.waiting > 0 {
		p.s.flush()
	}
	p.closed = true
	unix.Close(p.fd)
}

func (p *Port) endAll() {
	for _, f := range p.flows.at {
		f.end(semantics.Cut)
	}
}

// ended gives back what a flow held.
func (p *Port) ended(f *flow) {
	p.door.Leave(f)
	if p.retired && len(p.flows.at) == 0 {
		p.shut()
	}
}

// Ready takes what waits, a batch; if there is more, the loop calls again.
func (p *Port) Ready() {
	n, _ := p.s.l.Receive(p.fd, p.s.asks) // an error is an earlier answer's
	for i := range n {
		p.take(i)
	}
}

// Panicked implements loop.Handler.
func (p *Port) Panicked() {}

// take gives the datagram in slot i to its flow, or begins one.
func (p *Port) take(i int) {
	addr := p.s.asks.Addr(i)
	client := addr.AddrPort()
	lis := p.door.Src.Load()
	f := p.flows.at[client]
	if f != nil && !f.fresh(lis) && !f.renew(lis) {
		p.drop(live.Denied)
		return
	}
	if f == nil {
		if f = p.begin(client, addr); f == nil {
			return
		}
	}
	f.up(p.s.asks.Bytes(i))
}

// begin makes a flow; nil, and a drop counted, when there is no room or no member.
func (p *Port) begin(client netip.AddrPort, addr *loop.SockAddr) *flow {
	lis := p.door.Src.Load()
	source := client.Addr()
	switch {
	case !lis.Allows(source):
		p.drop(live.Denied)
		return nil
	case p.flows.crowded(source) && !p.makeRoom(source):
		p.drop(live.Full)
		return nil
	case !lis.Live.TryEnter() && !(p.makeRoom(netip.Addr{}) && lis.Live.TryEnter()):
		p.beg()
		p.drop(live.Full)
		return nil
	case !p.door.Budget.Take(p.door.Cost) && !(p.makeRoom(netip.Addr{}) && p.door.Budget.Take(p.door.Cost)):
		lis.Live.Leave()
		p.beg()
		p.drop(live.Full)
		return nil
	}
	now := p.s.l.Now()
	f := &flow{p: p, client: client, addr: *addr, lis: lis, last: now, placed: now, shard: lis.Live.ShardOf(p.s.n)}
	p.flows.add(f)
	if !p.door.Group.Add(f) {
		f.end(semantics.Cut)
		p.drop(live.Full)
		return nil
	}
	if lis.Log != nil {
		f.log = new(accesslog.Entry)
		f.log.Begin(lis.Log, client, p.door.Local, time.Now())
		f.log.Flow(accesslog.UDP)
	}
	if !f.first() && !(p.makeRoom(netip.Addr{}) && f.first()) { // perhaps for want of a port
		f.end(semantics.NoMember)
		p.drop(live.NoMember)
		return nil
	}
	f.shard.Connections.Add(1)
	return f
}

// makeRoom ends the flow that was quiet for longest, if one was for long enough.
func (p *Port) makeRoom(source netip.Addr) bool {
	f := p.flows.over(source, p.s.l.Now())
	if f == nil {
		return false
	}
	f.finish()
	p.door.Src.Load().Live.Datagrams.Evicted.Add(1)
	return true
}

// beg asks the ports on other loops, which share the bounds, for room that this one
// does not have; what comes next may find it.
func (p *Port) beg() {
	p.wanting++
	now := p.s.l.Now()
	if now-p.begged < begEvery {
		return
	}
	n := min(p.wanting, begFor)
	p.begged, p.wanting = now, 0
	for _, o := range p.others {
		o.s.l.Post(func() {
			for range n {
				if !o.makeRoom(netip.Addr{}) {
					return
				}
			}
		})
	}
}

func (p *Port) drop(why live.Drop) { p.drops(why, 1) }

func (p *Port) drops(why live.Drop, n int) {
	p.door.Src.Load().Live.Datagrams.Dropped[why].Add(int64(n))
}
