package store

import (
	"net/netip"

	"lbd/store/model"
)

// TreeCreatePayload makes a load balancer with all below it, or nothing
// (contract 3.1.2). All objects carry their ids; a listener's DefaultPool is
// one of Pools, and a policy's Listener one of Listeners. What else links a
// child to its parent (LoadBalancer, Pool, Policy) is filled in by apply.
type TreeCreatePayload struct {
	LoadBalancerCreatePayload
	Pools     []TreePool       `json:"pools,omitempty"`
	Listeners []model.Listener `json:"listeners,omitempty"`
	Policies  []TreePolicy     `json:"policies,omitempty"` // in the order of their creation
}

// TreePolicy is one L7 policy with its rules.
type TreePolicy struct {
	Policy model.L7Policy `json:"policy"`
	Rules  []model.L7Rule `json:"rules,omitempty"`
}

// TreePool is one pool with its members and its monitor, where it has one.
type TreePool struct {
	Pool    model.Pool           `json:"pool"`
	Members []model.Member       `json:"members,omitempty"`
	Monitor *model.HealthMonitor `json:"monitor,omitempty"`
}

func (t *tx) treeCreate(p *TreeCreatePayload) error {
	lb := p.LoadBalancer
	if err := fresh(t.st.loadBalancers, lb.ID); err != nil {
		return err
	}
	port, err := t.resolveVIPs(&lb, &p.NewPort)
	if err != nil {
		return err
	}
	if err := t.chosen(&lb); err != nil {
		return err
	}
	if err := t.guardVIP(&lb, port, p.Groups); err != nil {
		return err
	}
	if err := t.chargeTree(p); err != nil {
		return err
	}
	check := treeCheck{tx: t, lb: &lb, ids: map[ref]bool{}, pools: map[model.PoolID]model.Protocol{}, listeners: map[model.ListenerID]*model.Listener{}}
	for i := range p.Pools {
		if err := check.pool(&p.Pools[i]); err != nil {
			return err
		}
	}
	ports := map[listenerKey]model.Protocol{}
	for i := range p.Listeners {
		if err := check.listener(&p.Listeners[i], ports); err != nil {
			return err
		}
	}

	for i := range p.Policies {
		if err := check.policy(&p.Policies[i]); err != nil {
			return err
		}
	}

	t.putVIPPort(port)
	t.born(&lb.Base, lb.Project)
	t.st.putLoadBalancer(&lb)
	t.st.dirty.services[lb.ID] = struct{}{}
	for _, x := range p.Pools {
		t.plantPool(x, &lb)
	}
	for _, l := range p.Listeners {
		l.LoadBalancer = lb.ID
		t.born(&l.Base, lb.Project)
		t.st.putListener(&l)
	}
	for _, x := range p.Policies {
		if err := t.plantPolicy(x, &lb); err != nil {
			return err
		}
	}
	return nil
}

// plantPolicy stores a policy that was checked with its rules.
func (t *tx) plantPolicy(x TreePolicy, lb *model.LoadBalancer) error {
	n := x.Policy
	if err := onlyItsRedirect(&n); err != nil {
		return err
	}
	t.born(&n.Base, lb.Project)
	t.placePolicy(&n, n.Position)
	for _, r := range x.Rules {
		r.Policy = n.ID
		t.born(&r.Base, lb.Project)
		t.st.putL7Rule(&r)
	}
	return nil
}

func (t *tx) plantPool(x TreePool, lb *model.LoadBalancer) {
	n := x.Pool
	n.LoadBalancer = lb.ID
	t.born(&n.Base, lb.Project)
	t.st.putPool(&n)
	t.st.dirty.backends[n.ID] = struct{}{}
	for _, m := range x.Members {
		m.Pool = n.ID
		t.born(&m.Base, lb.Project)
		t.st.putMember(&m)
	}
	if x.Monitor != nil {
		hm := *x.Monitor
		hm.Pool = n.ID
		t.born(&hm.Base, lb.Project)
		t.st.putMonitor(&hm)
	}
}

// chargeTree charges every class once, with its total.
func (t *tx) chargeTree(p *TreeCreatePayload) error {
	members, monitors, rules := 0, 0, 0
	for _, x := range p.Policies {
		rules += len(x.Rules)
	}
	for _, x := range p.Pools {
		members += len(x.Members)
		if x.Monitor != nil {
			monitors++
		}
	}
	for _, c := range []struct {
		class model.QuotaClass
		n     int
	}{
		{model.QuotaLoadBalancer, 1},
		{model.QuotaPool, len(p.Pools)},
		{model.QuotaMember, members},
		{model.QuotaHealthMonitor, monitors},
		{model.QuotaListener, len(p.Listeners)},
		{model.QuotaL7Policy, len(p.Policies)},
		{model.QuotaL7Rule, rules},
	} {
		if err := t.charge(p.LoadBalancer.Project, c.class, c.n); err != nil {
			return err
		}
	}
	return nil
}

