package table

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/balance"
	"lbd/dataplane/health"
	"lbd/dataplane/live"
	"lbd/dataplane/rewrite"
	"lbd/dataplane/route"
	"lbd/dataplane/sticky"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// Survivors gives the parts that outlive a table. Both make what is not there yet.
type Survivors interface {
	Listener(id model.ListenerID) *live.Listener
	// Member makes the part of a member that is new; the pool keeps it.
	Member(key live.Key, addr netip.AddrPort) *live.Member
	Policy(id model.L7PolicyID) *live.Policy
	// ServerTLS and ClientTLS load what a listener or pool needs for TLS; nil for
	// what speaks none. With something beside the error, what could not be loaded
	// is as it was before.
	ServerTLS(l *model.Listener, svc *model.Service) (*tlsterm.Server, error)
	ClientTLS(p *model.Pool, svc *model.Service) (*tlsterm.Client, error)
	Sessions(key SessionsKey) *sticky.Table
	// SessionKey is the secret that cookies are made with, the same on every node.
	SessionKey() []byte
	// AccessLog is where lines of requests go; nil: nowhere.
	AccessLog() *accesslog.Log
}

// making is the work on one table.
type making struct {
	s         Survivors
	t         *Table
	sv        *Service               // being made
	before    map[model.PoolID]*Pool // those of the services that are made anew
	endpoints map[place]*Listener    // of t, so far
	clash     bool
}

func (c *making) fail(object, format string, args ...any) {
	c.sv.Failures = append(c.sv.Failures, model.Failure{Object: object, Reason: fmt.Sprintf(format, args...)})
}

func (c *making) service(svc *model.Service) *Service {
	c.sv = &Service{Listeners: make([]Counted, 0, len(svc.Listeners)), Pools: make([]*Pool, 0, len(svc.Pools))}
	lb := svc.LoadBalancer
	pools := make(map[model.PoolID]*Pool, len(svc.Pools))
	for _, b := range svc.Pools {
		p := c.backends(b, lb.AdminStateUp, svc)
		pools[b.Pool.ID] = p
		c.sv.Pools = append(c.sv.Pools, p)
	}
	for _, l := range svc.Listeners {
		// Counters are kept and shown for a listener that is switched off, too.
		counted := Counted{ID: l.ID, Live: c.s.Listener(l.ID), UDP: l.Protocol == model.UDP}
		c.sv.Listeners = append(c.sv.Listeners, counted)
		if !lb.AdminStateUp || !l.AdminStateUp {
			continue
		}
		if err := c.listener(svc, l, counted.Live, pools); err != nil {
			c.fail(string(l.ID), "%s", err)
		}
	}
	return c.sv
}

func (c *making) listener(svc *model.Service, l *model.Listener, counted *live.Listener, pools map[model.PoolID]*Pool) error {
	out := &Listener{
		ID:            l.ID,
		Port:          l.Port,
		Allowed:       l.AllowedCIDRs,
		Limit:         int64(l.ConnectionLimit),
		ClientData:    timeout(l.TimeoutClientData),
		MemberConnect: timeout(l.TimeoutMemberConnect),
		MemberData:    timeout(l.TimeoutMemberData),
		Live:          counted,
		Log:           c.s.AccessLog().Of(l.ID, svc.LoadBalancer.ID, l.Tags),
	}
	switch l.Protocol {
	case model.HTTP:
		out.Mode = ModeHTTP
	case model.TerminatedHTTPS:
		out.Mode = ModeHTTP
	case model.Prometheus: // with certificates it speaks TLS
		out.Mode = ModeHTTP
		out.Metrics = scopeOf(svc)
	case model.TCP, model.HTTPS:
		out.Mode = ModeTCP
	case model.UDP:
		out.Mode = ModeUDP
	default:
		return fmt.Errorf("protocol %s is not served by this data plane", l.Protocol)
	}
	if l.Port == 0 {
		return fmt.Errorf("port 0 cannot be listened on")
	}
	if len(svc.Addresses) == 0 {
		return fmt.Errorf("load balancer %s has no address", svc.LoadBalancer.ID)
	}
	if out.Mode == ModeHTTP {
		var err error
		if out.TLS, err = c.s.ServerTLS(l, svc); err != nil {
			if out.TLS == nil {
				return err
			}
			c.fail(string(l.ID), "%s", err)
		}
		if out.Forward, err = rewrite.Compile(l.InsertHeaders, l.Port, out.scheme()); err != nil {
			return err
		}
	}
	// A pool that is being deleted is missing here for a moment: that is answered
	// with 503, not a fault of the listener.
	if p, ok := pools[l.DefaultPool]; ok {
		if !l.Protocol.Accepts(p.Protocol) {
			return fmt.Errorf("pool %s speaks %s, which a %s listener cannot use", p.ID, p.Protocol, l.Protocol)
		}
		out.Route.Default = p
	}
	c.policies(svc, l, out, pools)
	for _, a := range svc.Addresses {
		e := Endpoint{Addr: netip.AddrPortFrom(a.Unmap(), l.Port), Listener: out}
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
			return fmt.Errorf("address %s cannot be listened on", a)
		}
		if other, ok := c.endpoints[e.place()]; ok {
			c.clash = true
			return fmt.Errorf("%s is taken by listener %s", e.Addr, other.ID)
		}
	}
	for _, a := range svc.Addresses {
		e := Endpoint{Addr: netip.AddrPortFrom(a.Unmap(), l.Port), Listener: out}
		c.endpoints[e.place()] = out
		c.sv.Endpoints = append(c.sv.Endpoints, e)
	}
	return nil
}

