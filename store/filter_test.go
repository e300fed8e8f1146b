package store_test

import (
	"net/netip"
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
