package app

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"lbd/store/model"
	"lbd/vrrp"
)

// findAgain is the pause after the links could not be read.
const findAgain = 100 * time.Millisecond

// vipsOf lists every address this node would answer for, with the link that
// carries it, and tells whose it is. An address that no link can carry becomes a
// failure of its load balancer.
func vipsOf(c *model.Config, links vrrp.Links, fallback string) (vips []vrrp.VIP, of map[netip.Addr]model.LoadBalancerID, failures []model.Failure) {
	of = map[netip.Addr]model.LoadBalancerID{}
	for _, s := range c.Services {
		if !s.LoadBalancer.AdminStateUp {
			continue
		}
		for i, addr := range s.Addresses {
			if _, seen := of[addr]; seen || addr.IsLoopback() { // loopback addresses need nobody to hold them
				continue
			}
			link, err := links.For(addr, s.Prefixes[i], fallback)
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

// find keeps what is to be held equal to the configuration until ctx ends. It is not
// the business of the goroutine that renews the lease, because the kernel may take its
// time to say which links there are.
func (r *roles) find(ctx context.Context) {
	watch := r.src.st.Watch()
	defer watch.Close()
	for {
		var again <-chan time.Time
		if err := r.findVIPs(); err != nil {
			r.log.Error("the VIPs are as they were", "err", err)
			again = time.After(findAgain)
		}
		signal(r.wake)
		select {
		case <-watch.C():
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// findVIPs reads anew what is to be held, and where. After an error it is as it was.
func (r *roles) findVIPs() error {
	if r.holder == nil {
		return nil
	}
	links, err := vrrp.ListLinks()
	if err != nil {
		return err
	}
	vips, of, failures := vipsOf(r.src.Current(), links, r.iface)
	all := &lbSet{has: make(map[model.LoadBalancerID]bool)}
	for _, lb := range of {
		all.has[lb] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held, r.of, r.all, r.failures, r.found = vips, of, all, failures, true
	return nil
}

// currentVIPs is what this node would hold if it were active, sorted; known is
// false until it was looked up for the first time.
func (r *roles) currentVIPs() (vips []vrrp.VIP, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held, r.found
}

// vipFailures are the load balancers whose addresses no link can carry.
func (r *roles) vipFailures() []model.Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures
}