// policies compiles the L7 policies of l into a step of out's route.
func (c *making) policies(svc *model.Service, l *model.Listener, out *Listener, pools map[model.PoolID]*Pool) {
	var mine []*model.RuledPolicy
	for _, p := range svc.Policies {
		if p.Policy.Listener == l.ID {
			mine = append(mine, p)
		}
	}
	if len(mine) == 0 {
		return
	}
	if out.Mode != ModeHTTP {
		for _, p := range mine {
			c.fail(string(p.Policy.ID), "%s protocol listeners do not support L7 policies", l.Protocol)
		}
		return
	}
	step, failures := route.CompilePolicies(mine, func(id model.PoolID) (*Pool, bool) {
		p, ok := pools[id]
		return p, ok && p.up && l.Protocol.Accepts(p.Protocol)
	})
	c.sv.Failures = append(c.sv.Failures, failures...)
	out.Policies = make(map[model.L7PolicyID]*live.Policy, len(mine))
	for _, p := range mine {
		id := p.Policy.ID
		out.Policies[id] = c.s.Policy(id)
	}
	if c.sv.Policies == nil {
		c.sv.Policies = make(map[model.L7PolicyID]*live.Policy, len(mine))
	}
	maps.Copy(c.sv.Policies, out.Policies)
	if step.Len() > 0 {
		out.Route.Steps = append(out.Route.Steps, step)
	}
}

// scopeOf is everything of a load balancer.
func scopeOf(svc *model.Service) *Scope {
	s := &Scope{
		Listeners: make(map[model.ListenerID]bool, len(svc.Listeners)), Pools: make(map[model.PoolID]bool, len(svc.Pools)),
		Policies: make(map[model.L7PolicyID]bool, len(svc.Policies)),
	}
	for _, p := range svc.Policies {
		s.Policies[p.Policy.ID] = true
	}
	for _, l := range svc.Listeners {
		s.Listeners[l.ID] = true
	}
	for _, b := range svc.Pools {
		s.Pools[b.Pool.ID] = true
	}
	return s
}

// timeout turns the model's milliseconds into a duration; 0 is the longest.
func timeout(ms int) time.Duration {
	if ms <= 0 {
		ms = model.MaxTimeout
	}
	return time.Duration(ms) * time.Millisecond
}

// backends gives the pool of the table before where nothing of it has changed, and
// else compiles it.
func (c *making) backends(b *model.Backends, lbUp bool, svc *model.Service) *Pool {
	made := from{backends: b, lbUp: lbUp}
	if old := c.before[b.Pool.ID]; old != nil && old.made == made {
		c.sv.Targets = append(c.sv.Targets, old.targets...)
		return old
	}
	first, failed := len(c.sv.Targets), len(c.sv.Failures)
	p := c.secure(c.pool(b, lbUp), b.Pool, svc, first)
	made.partly = len(c.sv.Failures) > failed || p.TLS != nil || b.Pool.Persistence != nil
	p.made, p.targets = made, slices.Clone(c.sv.Targets[first:])
	c.t.FreshPools = append(c.t.FreshPools, p)
	return p
}

