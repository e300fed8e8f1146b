package store

import "lbd/store/model"

func (st *State) putNetwork(n *model.Network) { st.networks[n.ID] = n }

func (st *State) dropNetwork(old *model.Network) { delete(st.networks, old.ID) }

func (st *State) putSubnet(n *model.Subnet) {
	st.subnets[n.ID] = n // its network never changes
	st.subnetsOf.add(n.Network, n.ID)
	delete(st.searchAt, n.ID) // a gateway may have become free
}

func (st *State) dropSubnet(old *model.Subnet) {
	st.subnetsOf.remove(old.Network, old.ID)
	delete(st.searchAt, old.ID)
	delete(st.subnets, old.ID)
}

func (st *State) putPort(n *model.Port) {
	for _, f := range n.FixedIPs {
		st.take(f.Address)
	}
	if old, ok := st.ports[n.ID]; ok {
		st.unindexPort(old)
	}
	st.ports[n.ID] = n
	st.portsOn.add(n.Network, n.ID)
	if n.DeviceID != "" {
		st.portsOf.add(n.DeviceID, n.ID)
	}
	for _, g := range n.SecurityGroups {
		st.portsUnder.add(g, n.ID)
	}
	for _, f := range n.FixedIPs {
		st.portsIn.add(f.Subnet, n.ID)
		st.portAt[networkAddr{n.Network, f.Address}] = n.ID
		if n.DeviceOwner == model.OwnerRouterInterface {
			st.routersIn.add(f.Subnet, model.RouterID(n.DeviceID))
		}
	}
}

func (st *State) dropPort(old *model.Port) {
	st.unindexPort(old)
	delete(st.ports, old.ID)
}

func (st *State) unindexPort(old *model.Port) {
	st.portsOn.remove(old.Network, old.ID)
	if old.DeviceID != "" {
		st.portsOf.remove(old.DeviceID, old.ID)
	}
	for _, g := range old.SecurityGroups {
		st.portsUnder.remove(g, old.ID)
	}
	for _, f := range old.FixedIPs {
		st.portsIn.remove(f.Subnet, old.ID)
		delete(st.portAt, networkAddr{old.Network, f.Address})
		if old.DeviceOwner == model.OwnerRouterInterface {
			// Attach admits one interface per router and subnet.
			st.routersIn.remove(f.Subnet, model.RouterID(old.DeviceID))
		}
		st.release(f.Address)
	}
}

func (st *State) putRouter(n *model.Router) {
	if old, ok := st.routers[n.ID]; ok && old.External != "" {
		st.routersTo.remove(old.External, n.ID)
	}
	st.routers[n.ID] = n
	if n.External != "" {
		st.routersTo.add(n.External, n.ID)
	}
}

func (st *State) dropRouter(old *model.Router) {
	if old.External != "" {
		st.routersTo.remove(old.External, old.ID)
	}
	delete(st.routers, old.ID)
}

func (st *State) putFloatingIP(n *model.FloatingIP) {
	st.take(n.Address)
	if old, ok := st.floatingIPs[n.ID]; ok {
		st.unindexFloatingIP(old)
	}
	st.floatingIPs[n.ID] = n
	st.serviceAddrs[n.Address] = string(n.ID)
	st.floatingOn.add(n.Network, n.ID)
	st.floatingIn.add(n.Subnet, n.ID)
	if n.Port != "" {
		st.floatingOf.add(n.Port, n.ID)
	}
	if n.Router != "" {
		st.floatingBy.add(n.Router, n.ID)
	}
}

func (st *State) dropFloatingIP(old *model.FloatingIP) {
	st.unindexFloatingIP(old)
	delete(st.floatingIPs, old.ID)
}

func (st *State) unindexFloatingIP(old *model.FloatingIP) {
	delete(st.serviceAddrs, old.Address)
	st.floatingOn.remove(old.Network, old.ID)
	st.floatingIn.remove(old.Subnet, old.ID)
	if old.Port != "" {
		st.floatingOf.remove(old.Port, old.ID)
	}
	if old.Router != "" {
		st.floatingBy.remove(old.Router, old.ID)
	}
	st.release(old.Address)
}

func (st *State) putNode(n *model.Node) {
	for _, p := range n.Addresses {
		st.take(p.Addr())
	}
	if old, ok := st.nodes[n.ID]; ok {
		st.unindexNode(old)
	}
	st.nodes[n.ID] = n
	for _, p := range n.Addresses {
		st.nodeAddrs[p.Addr().Unmap()]++
	}
}

func (st *State) dropNode(old *model.Node) {
	st.unindexNode(old)
	st.restoreAmphorae(old.ID)
	delete(st.nodes, old.ID)
}

func (st *State) unindexNode(old *model.Node) {
	for _, p := range old.Addresses {
		a := p.Addr().Unmap()
		if st.nodeAddrs[a]--; st.nodeAddrs[a] <= 0 {
			delete(st.nodeAddrs, a)
		}
		st.release(a)
	}
}
