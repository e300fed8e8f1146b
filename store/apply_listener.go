package store

import (
	"net/netip"
	"strings"

	"lbd/store/model"
)

func (t *tx) listenerCreate(p *model.Listener) error {
	lb, ok := t.st.loadBalancers[p.LoadBalancer]
	if !ok {
		return notFound("Load Balancer", p.LoadBalancer)
	}
	if err := t.charge(lb.Project, model.QuotaListener, 1); err != nil {
		return err
	}
	if err := t.checkDefaultPool(p, p.DefaultPool); err != nil {
		return err
	}
	if err := lock(lb); err != nil {
		return err
	}
	if err := fresh(t.st.listeners, p.ID); err != nil {
		return err
	}
	// One being deleted still holds its socket, so it counts (contract 4.5).
	if id, ok := t.st.listenerAt[keyOfListener(p)]; ok {
		return portTaken(t.st.listeners[id].Protocol, p.Port)
	}
	if err := checkCIDRs(lb, p.AllowedCIDRs); err != nil {
		return err
	}
	if err := t.checkListenerTLS(p.Protocol, p.TLS); err != nil {
		return err
	}

	n := *p
	t.born(&n.Base, lb.Project)
	t.st.putListener(&n)
	t.markLoadBalancer(lb.ID)
	return nil
}

func portTaken(by model.Protocol, port uint16) error {
	return Errorf(Conflict, "Another Listener on this Load Balancer is already using protocol %s and protocol_port %d", by, port)
}

func (t *tx) listenerUpdate(p *ListenerPatch) error {
	old, ok := t.st.listeners[p.ID]
	if !ok {
		return notFound("Listener", p.ID)
	}
	lb := t.st.loadBalancers[old.LoadBalancer]
	if p.DefaultPool != nil && *p.DefaultPool != old.DefaultPool {
		if err := t.checkDefaultPool(old, *p.DefaultPool); err != nil {
			return err
		}
	}
	if err := lockChild(lb, &old.Base); err != nil {
		return err
	}
	if p.AllowedCIDRs != nil {
		if err := checkCIDRs(lb, *p.AllowedCIDRs); err != nil {
			return err
		}
	}
	tls := old.TLS
	if p.TLS != nil {
		tls = p.TLS.on(old.TLS)
		if err := t.checkListenerTLS(old.Protocol, tls); err != nil {
			return err
		}
	}

	n := *old
	n.TLS = tls
	set(&n.Name, p.Name)
	set(&n.Description, p.Description)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	set(&n.ConnectionLimit, p.ConnectionLimit)
	set(&n.DefaultPool, p.DefaultPool)
	set(&n.InsertHeaders, p.InsertHeaders)
	set(&n.TimeoutClientData, p.TimeoutClientData)
	set(&n.TimeoutMemberConnect, p.TimeoutMemberConnect)
	set(&n.TimeoutMemberData, p.TimeoutMemberData)
	set(&n.TimeoutTCPInspect, p.TimeoutTCPInspect)
	set(&n.AllowedCIDRs, p.AllowedCIDRs)
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putListener(&n)
	t.markLoadBalancer(lb.ID)
	return nil
}

func (t *tx) listenerDelete(p *ListenerRef) error {
	old, ok := t.st.listeners[p.ID]
	if !ok {
		return notFound("Listener", p.ID)
	}
	if err := lockChild(t.st.loadBalancers[old.LoadBalancer], &old.Base); err != nil {
		return err
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putListener(&n)
	t.markLoadBalancer(n.LoadBalancer)
	return nil
}

// checkDefaultPool checks that l may use pool ("" is always fine): it must be
// of the same load balancer, stay, and speak a protocol of contract 4.1.
func (t *tx) checkDefaultPool(l *model.Listener, pool model.PoolID) error {
	if pool == "" {
		return nil
	}
	if l.Protocol == model.Prometheus {
		return Errorf(Invalid, "Protocol PROMETHEUS listeners cannot have child objects.")
	}
	p, ok := t.st.pools[pool]
	if !ok || p.LoadBalancer != l.LoadBalancer {
		return notFound("Pool", pool)
	}
	if err := lockInside("Pool", p.ID, &p.Base); err != nil {
		return err
	}
	return CheckProtocols(l.Protocol, p.Protocol)
}

// CheckProtocols refuses a pool protocol that a listener cannot use (contract 4.1).
func CheckProtocols(listener, pool model.Protocol) error {
	if !listener.Accepts(pool) {
		return invalidf("The pool protocol '%s' is invalid while the listener protocol is '%s'.", pool, listener)
	}
	return nil
}

// checkCIDRs wants every allowed network to be of the family of a VIP.
func checkCIDRs(lb *model.LoadBalancer, cidrs []netip.Prefix) error {
	if lb.OwnGroups && len(cidrs) > 0 {
		return invalidf("Allowed CIDRs are not allowed when using custom VIP Security Groups.")
	}
	vips := append([]model.VIP{lb.VIP}, lb.AdditionalVIPs...)
	for _, c := range cidrs {
		ok := false
		for _, v := range vips {
			ok = ok || v.Address.BitLen() == c.Addr().BitLen()
		}
		if ok {
			continue
		}
		var texts []string
		for _, v := range vips {
			texts = append(texts, "'"+v.String()+"'")
		}
		return invalidf("CIDR %s IP version incompatible with all VIPs [%s] IP version.", c, strings.Join(texts, ", "))
	}
	return nil
}