// members makes the members of p, with what is alive of those of the pool before.
func (c *making) members(p *Pool, b *model.Backends, before *Pool) {
	p.Members = make([]Member, 0, len(b.Members))
	p.members = make([]*Member, 0, len(b.Members))
	p.balance = make([]balance.Member, 0, len(b.Members))
	monitored := b.Monitor != nil && b.Monitor.AdminStateUp
	old := earlier{}
	if before != nil {
		old.rest = before.Members
	}
	for i := range b.Members {
		m := &b.Members[i]
		tm := Member{Addr: m.AddrPort(), Monitored: monitored, Live: old.take(m.ID)}
		if tm.Live == nil {
			tm.Live = c.s.Member(live.Key{Pool: p.ID, Member: m.ID}, tm.Addr)
		}
		p.Members = append(p.Members, tm)
	}
	p.Left = old.left()
}

// earlier are the members of a pool in the table before, to be taken one by one. Most
// are asked for in their order; the others are found by a map, made when it is needed.
type earlier struct {
	rest  []Member
	moved map[model.MemberID]*live.Member // nil: not needed so far
}

// take gives what is alive of a member, once, nil for none.
func (e *earlier) take(id model.MemberID) *live.Member {
	if e.moved == nil {
		if len(e.rest) > 0 && e.rest[0].ID() == id {
			l := e.rest[0].Live
			e.rest = e.rest[1:]
			return l
		}
		if len(e.rest) == 0 {
			return nil
		}
		e.moved = make(map[model.MemberID]*live.Member, len(e.rest))
		for i := range e.rest {
			e.moved[e.rest[i].ID()] = e.rest[i].Live
		}
	}
	l := e.moved[id]
	delete(e.moved, id)
	return l
}

// left gives those that were not taken.
func (e *earlier) left() (all []*live.Member) {
	if e.moved == nil {
		for i := range e.rest {
			all = append(all, e.rest[i].Live)
		}
		return all
	}
	return slices.AppendSeq(all, maps.Values(e.moved))
}

// pool compiles b; members and monitor that cannot be served are named and left out.
func (c *making) pool(b *model.Backends, lbUp bool) *Pool {
	p := &Pool{ID: b.Pool.ID, Protocol: b.Pool.Protocol, algorithm: b.Pool.Algorithm, up: b.Pool.AdminStateUp}
	before := c.before[p.ID]
	c.members(p, b, before)
	if b.Pool.Persistence != nil {
		if err := p.sticky.init(b.Pool, c.s, c.sv); err != nil {
			c.fail(string(b.Pool.ID), "%s", err)
		}
	}
	switch b.Pool.Protocol {
	case model.HTTP, model.HTTPS, model.TCP, model.UDP, model.Proxy, model.ProxyV2:
	default:
		c.fail(string(b.Pool.ID), "pool protocol %s is not served by this data plane", b.Pool.Protocol)
	}
	probed := lbUp && b.Pool.AdminStateUp && b.Monitor != nil && b.Monitor.AdminStateUp
	told := false
	for i := range b.Members {
		m := &b.Members[i]
		addr := m.AddrPort()
		tm := &p.Members[i]
		if !addr.IsValid() || m.Port == 0 {
			c.fail(string(m.ID), "address %s cannot be connected to", addr)
			continue
		}
		switch {
		case probed && m.AdminStateUp:
			spec, err := health.NewSpec(b.Monitor, m, b.Pool.Protocol)
			if err == nil {
				c.sv.Targets = append(c.sv.Targets, health.Target{Subject: tm.Live, Spec: spec})
				break
			}
			tm.unprobed = noMonitor
			if !told { // the same for every member
				told = true
				c.fail(string(b.Monitor.ID), "%s", err)
			}
		case b.Monitor != nil && b.Monitor.AdminStateUp:
			tm.unprobed = switchedOff
		default:
			tm.unprobed = noMonitor
		}
		if b.Pool.AdminStateUp && m.AdminStateUp {
			p.add(tm, m)
		}
	}
	p.sticky.know(p)
	if err := p.finish(before); err != nil {
		c.fail(string(b.Pool.ID), "%s", err)
	}
	return p
}
