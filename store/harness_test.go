package store_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// cluster is a store with the indexes and times of a log.
type cluster struct {
	t     testing.TB
	s     *store.Store
	index uint64
}

func newCluster(t testing.TB) *cluster { return &cluster{t: t, s: store.New()} }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// at is the time of the entry with that index.
func at(index uint64) time.Time { return epoch.Add(time.Duration(index) * time.Second) }

// apply sends a command through its encoding, as the log does.
func (c *cluster) apply(kind store.CommandKind, payload any) error {
	c.t.Helper()
	c.index++
	b, err := store.Command{Kind: kind, At: at(c.index), Actor: "test", Payload: payload}.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd, err := store.Decode(b)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.s.Apply(c.index, cmd)
}

func (c *cluster) ok(kind store.CommandKind, payload any) {
	c.t.Helper()
	if err := c.apply(kind, payload); err != nil {
		c.t.Fatalf("%s: %v", kind, err)
	}
	if err := c.s.Verify(); err != nil {
		c.t.Fatalf("after %s: %v", kind, err)
	}
}

// refused expects a refusal that changes nothing.
func (c *cluster) refused(kind store.CommandKind, payload any, want store.Kind, message string) {
	c.t.Helper()
	before := c.s.Content()
	err := c.apply(kind, payload)
	if err == nil {
		c.t.Fatalf("%s is not refused, want %q", kind, message)
	}
	if store.KindOf(err) != want || err.Error() != message {
		c.t.Errorf("%s:\n got %s: %s\nwant %s: %s", kind, store.KindOf(err), err, want, message)
	}
	if !bytes.Equal(before, c.s.Content()) {
		c.t.Errorf("refused %s changed the state", kind)
	}
	if c.s.Index() != c.index {
		c.t.Errorf("index is %d, want %d", c.s.Index(), c.index)
	}
}

// settle ends everything pending.
func (c *cluster) settle(failures ...model.Failure) {
	c.t.Helper()
	c.ok(store.SettleKind, &store.Settle{Index: c.index, Failures: failures})
}

func (c *cluster) read(fn func(st *store.State)) { c.s.Read(fn) }

// status is the provisioning status of an object by its id, "gone" without one.
func (c *cluster) status(id string) model.Provisioning {
	s := model.Provisioning("gone")
	c.read(func(st *store.State) {
		if o, ok := st.LoadBalancer(model.LoadBalancerID(id)); ok {
			s = o.Provisioning
		}
		if o, ok := st.Listener(model.ListenerID(id)); ok {
			s = o.Provisioning
		}
		if o, ok := st.Pool(model.PoolID(id)); ok {
			s = o.Provisioning
		}
		if o, ok := st.Member(model.MemberID(id)); ok {
			s = o.Provisioning
		}
		if o, ok := st.HealthMonitor(model.HealthMonitorID(id)); ok {
			s = o.Provisioning
		}
		if o, ok := st.L7Policy(model.L7PolicyID(id)); ok {
			s = o.Provisioning
		}
		if o, ok := st.L7Rule(model.L7RuleID(id)); ok {
			s = o.Provisioning
		}
	})
	return s
}

