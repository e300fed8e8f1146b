package table

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"lbd/dataplane/accesslog"
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
	Member(key live.Key, addr netip.AddrPort) *live.Member
	Policy(id model.L7PolicyID) *live.Policy
	// ServerTLS and ClientTLS load what a listener or pool needs for TLS; nil for a
	// pool that speaks none. A server that comes with an error is the one before.
	ServerTLS(l *model.Listener, svc *model.Service) (*tlsterm.Server, error)
	ClientTLS(p *model.Pool, svc *model.Service) (*tlsterm.Client, error)
	Sessions(key SessionsKey) *sticky.Table
	// SessionKey is the secret that cookies are made with, the same on every node.
	SessionKey() []byte
	// AccessLog is where lines of requests go; nil: nowhere.
	AccessLog() *accesslog.Log
}

// Compile makes the table of cfg; before is the table in service, or nil. It never fails as a whole: an object that
// cannot be served is left out and named in Failures.
func Compile(cfg *model.Config, s Survivors, before *Table) *Table {
	c := &compiler{
		s: s,
		t: &Table{
			Index:     cfg.Index,
			Endpoints: make(map[netip.AddrPort]*Listener),
			Datagrams: make(map[netip.AddrPort]*Listener),
			Listeners: make(map[model.ListenerID]*live.Listener),
			UDP:       make(map[model.ListenerID]bool),
			Policies:  make(map[model.L7PolicyID]*live.Policy),
			Pools:     make(map[model.PoolID]*Pool, len(cfg.Services)),
			Sessions:  make(map[SessionsKey]*sticky.Table),
		},
	}
	if before != nil {
		c.before = before.Pools
	}
	for _, svc := range cfg.Services {
		c.service(svc)
	}
	return c.t
}

type compiler struct {
	s      Survivors
	t      *Table
	before map[model.PoolID]*Pool
}

func (c *compiler) fail(object, format string, args ...any) {
	c.t.Failures = append(c.t.Failures, model.Failure{Object: object, Reason: fmt.Sprintf(format, args...)})
}

func (c *compiler) service(svc *model.Service) {
	lb := svc.LoadBalancer
	pools := make(map[model.PoolID]*Pool, len(svc.Pools))
	for _, b := range svc.Pools {
		pools[b.Pool.ID] = c.backends(b, lb.AdminStateUp, svc)
	}
	for _, l := range svc.Listeners {
		// Counters are kept and shown for a listener that is switched off, too.
		c.t.Listeners[l.ID] = c.s.Listener(l.ID)
		if l.Protocol == model.UDP {
			c.t.UDP[l.ID] = true
		}
		if !lb.AdminStateUp || !l.AdminStateUp {
			continue
		}
		if err := c.listener(svc, l, pools); err != nil {
			c.fail(string(l.ID), "%s", err)
		}
	}
}

