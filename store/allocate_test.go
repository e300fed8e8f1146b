package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// Whatever is known to use an address keeps it from being handed out.
func TestAllocationSkipsWhatIsKnown(t *testing.T) {
	c := newCluster(t)
	c.ok(store.NetworkCreate, &model.Network{ID: "net"})
	sn := subnet("sub", "net", "10.0.0.0/28", "10.0.0.14")
	c.ok(store.SubnetCreate, sn)
	c.ok(store.NodePut, &model.Node{ID: "n1", Name: "n1", Addresses: prefixes("10.0.0.13/28")})
	c.ok(store.PortCreate, &model.Port{ID: "p", Network: "net", FixedIPs: []model.FixedIP{{Address: addr("10.0.0.12")}}})
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.PoolCreate, pool("pool1", "lb1", ""))
	m := member("m", "pool1", "10.0.0.10")
	m.MonitorAddress = addr("10.0.0.9")
	c.ok(store.MemberCreate, m)
	c.ok(store.LoadBalancerCreate, lb("lb2"))
	if d := cmp.Diff([]string{"10.0.0.11", "10.0.0.8"}, []string{vipOf(c, "lb1"), vipOf(c, "lb2")}); d != "" {
		t.Error(d)
	}

	// What becomes free is found again, whoever had it.
	next := func() string {
		t.Helper()
		c.ok(store.LoadBalancerCreate, lb("probe"))
		vip := vipOf(c, "probe")
		c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "probe"})
		c.settle()
		return vip
	}
	steps := []struct {
		free func()
		want string
	}{
		{func() {}, "10.0.0.7"},
		{func() {
			c.ok(store.MemberUpdate, &store.MemberPatch{ID: "m", Pool: "pool1", MonitorAddress: ptr(addr("10.0.0.10"))})
		}, "10.0.0.9"},
		{func() {
			c.ok(store.MemberDelete, &store.MemberRef{ID: "m", Pool: "pool1"})
			c.settle()
		}, "10.0.0.10"},
		{func() { c.ok(store.PortDelete, &store.PortRef{ID: "p"}) }, "10.0.0.12"},
		{func() { c.ok(store.NodePut, &model.Node{ID: "n1", Name: "n1"}) }, "10.0.0.13"},
	}
	for i, s := range steps {
		s.free()
		if got := next(); got != s.want {
			t.Errorf("step %d: %s, want %s", i, got, s.want)
		}
	}
}

func TestAllocationUsesPoolsHighestFirst(t *testing.T) {
	c := newCluster(t)
	c.ok(store.NetworkCreate, &model.Network{ID: "net"})
	sn := subnet("sub", "net", "10.0.0.0/24", "10.0.0.1")
	sn.Pools = []model.AddressRange{
		{Start: addr("10.0.0.50"), End: addr("10.0.0.51")},
		{Start: addr("10.0.0.200"), End: addr("10.0.0.201")},
		{Start: addr("10.0.0.100"), End: addr("10.0.0.100")},
	}
	c.ok(store.SubnetCreate, sn)
	var got []string
	for i := range 5 {
		id := fmt.Sprintf("lb%d", i)
		c.ok(store.LoadBalancerCreate, lb(id))
		got = append(got, vipOf(c, model.LoadBalancerID(id)))
	}
	if d := cmp.Diff([]string{"10.0.0.201", "10.0.0.200", "10.0.0.100", "10.0.0.51", "10.0.0.50"}, got); d != "" {
		t.Error(d)
	}
	c.refused(store.LoadBalancerCreate, lb("lb9"), store.Conflict,
		"The VIP IP address is already in use: No more IP addresses available on network net.")
}

// On a loopback network a node's own address may be asked for, but is not
// handed out.
func TestLoopback(t *testing.T) {
	c := newCluster(t)
	c.ok(store.NetworkCreate, &model.Network{ID: "net"})
	c.ok(store.SubnetCreate, subnet("sub", "net", "127.0.0.0/30", ""))
	c.ok(store.NodePut, &model.Node{ID: "n1", Name: "n1", Addresses: prefixes("127.0.0.2/8")})
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	asked := lb("lb2")
	asked.LoadBalancer.VIP.Address = addr("127.0.0.2")
	c.ok(store.LoadBalancerCreate, asked)
	if d := cmp.Diff([]string{"127.0.0.1", "127.0.0.2"}, []string{vipOf(c, "lb1"), vipOf(c, "lb2")}); d != "" {
		t.Error(d)
	}
}
