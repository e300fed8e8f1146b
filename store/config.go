package store

import (
	"net/netip"
	"slices"
	"sync"

	"lbd/store/model"
)

// dirt is what changed since Config was last made.
type dirt struct {
	services map[model.LoadBalancerID]struct{}
	backends map[model.PoolID]struct{}
}

// configCache keeps the newest Config, so that the next one rebuilds only the
// services that changed.
type configCache struct {
	mu       sync.Mutex // taken after Store.mu (for reading)
	last     *model.Config
	served   map[model.LoadBalancerID]*model.Service // those in last
	backends map[model.PoolID]*model.Backends
}

// reset forgets everything. Called with Store.mu held for writing.
func (c *configCache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.served, c.backends = nil, nil, nil
}

// manyDirty is the number of changed services from which sorting all services
// once is cheaper than moving them for every change.
const manyDirty = 64

// Config is the data plane's view: everything but what is PENDING_DELETE,
// objects with AdminStateUp false included. Config.Index is the newest index
// applied when it was made.
//
// A Service of which nothing changed is the same pointer as in the Config
// before, and so is a Backends. Settling alone is no change in this sense, so
// Provisioning, Reason and the numbers of Position in a Config may lag behind
// the store: the data plane has no use for them (policies come in their order).
func (s *Store) Config() *model.Config {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := &s.config
	c.mu.Lock()
	defer c.mu.Unlock()

	// Only this function writes to dirty under the read lock, and c.mu admits
	// one of it at a time.
	st, idx := s.state, s.Index()
	if c.last == nil {
		c.last = &model.Config{Services: []*model.Service{}}
		c.served = map[model.LoadBalancerID]*model.Service{}
		c.backends = map[model.PoolID]*model.Backends{}
	}
	for id := range st.dirty.backends {
		delete(c.backends, id)
	}
	clear(st.dirty.backends)
	if len(st.dirty.services) == 0 {
		if c.last.Index != idx {
			c.last = &model.Config{Index: idx, Services: c.last.Services}
		}
		return c.last
	}

	services := slices.Clone(c.last.Services)
	many := len(st.dirty.services) >= manyDirty
	for id := range st.dirty.services {
		if old, ok := c.served[id]; ok && !many {
			at, _ := slices.BinarySearchFunc(services, old, byService)
			services = slices.Delete(services, at, at+1)
		}
		delete(c.served, id)
	}
	if many {
		services = slices.DeleteFunc(services, func(sv *model.Service) bool { return c.served[sv.LoadBalancer.ID] == nil })
	}
	for id := range st.dirty.services {
		lb, ok := st.loadBalancers[id]
		if !ok || lb.Provisioning == model.PendingDelete {
			continue
		}
		sv := c.service(st, lb)
		c.served[id] = sv
		if many {
			services = append(services, sv)
			continue
		}
		at, _ := slices.BinarySearchFunc(services, sv, byService)
		services = slices.Insert(services, at, sv)
	}
	if many {
		slices.SortFunc(services, byService)
	}
	clear(st.dirty.services)
	c.last = &model.Config{Index: idx, Services: services}
	return c.last
}

func byService(a, b *model.Service) int { return byLoadBalancer(a.LoadBalancer, b.LoadBalancer) }

func (c *configCache) service(st *State, lb *model.LoadBalancer) *model.Service {
	sv := &model.Service{LoadBalancer: lb, Listeners: []*model.Listener{}, Pools: []*model.Backends{}}
	add := func(addr netip.Addr, id model.SubnetID) {
		var prefix netip.Prefix // zero when the subnet is gone: any interface may serve it
		if subnet, ok := st.subnets[id]; ok {
			prefix = subnet.CIDR
		}
		sv.Addresses, sv.Prefixes = append(sv.Addresses, addr), append(sv.Prefixes, prefix)
	}
	add(lb.VIP.Address, lb.VIP.Subnet)
	for _, v := range lb.AdditionalVIPs {
		add(v.Address, v.Subnet)
	}
	for _, f := range st.FloatingIPsOf(lb.VIP.Port) {
		add(f.Address, f.Subnet)
	}
	for _, l := range st.ListenersOf(lb.ID) {
		if l.Provisioning == model.PendingDelete {
			continue
		}
		// A pool on its way out is not served, so nothing may point to it.
		if p, ok := st.pools[l.DefaultPool]; ok && p.Provisioning == model.PendingDelete {
			n := *l
			n.DefaultPool = ""
			l = &n
		}
		sv.Listeners = append(sv.Listeners, st.filtered(l, st.ports[lb.VIP.Port]))
	}
	for _, p := range st.PoolsOf(lb.ID) {
		if p.Provisioning != model.PendingDelete {
			sv.Pools = append(sv.Pools, c.backend(st, p))
		}
	}
	for _, l := range sv.Listeners {
		for _, p := range st.PoliciesOf(l.ID) {
			if p.Provisioning != model.PendingDelete {
				sv.Policies = append(sv.Policies, ruled(st, p))
			}
		}
	}
	var refs []string
	for _, l := range sv.Listeners {
		refs = append(refs, l.TLS.Refs()...)
	}
	for _, b := range sv.Pools {
		refs = append(refs, b.Pool.TLS.Refs()...)
	}
	if len(refs) > 0 {
		sv.Secrets, sv.Containers = st.KeyMaterial(refs)
	}
	return sv
}

func ruled(st *State, p *model.L7Policy) *model.RuledPolicy {
	out := &model.RuledPolicy{Policy: p, Rules: []*model.L7Rule{}}
	for _, r := range st.RulesOf(p.ID) {
		if r.Provisioning != model.PendingDelete {
			out.Rules = append(out.Rules, r)
		}
	}
	return out
}

func (c *configCache) backend(st *State, p *model.Pool) *model.Backends {
	if b, ok := c.backends[p.ID]; ok {
		return b
	}
	members := st.MembersOf(p.ID)
	b := &model.Backends{Pool: p, Members: make([]model.Server, 0, len(members))}
	for _, m := range members {
		if m.Provisioning != model.PendingDelete {
			b.Members = append(b.Members, m.Server())
		}
	}
	if m, ok := st.MonitorOf(p.ID); ok && m.Provisioning != model.PendingDelete {
		b.Monitor = m
	}
	c.backends[p.ID] = b
	return b
}