func (c *compiler) listener(svc *model.Service, l *model.Listener, pools map[model.PoolID]*Pool) error {
	out := &Listener{
		ID:            l.ID,
		Port:          l.Port,
		Allowed:       l.AllowedCIDRs,
		Limit:         int64(l.ConnectionLimit),
		ClientData:    timeout(l.TimeoutClientData),
		MemberConnect: timeout(l.TimeoutMemberConnect),
		MemberData:    timeout(l.TimeoutMemberData),
		Live:          c.t.Listeners[l.ID],
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
	if l.Protocol == model.TerminatedHTTPS || l.Protocol == model.Prometheus && len(l.TLS.ServerKeys()) > 0 {
		var err error
		if out.TLS, err = c.s.ServerTLS(l, svc); err != nil {
			if out.TLS == nil {
				return err
			}
			c.fail(string(l.ID), "%s; the certificates before stay in use", err)
		}
	}
	if out.Mode == ModeHTTP {
		var err error
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
	endpoints := c.t.Endpoints
	if out.Mode == ModeUDP {
		endpoints = c.t.Datagrams
	}
	for _, a := range svc.Addresses {
		addr := netip.AddrPortFrom(a.Unmap(), l.Port)
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
			return fmt.Errorf("address %s cannot be listened on", a)
		}
		if other, ok := endpoints[addr]; ok {
			return fmt.Errorf("%s is taken by listener %s", addr, other.ID)
		}
	}
	for _, a := range svc.Addresses {
		endpoints[netip.AddrPortFrom(a.Unmap(), l.Port)] = out
	}
	return nil
}

// policies compiles the L7 policies of l into a step of out's route.
func (c *compiler) policies(svc *model.Service, l *model.Listener, out *Listener, pools map[model.PoolID]*Pool) {
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
	c.t.Failures = append(c.t.Failures, failures...)
	out.Policies = make(map[model.L7PolicyID]*live.Policy, len(mine))
	for _, p := range mine {
		id := p.Policy.ID
		out.Policies[id] = c.s.Policy(id)
		c.t.Policies[id] = out.Policies[id]
	}
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
// else compiles it: with a hundred thousand members nearly all of a table stays.
func (c *compiler) backends(b *model.Backends, lbUp bool, svc *model.Service) *Pool {
	made := from{backends: b, lbUp: lbUp}
	if old := c.before[b.Pool.ID]; old != nil && old.made == made {
		c.t.Pools[old.ID] = old
		c.t.Targets = append(c.t.Targets, old.targets...)
		return old
	}
	first, failed := len(c.t.Targets), len(c.t.Failures)
	p := c.secure(c.pool(b, lbUp), b.Pool, svc, first)
	made.partly = len(c.t.Failures) > failed || p.TLS != nil || b.Pool.Persistence != nil
	p.made, p.targets = made, slices.Clone(c.t.Targets[first:])
	c.t.Fresh = append(c.t.Fresh, p)
	return p
}

// pool compiles b; members and monitor that cannot be served are named and left out.
func (c *compiler) pool(b *model.Backends, lbUp bool) *Pool {
	p := &Pool{ID: b.Pool.ID, Protocol: b.Pool.Protocol, algorithm: b.Pool.Algorithm, up: b.Pool.AdminStateUp, Members: make(map[model.MemberID]*Member, len(b.Members))}
	c.t.Pools[p.ID] = p
	if b.Pool.Persistence != nil {
		if err := p.sticky.init(b.Pool, c.s, c.t); err != nil {
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
	for _, m := range b.Members {
		addr := m.AddrPort()
		key := live.Key{Pool: b.Pool.ID, Member: m.ID}
		tm := &Member{ID: m.ID, Addr: addr, Live: c.s.Member(key, addr), Monitored: b.Monitor != nil && b.Monitor.AdminStateUp}
		p.Members[m.ID] = tm
		if !addr.IsValid() || m.Port == 0 {
			c.fail(string(m.ID), "address %s cannot be connected to", addr)
			continue
		}
		switch {
		case probed && m.AdminStateUp:
			spec, err := health.NewSpec(b.Monitor, m, b.Pool.Protocol)
			if err == nil {
				c.t.Targets = append(c.t.Targets, health.Target{Subject: tm.Live, Spec: spec})
				break
			}
			tm.Unprobed = model.NoMonitor
			if !told { // the same for every member
				told = true
				c.fail(string(b.Monitor.ID), "%s", err)
			}
		case b.Monitor != nil && b.Monitor.AdminStateUp:
			tm.Unprobed = model.Offline // switched off: not looked at
		default:
			tm.Unprobed = model.NoMonitor
		}
		if b.Pool.AdminStateUp && m.AdminStateUp {
			p.add(tm, m)
		}
	}
	p.sticky.know(p)
	if err := p.finish(c.before[p.ID]); err != nil {
		c.fail(string(b.Pool.ID), "%s", err)
	}
	return p
}

// ListenFailures names the listeners whose sockets could not be opened, one
// failure per listener and address, ordered by address: those for TCP, then those
// for UDP.
func (t *Table) ListenFailures(tcp, udp map[netip.AddrPort]error) []model.Failure {
	return append(failures(t.Endpoints, tcp), failures(t.Datagrams, udp)...)
}

func failures(of map[netip.AddrPort]*Listener, failed map[netip.AddrPort]error) (out []model.Failure) {
	for _, addr := range slices.SortedFunc(maps.Keys(failed), netip.AddrPort.Compare) {
		out = append(out, model.Failure{Object: string(of[addr].ID), Reason: failed[addr].Error()})
	}
	return out
}