func (c *cluster) statuses(want map[string]model.Provisioning) {
	c.t.Helper()
	for id, w := range want {
		if got := c.status(id); got != w {
			c.t.Errorf("%s is %s, want %s", id, got, w)
		}
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func ptr[T any](v T) *T { return &v }

// The networks of the walkthrough: net with private-subnet 10.0.0.0/24, ext
// with public-subnet 192.0.2.0/24, joined by router.
func (c *cluster) networks() {
	c.t.Helper()
	c.ok(store.NetworkCreate, &model.Network{ID: "net"})
	c.ok(store.SubnetCreate, subnet("sub", "net", "10.0.0.0/24", "10.0.0.1"))
	c.ok(store.NetworkCreate, &model.Network{ID: "ext", External: true})
	c.ok(store.SubnetCreate, subnet("pub", "ext", "192.0.2.0/24", "192.0.2.1"))
	c.ok(store.RouterCreate, &store.RouterCreatePayload{
		Router: model.Router{ID: "router", External: "ext"}, GatewayPort: model.Port{ID: "gw"},
	})
	c.ok(store.RouterAttach, &store.RouterAttachPayload{Router: "router", Subnet: "sub", Port: model.Port{ID: "if"}})
}

func subnet(id, network, cidr, gateway string) *model.Subnet {
	sn := &model.Subnet{ID: model.SubnetID(id), Network: model.NetworkID(network), CIDR: netip.MustParsePrefix(cidr)}
	if gateway != "" {
		sn.Gateway = addr(gateway)
	}
	return sn
}

// lb is the creation of a load balancer on subnet sub; its VIP port is vip-<id>.
func lb(id string) *store.LoadBalancerCreatePayload {
	return &store.LoadBalancerCreatePayload{
		LoadBalancer: model.LoadBalancer{
			ID:   model.LoadBalancerID(id),
			Base: model.Base{Project: "p", Name: id, AdminStateUp: true},
			VIP:  model.VIP{Subnet: "sub"},
		},
		NewPort: model.Port{ID: model.PortID("vip-" + id), MAC: "fa:16:3e:00:00:01"},
	}
}

func listener(id, lb string, port uint16) *model.Listener {
	return &model.Listener{
		ID: model.ListenerID(id), LoadBalancer: model.LoadBalancerID(lb),
		Base: model.Base{AdminStateUp: true}, Protocol: model.HTTP, Port: port, ConnectionLimit: -1,
	}
}

func pool(id, lb, listener string) *store.PoolCreatePayload {
	return &store.PoolCreatePayload{
		Pool: model.Pool{
			ID: model.PoolID(id), LoadBalancer: model.LoadBalancerID(lb),
			Base: model.Base{AdminStateUp: true}, Protocol: model.HTTP, Algorithm: model.RoundRobin,
		},
		Listener: model.ListenerID(listener),
	}
}

func member(id, pool, address string) *model.Member {
	return &model.Member{
		ID: model.MemberID(id), Pool: model.PoolID(pool), Base: model.Base{AdminStateUp: true},
		Address: addr(address), Text: address, Port: 80, Weight: 1,
	}
}

func monitor(id, pool string) *model.HealthMonitor {
	return &model.HealthMonitor{
		ID: model.HealthMonitorID(id), Pool: model.PoolID(pool), Base: model.Base{AdminStateUp: true},
		Type: model.MonitorHTTP, Delay: 5, Timeout: 10, MaxRetries: 4, MaxRetriesDown: 3, HTTPMethod: "GET", URLPath: "/",
	}
}

func policy(id, listener string) *model.L7Policy {
	return &model.L7Policy{
		ID: model.L7PolicyID(id), Listener: model.ListenerID(listener), Base: model.Base{AdminStateUp: true}, Action: model.L7Reject,
	}
}

// toPool is a policy that redirects to a pool.
func toPool(id, listener, pool string) *model.L7Policy {
	p := policy(id, listener)
	p.Action, p.RedirectPool = model.L7RedirectPool, model.PoolID(pool)
	return p
}

func rule(id, policy string) *model.L7Rule {
	return &model.L7Rule{
		ID: model.L7RuleID(id), Policy: model.L7PolicyID(policy), Base: model.Base{AdminStateUp: true},
		Type: model.L7Path, Compare: model.L7StartsWith, Value: "/x",
	}
}

// walkthrough is the networks with lb1, listener1, pool1, two members and a
// monitor, all settled.
func (c *cluster) walkthrough() {
	c.t.Helper()
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	c.ok(store.ListenerCreate, listener("listener1", "lb1", 80))
	c.ok(store.PoolCreate, pool("pool1", "", "listener1"))
	c.ok(store.MemberCreate, member("m1", "pool1", "10.0.0.6"))
	c.ok(store.MemberCreate, member("m2", "pool1", "10.0.0.3"))
	c.ok(store.MonitorCreate, monitor("hm1", "pool1"))
	c.settle()
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addrs(texts ...string) (out []netip.Addr) {
	for _, s := range texts {
		out = append(out, addr(s))
	}
	return out
}
