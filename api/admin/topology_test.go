package admin_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

// balancer makes lb1 of project p1 with a listener, a pool, two members and a
// monitor, all settled; a floating IP on its VIP port.
func (w *world) balancer() {
	w.t.Helper()
	w.apply(store.NetworkCreate, &model.Network{ID: "net", AdminStateUp: true})
	w.apply(store.SubnetCreate, &model.Subnet{ID: "sub", Network: "net", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1")})
	w.apply(store.NetworkCreate, &model.Network{ID: "ext", External: true})
	w.apply(store.SubnetCreate, &model.Subnet{ID: "pub", Network: "ext", CIDR: netip.MustParsePrefix("203.0.113.0/24")})
	w.apply(store.RouterCreate, &store.RouterCreatePayload{Router: model.Router{ID: "r", External: "ext"}, GatewayPort: model.Port{ID: "gw"}})
	w.apply(store.RouterAttach, &store.RouterAttachPayload{Router: "r", Subnet: "sub", Port: model.Port{ID: "if"}})
	base := func(name string) model.Base { return model.Base{Project: "p1", Name: name, AdminStateUp: true} }
	vip := netip.MustParseAddr("10.0.0.9")
	w.apply(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
		LoadBalancer: model.LoadBalancer{ID: "lb1", Base: base("lb1"), VIP: model.VIP{Subnet: "sub", Address: vip}}, NewPort: model.Port{ID: "vip1"},
	})
	w.apply(store.FloatingIPCreate, &store.FloatingIPCreatePayload{FloatingIP: model.FloatingIP{ID: "f", Network: "ext", Port: "vip1", Address: netip.MustParseAddr("203.0.113.7")}})
	w.apply(store.ListenerCreate, &model.Listener{ID: "l1", LoadBalancer: "lb1", Base: base("listener1"), Protocol: model.HTTP, Port: 80, ConnectionLimit: -1})
	w.apply(store.PoolCreate, &store.PoolCreatePayload{Pool: model.Pool{ID: "pool1", LoadBalancer: "lb1", Base: base("pool1"), Protocol: model.HTTP, Algorithm: model.RoundRobin}, Listener: "l1"})
	for id, a := range map[model.MemberID]string{"m1": "10.0.0.6", "m2": "10.0.0.3"} {
		w.apply(store.MemberCreate, &model.Member{ID: id, Pool: "pool1", Base: base(string(id)), Address: netip.MustParseAddr(a), Port: 80, Weight: 1})
	}
	w.apply(store.MonitorCreate, &model.HealthMonitor{ID: "hm", Pool: "pool1", Base: base("hm"), Type: model.MonitorHTTP, Delay: 5, Timeout: 10, MaxRetries: 4, MaxRetriesDown: 3, HTTPMethod: "GET", URLPath: "/"})
	w.apply(store.SettleKind, &store.Settle{Index: w.index})
}

func TestTopologyIsConfigurationAndLiveState(t *testing.T) {
	w := newWorld(t)
	w.balancer()
	one, two := active("n1", 0), standby("n2", 10*time.Millisecond)
	one.Failures, one.Role.Problems = nil, nil
	one.Members = map[model.MemberID]model.MemberHealth{
		"m1": {Status: model.Online, Since: since, ActiveConnections: 6},
		"m2": {Status: model.Failing, Reason: "connect 10.0.0.3:80: connection refused, 3 of 3", Since: since},
	}
	one.Listeners = map[model.ListenerID]model.ListenerCounters{"l1": {BytesIn: 10, BytesOut: 20, ActiveConnections: 2, TotalConnections: 3, RequestErrors: 1, Requests: 30}}
	two.Listeners = map[model.ListenerID]model.ListenerCounters{"l1": {BytesIn: 1, TotalConnections: 1, Requests: 4}}
	w.see(one, two)
	_, out := w.call("p1:reader", "GET", "/v1/topology", "")
	member := func(id, address string, connections float64, status string) obj {
		return obj{
			"id": id, "name": id, "address": address, "port": 80.0, "weight": 1.0, "backup": false, "admin_state_up": true, "provisioning_status": "ACTIVE",
			"operating_status": status, "since": "2030-01-01T00:00:00Z", "active_connections": connections,
		}
	}
	broken := member("m2", "10.0.0.3", 0, "ERROR")
	broken["reason"] = "connect 10.0.0.3:80: connection refused, 3 of 3"
	want := []any{obj{
		"id": "lb1", "name": "lb1", "project_id": "p1", "admin_state_up": true, "provisioning_status": "ACTIVE", "operating_status": "DEGRADED",
		"vip_address": "10.0.0.9", "vip_port_id": "vip1", "additional_vips": []any{}, "floating_ips": []any{"203.0.113.7"},
		"listeners": []any{obj{
			"id": "l1", "name": "listener1", "protocol": "HTTP", "port": 80.0, "default_pool_id": "pool1", "admin_state_up": true,
			"provisioning_status": "ACTIVE", "operating_status": "ONLINE",
			"stats": obj{"bytes_in": 11.0, "bytes_out": 20.0, "active_connections": 2.0, "total_connections": 4.0, "request_errors": 1.0, "requests": 34.0},
		}},
		"pools": []any{obj{
			"id": "pool1", "name": "pool1", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "admin_state_up": true, "provisioning_status": "ACTIVE", "operating_status": "DEGRADED",
			"monitor": obj{"id": "hm", "type": "HTTP", "admin_state_up": true, "delay": 5.0, "timeout": 10.0, "max_retries": 4.0, "max_retries_down": 3.0, "http_method": "GET", "url_path": "/"},
			"members": []any{member("m1", "10.0.0.6", 6, "ONLINE"), broken},
		}},
	}}
	lbs := out["load_balancers"].([]any)
	if len(lbs) == 1 { // the members were made in any order
		members := lbs[0].(obj)["pools"].([]any)[0].(obj)["members"].([]any)
		if members[0].(obj)["id"] == "m2" {
			members[0], members[1] = members[1], members[0]
		}
	}
	if diff := cmp.Diff(want, out["load_balancers"]); diff != "" || out["index"] != float64(w.st.Index()) || out["left_off"] != 0.0 {
		t.Errorf("index %v, left off %v\n%s", out["index"], out["left_off"], diff)
	}
}

func TestTopologyIsTheCallersOwn(t *testing.T) {
	w := newWorld(t)
	w.balancer()
	for token, want := range map[string]int{"admin": 1, "p1:reader": 1, "p1:load-balancer_observer": 1, "p2:member": 0, "p2:load-balancer_global_observer": 1} {
		status, out := w.call(token, "GET", "/v1/topology", "")
		if got := len(out["load_balancers"].([]any)); status != 200 || got != want {
			t.Errorf("%s: %d, %d load balancers, want %d", token, status, got, want)
		}
	}
	if _, out := w.call("admin", "GET", "/v1/topology?project_id=p2", ""); len(out["load_balancers"].([]any)) != 0 {
		t.Errorf("of p2: %v", out)
	}
	w.apply(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{LoadBalancer: model.LoadBalancer{ID: "lb2", VIP: model.VIP{Subnet: "sub"}}, NewPort: model.Port{ID: "vip2"}})
	if _, out := w.call("admin", "GET", "/v1/topology?limit=1", ""); len(out["load_balancers"].([]any)) != 1 || out["left_off"] != 1.0 {
		t.Errorf("with a limit: %v", out)
	}
	if status, _ := w.call("admin", "GET", "/v1/topology?limit=x", ""); status != 400 {
		t.Errorf("bad limit: %d", status)
	}
}

func TestTopologySaysWhyAnObjectIsNotServed(t *testing.T) {
	w := newWorld(t)
	w.balancer()
	bad := standby("n2", 10*time.Millisecond)
	bad.Failures = []model.Failure{{Object: "l1", Reason: "listen 10.0.0.9:80: address already in use"}}
	good := active("n1", 0)
	good.Failures = nil
	good.Listeners = map[model.ListenerID]model.ListenerCounters{"l1": {Full: true}}
	for _, tc := range []struct {
		reports      []model.Heard
		status, want any
	}{
		{[]model.Heard{good, bad}, "DEGRADED", "beta: listen 10.0.0.9:80: address already in use"},
		{[]model.Heard{good}, "DEGRADED", "the connection limit is reached"},
		{nil, "OFFLINE", nil},
	} {
		w.see(tc.reports...)
		_, out := w.call("admin", "GET", "/v1/topology", "")
		l := out["load_balancers"].([]any)[0].(obj)["listeners"].([]any)[0].(obj)
		if l["reason"] != tc.want || l["operating_status"] != tc.status {
			t.Errorf("%v: %v", tc.want, l)
		}
	}
}