// treeCheck is what the objects of a tree are held against: the state, and one
// another.
type treeCheck struct {
	*tx
	lb        *model.LoadBalancer
	ids       map[ref]bool
	pools     map[model.PoolID]model.Protocol
	listeners map[model.ListenerID]*model.Listener
}

// own refuses an id that the tree has already.
func (c *treeCheck) own(noun noun, id string) error {
	r := ref{noun, id}
	if c.ids[r] {
		return Errorf(Conflict, "Already an entity with that specified id.")
	}
	c.ids[r] = true
	return nil
}

func (c *treeCheck) pool(x *TreePool) error {
	if err := fresh(c.st.pools, x.Pool.ID); err != nil {
		return err
	}
	if err := c.own(nounPool, string(x.Pool.ID)); err != nil {
		return err
	}
	if err := c.checkPoolTLS(x.Pool.TLS); err != nil {
		return err
	}
	c.pools[x.Pool.ID] = x.Pool.Protocol
	if hm := x.Monitor; hm != nil {
		if err := fresh(c.st.monitors, hm.ID); err != nil {
			return err
		}
		if err := c.own(nounMonitor, string(hm.ID)); err != nil {
			return err
		}
		if err := CheckMonitorType(hm.Type, x.Pool.Protocol); err != nil {
			return err
		}
	}
	at := map[netip.AddrPort]bool{}
	for i := range x.Members {
		m := x.Members[i]
		m.Pool = x.Pool.ID
		if err := c.checkNewMember(&m); err != nil {
			return err
		}
		if err := c.own(nounMember, string(m.ID)); err != nil {
			return err
		}
		if at[addrPortOf(&m)] {
			return memberTaken(&m)
		}
		at[addrPortOf(&m)] = true
	}
	return nil
}

func (c *treeCheck) listener(x *model.Listener, ports map[listenerKey]model.Protocol) error {
	if err := fresh(c.st.listeners, x.ID); err != nil {
		return err
	}
	if err := c.own(nounListener, string(x.ID)); err != nil {
		return err
	}
	if x.DefaultPool != "" {
		if x.Protocol == model.Prometheus {
			return Errorf(Invalid, "Protocol PROMETHEUS listeners cannot have child objects.")
		}
		pool, ok := c.pools[x.DefaultPool]
		if !ok {
			return notFound("Pool", x.DefaultPool)
		}
		if err := CheckProtocols(x.Protocol, pool); err != nil {
			return err
		}
	}
	c.listeners[x.ID] = x
	key := listenerKey{c.lb.ID, x.Protocol.Transport(), x.Port}
	if other, ok := ports[key]; ok {
		return portTaken(other, x.Port)
	}
	ports[key] = x.Protocol
	if err := checkCIDRs(c.lb, x.AllowedCIDRs); err != nil {
		return err
	}
	return c.checkListenerTLS(x.Protocol, x.TLS)
}

func (c *treeCheck) policy(x *TreePolicy) error {
	n := x.Policy
	if err := fresh(c.st.l7policies, n.ID); err != nil {
		return err
	}
	if err := c.own(nounL7Policy, string(n.ID)); err != nil {
		return err
	}
	l, ok := c.listeners[n.Listener]
	if !ok {
		return notFound("Listener", n.Listener)
	}
	if err := checkRules(c.lb, l); err != nil {
		return err
	}
	if err := onlyItsRedirect(&n); err != nil {
		return err
	}
	if n.RedirectPool != "" {
		pool, ok := c.pools[n.RedirectPool]
		if !ok {
			return notFound("Pool", n.RedirectPool)
		}
		if err := CheckProtocols(l.Protocol, pool); err != nil {
			return err
		}
	}
	if len(x.Rules) > model.MaxL7Rules {
		return Errorf(Conflict, "Too many rules on L7 policy %s", n.ID)
	}
	for i := range x.Rules {
		if err := fresh(c.st.l7rules, x.Rules[i].ID); err != nil {
			return err
		}
		if err := c.own(nounL7Rule, string(x.Rules[i].ID)); err != nil {
			return err
		}
	}
	return nil
}
