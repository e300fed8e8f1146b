package app

import (
	"net/netip"
	"slices"

	"lbd/store/model"
	"lbd/vrrp"
)

// vipsOf lists every address this node would answer for, with the link that
// carries it, and tells whose it is. An address that no link can carry becomes a
// failure of its load balancer.
func vipsOf(c *model.Config, fallback string) (vips []vrrp.VIP, of map[netip.Addr]model.LoadBalancerID, failures []model.Failure) {
	of = map[netip.Addr]model.LoadBalancerID{}
	for _, s := range c.Services {
		if !s.LoadBalancer.AdminStateUp {
			continue
		}
		for i, addr := range s.Addresses {
			if _, seen := of[addr]; seen || addr.IsLoopback() { // loopback addresses need nobody to hold them
				continue
			}
			link, err := vrrp.LinkFor(addr, s.Prefixes[i], fallback)
			if err != nil {
				failures = append(failures, model.Failure{Object: string(s.LoadBalancer.ID), Reason: "VIP " + addr.String() + ": " + err.Error()})
				continue
			}
			of[addr] = s.LoadBalancer.ID
			vips = append(vips, vrrp.VIP{Addr: addr, Link: link})
		}
	}
	slices.SortFunc(vips, func(a, b vrrp.VIP) int { return a.Addr.Compare(b.Addr) })
	return vips, of, failures
}
