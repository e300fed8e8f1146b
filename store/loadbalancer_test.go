package store_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lbd/store"
	"lbd/store/model"
)

var byValue = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestLoadBalancerCreate(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb1"))
	i := c.index

	want := &model.LoadBalancer{
		ID: "lb1",
		Base: model.Base{
			Project: "p", Name: "lb1", AdminStateUp: true, Provisioning: model.PendingCreate,
			Pending: i, Created: at(i), Revision: i,
		},
		VIP: model.VIP{Address: addr("10.0.0.254"), Port: "vip-lb1", Subnet: "sub", Network: "net"},
	}
	wantPort := &model.Port{
		ID:      "vip-lb1",
		Record:  model.Record{Project: "p", Name: "octavia-lb-lb1", Created: at(i), Updated: at(i), Revision: i},
		Network: "net", AdminStateUp: true, MAC: "fa:16:3e:00:00:01",
		FixedIPs: []model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.254")}},
		DeviceID: "lb-lb1", DeviceOwner: model.OwnerVIP,
	}
	c.read(func(st *store.State) {
		got, _ := st.LoadBalancer("lb1")
		if d := cmp.Diff(want, got, byValue); d != "" {
			t.Error(d)
		}
		port, _ := st.Port("vip-lb1")
		if d := cmp.Diff(wantPort, port, byValue); d != "" {
			t.Error(d)
		}
		if ports := st.PortsOf("lb-lb1"); len(ports) != 1 || ports[0] != port {
			t.Errorf("ports of the device: %v", ports)
		}
		if of, ok := st.LoadBalancerOfPort("vip-lb1"); !ok || of != got {
			t.Errorf("load balancer of the port: %v", of)
		}
	})

	c.settle()
	c.read(func(st *store.State) {
		got, _ := st.LoadBalancer("lb1")
		want.Provisioning, want.Pending, want.Updated, want.Revision = model.Active, 0, at(c.index), c.index
		if d := cmp.Diff(want, got, byValue); d != "" {
			t.Error(d)
		}
	})
	c.refused(store.LoadBalancerCreate, lb("lb1"), store.Conflict, "Already an entity with that specified id.")
}

func TestLoadBalancerUpdate(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	patch := &store.LoadBalancerPatch{ID: "lb1", Name: ptr("new"), AdminStateUp: ptr(false), Tags: ptr([]string{"a"})}
	c.ok(store.LoadBalancerUpdate, patch)
	c.statuses(map[string]model.Provisioning{"lb1": model.PendingUpdate, "listener1": model.Active, "pool1": model.Active})
	c.read(func(st *store.State) {
		got, _ := st.LoadBalancer("lb1")
		if got.Name != "new" || got.AdminStateUp || !cmp.Equal(got.Tags, []string{"a"}) || got.Project != "p" {
			t.Errorf("after update: %+v", got)
		}
		if got.Updated != at(c.index) || got.Revision != c.index || got.Pending != c.index {
			t.Errorf("after update: %+v", got.Base)
		}
	})
	c.ok(store.LoadBalancerUpdate, patch) // queued, not refused
	c.refused(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "x"}, store.NotFound, "Load Balancer x not found.")

	c.settle(model.Failure{Object: "lb1", Reason: "n1: no interface"})
	c.refused(store.LoadBalancerUpdate, patch, store.Conflict, "Invalid state ERROR of loadbalancer resource lb1")
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true})
	c.refused(store.LoadBalancerUpdate, patch, store.Conflict, "Invalid state PENDING_DELETE of loadbalancer resource lb1")
}

func TestLoadBalancerDelete(t *testing.T) {
	remove := &store.LoadBalancerDeletePayload{ID: "lb1"}
	cascade := &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true}

	t.Run("with children", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.refused(store.LoadBalancerDelete, remove, store.Invalid, "Validation failure: Cannot delete Load Balancer lb1 - it has children")
		c.ok(store.LoadBalancerDelete, cascade)
		c.statuses(map[string]model.Provisioning{"lb1": model.PendingDelete, "listener1": model.Active, "pool1": model.Active, "m1": model.Active})
		c.refused(store.LoadBalancerDelete, cascade, store.Conflict, "Invalid state PENDING_DELETE of loadbalancer resource lb1")
		c.refused(store.MemberCreate, member("m3", "pool1", "10.0.0.9"), store.Conflict, "Load Balancer lb1 is immutable and cannot be updated.")
		c.settle()
		for _, id := range []string{"lb1", "listener1", "pool1", "m1", "m2", "hm1"} {
			if s := c.status(id); s != "gone" {
				t.Errorf("%s is %s", id, s)
			}
		}
		c.read(func(st *store.State) {
			if _, ok := st.Port("vip-lb1"); ok {
				t.Error("the VIP port is still there")
			}
		})
		c.refused(store.LoadBalancerDelete, cascade, store.NotFound, "Load Balancer lb1 not found.")
	})

	t.Run("children on their way out", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.ok(store.ListenerDelete, &store.ListenerRef{ID: "listener1"})
		c.ok(store.PoolDelete, &store.PoolRef{ID: "pool1"})
		c.ok(store.LoadBalancerDelete, remove)
		c.settle()
		c.statuses(map[string]model.Provisioning{"lb1": "gone", "listener1": "gone", "pool1": "gone", "m1": "gone"})
	})

	t.Run("in error", func(t *testing.T) {
		c := newCluster(t)
		c.networks()
		c.ok(store.LoadBalancerCreate, lb("lb1"))
		c.settle(model.Failure{Object: "lb1", Reason: "n1: no interface"})
		c.refused(store.ListenerCreate, listener("l", "lb1", 80), store.Conflict, "Load Balancer lb1 is immutable and cannot be updated.")
		c.ok(store.LoadBalancerDelete, remove)
		c.settle()
		c.statuses(map[string]model.Provisioning{"lb1": "gone"})
	})

	t.Run("the address is free again", func(t *testing.T) {
		c := newCluster(t)
		c.walkthrough()
		c.ok(store.LoadBalancerCreate, lb("lb2"))
		c.ok(store.LoadBalancerDelete, cascade)
		c.settle()
		c.ok(store.LoadBalancerCreate, lb("lb3"))
		if got := vipOf(c, "lb3"); got != "10.0.0.254" {
			t.Errorf("VIP %s", got)
		}
	})
}

func vipOf(c *cluster, id model.LoadBalancerID) (vip string) {
	c.t.Helper()
	c.read(func(st *store.State) {
		if got, ok := st.LoadBalancer(id); ok {
			vip = got.VIP.String()
		}
	})
	return vip
}
