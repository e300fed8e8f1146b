package store_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// Groups on the VIP port lbd made limit its listeners, and follow every change
// of rules, groups and the ports of remote groups.
func TestSecurityGroupsLimitSources(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.ListenerCreate, listener("l1", "lb1", 80))
	restricted := listener("l2", "lb1", 443)
	restricted.AllowedCIDRs = prefixes("192.0.2.0/24", "198.51.100.7/32")
	c.ok(store.ListenerCreate, restricted)
	group := func(id string) {
		c.ok(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{Group: model.SecurityGroup{ID: model.SecurityGroupID(id)}})
	}
	want := func(what string, l1, l2 []netip.Prefix) {
		t.Helper()
		ls := c.s.Config().Services[0].Listeners
		if d := cmp.Diff([][]netip.Prefix{l1, l2}, [][]netip.Prefix{ls[0].AllowedCIDRs, ls[1].AllowedCIDRs}, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	nobody := prefixes("0.0.0.0/32")
	own := restricted.AllowedCIDRs
	want("no groups", nil, own)

	group("g")
	group("others")
	c.ok(store.PortUpdate, &store.PortPatch{ID: "vip-lb1", SecurityGroups: &[]model.SecurityGroupID{"g"}})
	want("a group without rules", nobody, nobody)
	rule := func(r model.SecurityGroupRule) {
		r.Group = "g"
		c.ok(store.SecurityGroupRuleCreate, &r)
	}
	rule(model.SecurityGroupRule{ID: "egress", Egress: true})
	rule(model.SecurityGroupRule{ID: "udp", Protocol: "udp"})
	rule(model.SecurityGroupRule{ID: "low", Protocol: "tcp", PortMin: ptr(1), PortMax: ptr(79)})
	want("rules for others", nobody, nobody)
	rule(model.SecurityGroupRule{ID: "web", Protocol: "tcp", PortMin: ptr(80), PortMax: ptr(80), RemotePrefix: prefixes("203.0.113.0/24")[0]})
	want("one port", prefixes("203.0.113.0/24"), nobody)
	rule(model.SecurityGroupRule{ID: "wide", Protocol: "6", RemotePrefix: prefixes("192.0.0.0/16")[0]})
	want("cut down to the listener's own", prefixes("203.0.113.0/24", "192.0.0.0/16"), prefixes("192.0.2.0/24"))
	c.ok(store.SecurityGroupRuleDelete, &store.SecurityGroupRuleRef{ID: "wide"})
	rule(model.SecurityGroupRule{ID: "friends", RemoteGroup: "others"})
	want("an empty remote group", prefixes("203.0.113.0/24"), nobody)
	c.ok(store.PortCreate, &model.Port{
		ID: "friend", Network: "net", SecurityGroups: []model.SecurityGroupID{"others"}, FixedIPs: []model.FixedIP{{Address: addr("10.0.0.77")}},
		AddressPairs: []model.AddressPair{{Address: prefixes("198.51.100.0/24")[0]}},
	})
	want("a port of the remote group", prefixes("203.0.113.0/24", "10.0.0.77/32", "198.51.100.0/24"), prefixes("198.51.100.7/32"))
	c.ok(store.PortDelete, &store.PortRef{ID: "friend"})
	want("the port is gone", prefixes("203.0.113.0/24"), nobody)
	rule(model.SecurityGroupRule{ID: "any"})
	rule(model.SecurityGroupRule{ID: "any6", IPv6: true})
	want("everybody", prefixes("203.0.113.0/24", "0.0.0.0/0", "::/0"), own)
	c.ok(store.PortUpdate, &store.PortPatch{ID: "vip-lb1", SecurityGroups: &[]model.SecurityGroupID{}})
	want("no groups again", nil, own)
}

// A port that a client brought along has its project's default group without
// anybody's asking; that must not close a load balancer.
func TestBroughtPortIsNotFiltered(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{Group: model.SecurityGroup{ID: "g", Default: true}})
	c.ok(store.PortCreate, &model.Port{ID: "mine", Network: "net", SecurityGroups: []model.SecurityGroupID{"g"}})
	p := lb("lb1")
	p.LoadBalancer.VIP = model.VIP{Port: "mine", Subnet: "sub"}
	c.ok(store.LoadBalancerCreate, p)
	c.ok(store.ListenerCreate, listener("l1", "lb1", 80))
	if got := c.s.Config().Services[0].Listeners[0].AllowedCIDRs; len(got) != 0 {
		t.Errorf("allowed: %v", got)
	}
}

