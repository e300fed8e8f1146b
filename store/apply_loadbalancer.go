package store

import "lbd/store/model"

func (t *tx) loadBalancerCreate(p *LoadBalancerCreatePayload) error {
	n := p.LoadBalancer
	if err := fresh(t.st.loadBalancers, n.ID); err != nil {
		return err
	}
	port, err := t.resolveVIPs(&n, &p.NewPort)
	if err != nil {
		return err
	}
	if err := t.chosen(&n); err != nil {
		return err
	}
	if err := t.guardVIP(&n, port, p.Groups); err != nil {
		return err
	}
	if err := t.charge(n.Project, model.QuotaLoadBalancer, 1); err != nil {
		return err
	}

	t.putVIPPort(port)
	t.born(&n.Base, n.Project)
	t.st.putLoadBalancer(&n)
	t.st.dirty.services[n.ID] = struct{}{}
	return nil
}

func (t *tx) loadBalancerUpdate(p *LoadBalancerPatch) error {
	old, ok := t.st.loadBalancers[p.ID]
	if !ok {
		return notFound("Load Balancer", p.ID)
	}
	if lock(old) != nil {
		return invalidState(old)
	}
	n := *old
	var port *model.Port
	if p.Groups != nil && (len(*p.Groups) > 0 || old.OwnGroups) {
		changed := *t.st.ports[old.VIP.Port]
		port = &changed
		if err := t.guardVIP(&n, port, *p.Groups); err != nil {
			return err
		}
	}

	if port != nil {
		t.changed(&port.Record)
		t.putVIPPort(port)
	}
	set(&n.Name, p.Name)
	set(&n.Description, p.Description)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	set(&n.QoSPolicy, p.QoSPolicy)
	t.st.putLoadBalancer(&n)
	t.markLoadBalancer(n.ID)
	return nil
}

// loadBalancerRenew makes a load balancer PENDING_UPDATE without a change of its
// attributes, until every data plane has loaded it again: what a failover does
// to it. One in ERROR gets a new chance.
func (t *tx) loadBalancerRenew(p *LoadBalancerRef) error {
	old, ok := t.st.loadBalancers[p.ID]
	if !ok {
		return notFound("Load Balancer", p.ID)
	}
	if old.Provisioning == model.PendingDelete {
		return invalidState(old)
	}
	t.markLoadBalancer(old.ID)
	return nil
}

// loadBalancerDelete takes a load balancer out of service; all below it goes
// when it settles. Children that are already being deleted do not stand in the
// way: their deletion was queued before this one.
func (t *tx) loadBalancerDelete(p *LoadBalancerDeletePayload) error {
	old, ok := t.st.loadBalancers[p.ID]
	if !ok {
		return notFound("Load Balancer", p.ID)
	}
	if !p.Cascade && t.hasChildren(p.ID) {
		return invalidf("Cannot delete Load Balancer %s - it has children", p.ID)
	}
	if old.Provisioning == model.PendingDelete {
		return invalidState(old)
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putLoadBalancer(&n)
	t.st.dirty.services[n.ID] = struct{}{}
	for id := range t.st.poolsOf[n.ID] {
		t.st.dirty.backends[id] = struct{}{}
	}
	return nil
}

func (t *tx) hasChildren(lb model.LoadBalancerID) bool {
	for id := range t.st.listenersOf[lb] {
		if t.st.listeners[id].Provisioning != model.PendingDelete {
			return true
		}
	}
	for id := range t.st.poolsOf[lb] {
		if t.st.pools[id].Provisioning != model.PendingDelete {
			return true
		}
	}
	return false
}

// invalidState is how changes to a load balancer itself are refused; for
// changes below it see lock.
func invalidState(lb *model.LoadBalancer) error {
	return Errorf(Conflict, "Invalid state %s of loadbalancer resource %s", lb.Provisioning, lb.ID)
}

// removeLoadBalancer drops a load balancer, all below it, and its VIP port.
func (t *tx) removeLoadBalancer(lb *model.LoadBalancer) {
	for _, l := range t.st.ListenersOf(lb.ID) {
		t.removeListener(l)
	}
	for _, p := range t.st.PoolsOf(lb.ID) {
		t.removePool(p)
	}
	t.st.dropLoadBalancer(lb)
	port := t.st.ports[lb.VIP.Port]
	if port.DeviceOwner == model.OwnerVIP { // lbd made it
		t.removePort(port)
		return
	}
	n := *port
	n.DeviceID = ""
	t.changed(&n.Record)
	t.st.putPort(&n)
}

// removePool drops a pool with its members and monitor and takes it from the
// listeners whose default it was. Policies still lead to it only when they are
// on their way out themselves.
func (t *tx) removePool(p *model.Pool) {
	for _, m := range t.st.MembersOf(p.ID) {
		t.st.dropMember(m)
	}
	if m, ok := t.st.MonitorOf(p.ID); ok {
		t.st.dropMonitor(m)
	}
	for _, l := range t.st.listenersByDefault(p.ID) {
		n := *l
		n.DefaultPool = ""
		n.Updated, n.Revision = t.at, t.index
		t.st.putListener(&n)
	}
	for _, l7 := range t.st.PoliciesTo(p.ID) {
		n := *l7
		n.RedirectPool = ""
		t.st.putL7Policy(&n)
	}
	t.st.dropPool(p)
}
