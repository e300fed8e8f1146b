package vrrp

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// resync repairs what others changed behind our back, and tries again what
// failed.
func (k *keeper) resync() {
	ours, others, err := k.addrs.List()
	if err != nil {
		k.log.Warn("addresses of this machine unknown", "err", err)
		return
	}
	k.others = others
	if len(k.held) > 0 {
		if err := k.addrs.up(); err != nil {
			k.log.Warn("device of the VIPs", "err", err)
		}
	}
	for a, h := range k.held {
		if h.on && !ours[a] {
			k.log.Warn("somebody removed a VIP, it comes back", "vip", a)
			h.on = false
			k.held[a] = h
		}
	}
	for a := range k.want {
		if dev, taken := others[a]; taken {
			k.problems[a] = fmt.Sprintf("the address is on %s as well, put there by somebody else", dev)
		} else if k.held[a].on {
			delete(k.problems, a)
		}
	}
	k.queue()
}

// linksChanged puts the gate on the links there are now, and announces on those
// that came up.
func (k *keeper) linksChanged(before map[string]linkInfo) {
	k.guard()
	for name, l := range k.links() {
		if l.up && !before[name].up {
			k.out.again(name)
		}
	}
	k.queue()
}

// guard puts the gate on all links, for the kernel answers on all; when there
// are too many, on those that carry VIPs first.
func (k *keeper) guard() {
	links := k.links()
	var carry, rest []int
	for _, l := range k.want {
		if i := links[l].index; i != 0 && links[l].gated && !slices.Contains(carry, i) {
			carry = append(carry, i)
		}
	}
	for _, l := range links {
		if l.gated && !slices.Contains(carry, l.index) {
			rest = append(rest, l.index)
		}
	}
	slices.Sort(rest)
	all := append(carry, rest...)
	if len(all) > maxLinks {
		k.log.Error("too many links for the gate", "links", len(all), "limit", maxLinks)
		all = all[:maxLinks]
	}
	if err := k.gate.Guard(all); err != nil {
		k.log.Error("gate", "err", err)
	}
}

// claimedBy notes another machine's claim and defends ours.
func (k *keeper) claimedBy(f Foreign) {
	if f.Kind == "vrrp" {
		k.foreignAdverts++
	} else {
		k.foreignClaims++
	}
	key := fmt.Sprint(f.Kind, f.Addr, f.MAC, f.Link, f.VRID)
	old, known := k.foreign[key]
	if !known && len(k.foreign) >= maxForeign {
		return
	}
	if !known {
		k.log.Error("another machine claims what we hold", "kind", f.Kind, "vip", f.Addr, "mac", f.MAC, "link", f.Link, "vrid", f.VRID)
	}
	f.Count = old.Count + 1
	k.foreign[key] = f
	switch {
	case f.Kind == "vrrp":
		k.queue() // a virtual hardware address may have to be left to him
	case k.open():
		k.out.defend(f.Addr)
	}
}

// report is the state as it is.
func (k *keeper) report() Report {
	r := Report{Seq: k.done, Term: k.order.Term, Deadline: k.deadline.Load(), Since: k.since}
	r.ForeignAdverts, r.ForeignClaims = k.foreignAdverts, k.foreignClaims
	virtual := map[VirtualMAC]bool{}
	if k.open() {
		for a, h := range k.held {
			if h.on {
				r.Holding = append(r.Holding, a)
				if h.as != (hwAddr{}) {
					virtual[VirtualMAC{h.link, a.Is6(), h.as.String()}] = true
				}
			}
		}
		slices.SortFunc(r.Holding, netip.Addr.Compare)
	} else {
		r.Deadline, r.Since = 0, time.Time{}
	}
	if k.gateErr != "" {
		r.Problems = append(r.Problems, Problem{Reason: k.gateErr})
	}
	for a, why := range k.problems {
		r.Problems = append(r.Problems, Problem{a, why})
	}
	for key, f := range k.foreign {
		if time.Since(f.Seen) > foreignFor {
			delete(k.foreign, key)
			continue
		}
		r.Foreign = append(r.Foreign, f)
		why := fmt.Sprintf("%s is answered by %s on %s as well", f.Addr, f.MAC, f.Link)
		if f.Kind == "vrrp" {
			why = fmt.Sprintf("a foreign VRRP router advertises VRID %d on %s", f.VRID, f.Link)
		}
		r.Problems = append(r.Problems, Problem{f.Addr, why})
	}
	slices.SortFunc(r.Problems, func(x, y Problem) int {
		return cmp.Or(x.Addr.Compare(y.Addr), cmp.Compare(x.Reason, y.Reason))
	})
	r.Problems = r.Problems[:min(len(r.Problems), maxProblems)]
	slices.SortFunc(r.Foreign, func(x, y Foreign) int {
		return cmp.Or(x.Addr.Compare(y.Addr), cmp.Compare(x.MAC, y.MAC), cmp.Compare(x.Link, y.Link))
	})
	r.Virtual = slices.SortedFunc(maps.Keys(virtual), func(x, y VirtualMAC) int {
		return cmp.Or(cmp.Compare(x.Link, y.Link), cmp.Compare(b2i(x.IPv6), b2i(y.IPv6)))
	})
	r.Virtual = r.Virtual[:min(len(r.Virtual), maxRouters)]
	links := k.links()
	down := map[string]bool{}
	for _, l := range k.want {
		if !links[l].up {
			down[l] = true
		}
	}
	r.LinksDown = slices.Sorted(maps.Keys(down))
	return r
}