func TestPortUpdates(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.PortCreate, &model.Port{ID: "p", Network: "net", FixedIPs: []model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.5")}}})
	c.ok(store.PortUpdate, &store.PortPatch{ID: "p", FixedIPs: &[]model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.5")}, {Subnet: "sub", Address: addr("10.0.0.8")}}})
	c.refused(store.PortUpdate, &store.PortPatch{ID: "p", FixedIPs: &[]model.FixedIP{{Address: addr("10.0.0.9")}, {Address: addr("10.0.0.9")}}}, store.Invalid,
		"Invalid input for fixed_ips. Reason: Duplicate IP address '10.0.0.9'.")
	c.refused(store.PortUpdate, &store.PortPatch{ID: "p", DeviceOwner: ptr("network:router_interface")}, store.Invalid,
		"Invalid input for device_owner: network:router_interface is reserved for ports that a router makes.")
	c.refused(store.PortUpdate, &store.PortPatch{ID: "p", SecurityGroups: &[]model.SecurityGroupID{"x"}}, store.NotFound, "Security group x does not exist")
	taken := "Unable to complete operation on port vip-lb1 for network net. Port already has an attached device lb-lb1."
	c.refused(store.PortUpdate, &store.PortPatch{ID: "vip-lb1", FixedIPs: &[]model.FixedIP{}}, store.Conflict, taken)
	c.refused(store.PortUpdate, &store.PortPatch{ID: "vip-lb1", DeviceID: ptr("")}, store.Conflict, taken)
	c.ok(store.PortUpdate, &store.PortPatch{ID: "p", FixedIPs: &[]model.FixedIP{{Address: addr("10.0.0.8")}}})
	c.ok(store.PortCreate, &model.Port{ID: "q", Network: "net", FixedIPs: []model.FixedIP{{Address: addr("10.0.0.5")}}})
}

// vip_sg_ids are the groups of the VIP port, whoever made it: they limit, they are
// shown on the port, and they go when they are taken away.
func TestOwnGroupsOfALoadBalancer(t *testing.T) {
	for _, brought := range []bool{false, true} {
		c := newCluster(t)
		c.networks()
		c.ok(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{
			Group: model.SecurityGroup{ID: "g"},
			Rules: []model.SecurityGroupRule{{ID: "r", Group: "g", Protocol: "tcp", RemotePrefix: prefixes("203.0.113.0/24")[0]}},
		})
		c.ok(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{Group: model.SecurityGroup{ID: "default", Default: true}})
		p, port := lb("lb1"), model.PortID("vip-lb1")
		if brought {
			port = "mine"
			c.ok(store.PortCreate, &model.Port{ID: port, Network: "net", SecurityGroups: []model.SecurityGroupID{"default"}})
			p.LoadBalancer.VIP = model.VIP{Port: port, Subnet: "sub"}
		}
		bad := *p
		bad.Groups = []model.SecurityGroupID{"g", "none"}
		c.refused(store.LoadBalancerCreate, &bad, store.Invalid, "Security Group none not found.")
		p.Groups = []model.SecurityGroupID{"g"}
		c.ok(store.LoadBalancerCreate, p)
		c.ok(store.ListenerCreate, listener("l1", "lb1", 80))
		want := func(what string, own bool, groups []model.SecurityGroupID, allowed []netip.Prefix) {
			t.Helper()
			var got []model.SecurityGroupID
			isOwn := false
			c.read(func(st *store.State) {
				x, _ := st.Port(port)
				l, _ := st.LoadBalancer("lb1")
				got, isOwn = x.SecurityGroups, l.OwnGroups
			})
			from := c.s.Config().Services[0].Listeners[0].AllowedCIDRs
			if isOwn != own || !slices.Equal(got, groups) || !slices.Equal(from, allowed) {
				t.Errorf("brought %v, %s: own %v, groups %v, allowed %v", brought, what, isOwn, got, from)
			}
		}
		want("given at the creation", true, []model.SecurityGroupID{"g"}, prefixes("203.0.113.0/24"))
		c.refused(store.SecurityGroupDelete, &store.SecurityGroupRef{ID: "g"}, store.Conflict, "Security Group g in use.")
		closed := listener("l2", "lb1", 81)
		closed.AllowedCIDRs = prefixes("192.0.2.0/24")
		c.refused(store.ListenerCreate, closed, store.Invalid, "Validation failure: Allowed CIDRs are not allowed when using custom VIP Security Groups.")
		c.refused(store.ListenerUpdate, &store.ListenerPatch{ID: "l1", AllowedCIDRs: &closed.AllowedCIDRs}, store.Invalid,
			"Validation failure: Allowed CIDRs are not allowed when using custom VIP Security Groups.")
		c.ok(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb1", Name: ptr("n")})
		want("left alone", true, []model.SecurityGroupID{"g"}, prefixes("203.0.113.0/24"))
		c.refused(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb1", Groups: &[]model.SecurityGroupID{"none"}}, store.Invalid, "Security Group none not found.")
		c.ok(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb1", Groups: &[]model.SecurityGroupID{"default"}})
		want("replaced by one without rules", true, []model.SecurityGroupID{"default"}, prefixes("0.0.0.0/32"))
		c.ok(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb1", Groups: &[]model.SecurityGroupID{}})
		want("taken away", false, nil, nil)
		c.ok(store.ListenerUpdate, &store.ListenerPatch{ID: "l1", AllowedCIDRs: &closed.AllowedCIDRs})
		c.ok(store.PortUpdate, &store.PortPatch{ID: port, SecurityGroups: &[]model.SecurityGroupID{"g"}})
		c.ok(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb1", Groups: &[]model.SecurityGroupID{}})
		limited := prefixes("192.0.2.0/24")
		if !brought { // decision 0016: groups put on the port itself count, cut down to the listener's own
			limited = prefixes("0.0.0.0/32")
		}
		want("groups of the port's owner are left alone", false, []model.SecurityGroupID{"g"}, limited)
	}
}
