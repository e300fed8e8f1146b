package store

import "lbd/store/model"

func (t *tx) poolCreate(p *PoolCreatePayload) error {
	n := p.Pool
	var listener *model.Listener
	if p.Listener != "" {
		l, ok := t.st.listeners[p.Listener]
		if !ok || n.LoadBalancer != "" && n.LoadBalancer != l.LoadBalancer {
			return notFound("Listener", p.Listener)
		}
		listener, n.LoadBalancer = l, l.LoadBalancer
	}
	if n.LoadBalancer == "" {
		return invalidf("Must provide at least one of: loadbalancer_id, listener_id")
	}
	lb, ok := t.st.loadBalancers[n.LoadBalancer]
	if !ok {
		return notFound("Load Balancer", n.LoadBalancer)
	}
	if err := t.charge(lb.Project, model.QuotaPool, 1); err != nil {
		return err
	}
	if listener != nil {
		if err := t.checkFreeForPool(listener, n.Protocol); err != nil {
			return err
		}
	}
	if err := lock(lb); err != nil {
		return err
	}
	if err := fresh(t.st.pools, n.ID); err != nil {
		return err
	}
	if err := t.checkPoolTLS(n.TLS); err != nil {
		return err
	}

	t.born(&n.Base, lb.Project)
	t.st.putPool(&n)
	t.st.dirty.backends[n.ID] = struct{}{}
	if listener != nil {
		l := *listener
		l.DefaultPool = n.ID
		t.pend(&l.Base, model.PendingUpdate)
		t.st.putListener(&l)
	}
	t.markLoadBalancer(lb.ID)
	return nil
}

// checkFreeForPool checks that a new pool may become l's default pool. A
// default pool that is being deleted does not count: l loses it anyway.
func (t *tx) checkFreeForPool(l *model.Listener, pool model.Protocol) error {
	if l.Protocol == model.Prometheus {
		return Errorf(Invalid, "Protocol PROMETHEUS listeners cannot have child objects.")
	}
	if err := CheckProtocols(l.Protocol, pool); err != nil {
		return err
	}
	if err := lockChild(t.st.loadBalancers[l.LoadBalancer], &l.Base); err != nil {
		return err
	}
	if old, ok := t.st.pools[l.DefaultPool]; ok && old.Provisioning != model.PendingDelete {
		return Errorf(Conflict, "This listener already has a default pool")
	}
	return nil
}

func (t *tx) poolUpdate(p *PoolPatch) error {
	old, err := t.poolToChange(p.ID)
	if err != nil {
		return err
	}
	tls := old.TLS
	if p.TLS != nil {
		tls = p.TLS.on(old.TLS)
		if err := t.checkPoolTLS(tls); err != nil {
			return err
		}
	}

	n := *old
	n.TLS = tls
	set(&n.Name, p.Name)
	set(&n.Description, p.Description)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	set(&n.Algorithm, p.Algorithm)
	if p.Persistence != nil {
		n.Persistence = p.Persistence.Value
	}
	t.st.putPool(&n)
	t.markPool(n.ID)
	return nil
}

// poolDelete takes a pool out of service, unless a policy leads to it. Its
// members and monitor go with it when it settles, and the listeners that use it
// lose their default pool.
func (t *tx) poolDelete(p *PoolRef) error {
	// Policies on their way out, alone or with their listener, are gone before the pool is.
	for _, l7 := range t.st.PoliciesTo(p.ID) {
		if l7.Provisioning != model.PendingDelete && t.st.listeners[l7.Listener].Provisioning != model.PendingDelete {
			return Errorf(Conflict, "Pool %s is in use by L7 policy %s", p.ID, l7.ID)
		}
	}
	old, err := t.poolToChange(p.ID)
	if err != nil {
		return err
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putPool(&n)
	t.markPool(n.ID)
	return nil
}

// poolToChange finds a pool that may be changed.
func (t *tx) poolToChange(id model.PoolID) (*model.Pool, error) {
	p, ok := t.st.pools[id]
	if !ok {
		return nil, notFound("Pool", id)
	}
	return p, lockChild(t.st.loadBalancers[p.LoadBalancer], &p.Base)
}

// poolToFill finds a pool whose members and monitor may be changed.
func (t *tx) poolToFill(id model.PoolID) (*model.Pool, error) {
	p, ok := t.st.pools[id]
	if !ok {
		return nil, notFound("Pool", id)
	}
	if err := lockParent("Pool", p.ID, &p.Base); err != nil {
		return nil, err
	}
	return p, lock(t.st.loadBalancers[p.LoadBalancer])
}
