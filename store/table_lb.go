package store

import "lbd/store/model"

// put stores a new version of an entity and drop removes one; both keep the
// indexes. They check nothing: that is apply's part.

func (st *State) putLoadBalancer(n *model.LoadBalancer) {
	if old, ok := st.loadBalancers[n.ID]; ok {
		st.unindexLoadBalancer(old)
	} else {
		st.count(n.Project, model.QuotaLoadBalancer, 1)
	}
	st.loadBalancersByAge.put(st.loadBalancers[n.ID], n)
	st.loadBalancers[n.ID] = n
	st.loadBalancing[n.VIP.Port] = n.ID
	st.serviceAddrs[n.VIP.Address] = string(n.ID)
	for _, v := range n.AdditionalVIPs {
		st.serviceAddrs[v.Address] = string(n.ID)
	}
	if n.Flavor != "" {
		st.flavoredLoads.add(n.Flavor, n.ID)
	}
	if n.AvailabilityZone != "" {
		st.zonedLoads.add(n.AvailabilityZone, n.ID)
	}
	st.track(ref{nounLoadBalancer, string(n.ID)}, n.Pending)
}

func (st *State) dropLoadBalancer(old *model.LoadBalancer) {
	st.count(old.Project, model.QuotaLoadBalancer, -1)
	st.unindexLoadBalancer(old)
	st.track(ref{nounLoadBalancer, string(old.ID)}, 0)
	st.loadBalancersByAge.drop(old)
	delete(st.loadBalancers, old.ID)
	delete(st.spreadPlaces, old.ID)
	st.dropDismissals(old.ID)
}

func (st *State) unindexLoadBalancer(old *model.LoadBalancer) {
	if old.Flavor != "" {
		st.flavoredLoads.remove(old.Flavor, old.ID)
	}
	if old.AvailabilityZone != "" {
		st.zonedLoads.remove(old.AvailabilityZone, old.ID)
	}
	delete(st.loadBalancing, old.VIP.Port)
	delete(st.serviceAddrs, old.VIP.Address)
	for _, v := range old.AdditionalVIPs {
		delete(st.serviceAddrs, v.Address)
	}
}

func (st *State) putListener(n *model.Listener) {
	if old, ok := st.listeners[n.ID]; ok {
		st.unindexListener(old)
	} else {
		st.count(n.Project, model.QuotaListener, 1)
	}
	st.listenersByAge.put(st.listeners[n.ID], n)
	st.listeners[n.ID] = n
	st.listenersOf.add(n.LoadBalancer, n.ID)
	st.listenerAt[keyOfListener(n)] = n.ID
	if n.DefaultPool != "" {
		st.listenersUsing.add(n.DefaultPool, n.ID)
	}
	st.useKeys(ref{nounListener, string(n.ID)}, n.TLS.Refs())
	st.track(ref{nounListener, string(n.ID)}, n.Pending)
}

func (st *State) dropListener(old *model.Listener) {
	st.count(old.Project, model.QuotaListener, -1)
	st.unindexListener(old)
	st.track(ref{nounListener, string(old.ID)}, 0)
	st.listenersByAge.drop(old)
	delete(st.listeners, old.ID)
}

func (st *State) unindexListener(old *model.Listener) {
	st.listenersOf.remove(old.LoadBalancer, old.ID)
	delete(st.listenerAt, keyOfListener(old))
	if old.DefaultPool != "" {
		st.listenersUsing.remove(old.DefaultPool, old.ID)
	}
	st.freeKeys(ref{nounListener, string(old.ID)}, old.TLS.Refs())
}

func keyOfListener(l *model.Listener) listenerKey {
	return listenerKey{l.LoadBalancer, l.Protocol.Transport(), l.Port}
}

func (st *State) putPool(n *model.Pool) {
	if old, ok := st.pools[n.ID]; ok {
		st.freeKeys(ref{nounPool, string(old.ID)}, old.TLS.Refs())
	} else {
		st.count(n.Project, model.QuotaPool, 1)
	}
	st.poolsByAge.put(st.pools[n.ID], n)
	st.pools[n.ID] = n // its load balancer never changes
	st.poolsOf.add(n.LoadBalancer, n.ID)
	st.useKeys(ref{nounPool, string(n.ID)}, n.TLS.Refs())
	st.track(ref{nounPool, string(n.ID)}, n.Pending)
}

func (st *State) dropPool(old *model.Pool) {
	st.count(old.Project, model.QuotaPool, -1)
	st.poolsOf.remove(old.LoadBalancer, old.ID)
	st.freeKeys(ref{nounPool, string(old.ID)}, old.TLS.Refs())
	st.track(ref{nounPool, string(old.ID)}, 0)
	st.poolsByAge.drop(old)
	delete(st.pools, old.ID)
	st.dirty.backends[old.ID] = struct{}{} // frees what Config cached
}

func (st *State) putMember(n *model.Member) {
	// Taken before the old version is given back, so that an unchanged address
	// never counts as freed in between.
	st.take(n.Address, n.MonitorAddress)
	if old, ok := st.members[n.ID]; ok {
		st.unindexMember(old)
		if old.Pool != n.Pool || addrPortOf(old) != addrPortOf(n) {
			st.strike(old)
		}
	} else {
		st.count(n.Project, model.QuotaMember, 1)
	}
	// What all members of a pool have in common is kept once.
	if p, ok := st.pools[n.Pool]; ok {
		n.Pool = p.ID
		if n.Project == p.Project {
			n.Project = p.Project
		}
	}
	st.members[n.ID] = n
	st.membersOf[n.Pool] = st.membersOf[n.Pool].put(n)
	if n.Subnet != "" {
		st.membersIn.add(n.Subnet, n.ID)
	}
	st.track(ref{nounMember, string(n.ID)}, n.Pending)
}

func (st *State) dropMember(old *model.Member) {
	st.count(old.Project, model.QuotaMember, -1)
	st.unindexMember(old)
	st.strike(old)
	st.track(ref{nounMember, string(old.ID)}, 0)
	delete(st.members, old.ID)
}

func (st *State) unindexMember(old *model.Member) {
	if old.Subnet != "" {
		st.membersIn.remove(old.Subnet, old.ID)
	}
	st.release(old.Address, old.MonitorAddress)
}

// strike takes a member from the roster of its pool.
func (st *State) strike(old *model.Member) {
	if r := st.membersOf[old.Pool].drop(old); len(r) > 0 {
		st.membersOf[old.Pool] = r
	} else {
		delete(st.membersOf, old.Pool)
	}
}

func (st *State) putMonitor(n *model.HealthMonitor) {
	if _, ok := st.monitors[n.ID]; !ok {
		st.count(n.Project, model.QuotaHealthMonitor, 1)
	}
	st.monitors[n.ID] = n // its pool never changes
	st.monitorOf[n.Pool] = n.ID
	st.track(ref{nounMonitor, string(n.ID)}, n.Pending)
}

func (st *State) dropMonitor(old *model.HealthMonitor) {
	st.count(old.Project, model.QuotaHealthMonitor, -1)
	delete(st.monitorOf, old.Pool)
	st.track(ref{nounMonitor, string(old.ID)}, 0)
	delete(st.monitors, old.ID)
}

func (st *State) track(r ref, pending uint64) {
	if pending == 0 {
		delete(st.pending, r)
		return
	}
	st.pending[r] = pending
}
