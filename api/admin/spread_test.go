package admin_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

func (w *world) TurnOn(_ context.Context, actor string) error { return w.did("spread on by " + actor) }

func (w *world) TurnOff(_ context.Context, actor string) error {
	return w.did("spread off by " + actor)
}

func (w *world) Balance(_ context.Context, actor string) (int, error) {
	return 3, w.did("balance by " + actor)
}

func (w *world) MoveAway(_ context.Context, actor string, lb model.LoadBalancerID) error {
	return w.did("move away " + string(lb) + " by " + actor)
}

func TestSpreadShowsWhatWasDecidedAndWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.apply(store.NetworkCreate, &model.Network{ID: "net"})
	w.apply(store.SubnetCreate, &model.Subnet{ID: "sub", Network: "net", CIDR: netip.MustParsePrefix("10.0.0.0/24")})
	w.apply(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
		LoadBalancer: model.LoadBalancer{ID: "x", VIP: model.VIP{Subnet: "sub", Address: netip.MustParseAddr("10.0.0.9")}}, NewPort: model.Port{ID: "vip-x"},
	})
	w.see(
		model.Heard{Report: model.Report{Node: "n1", Role: model.RoleReport{Role: model.RoleActive, VIPs: []netip.Addr{netip.MustParseAddr("10.0.0.9")}}}},
		model.Heard{Report: model.Report{Node: "n2", Role: model.RoleReport{VIPs: []netip.Addr{netip.MustParseAddr("10.0.0.9")}}}, Age: time.Minute},
	)
	is := func(want string) {
		t.Helper()
		rec := w.request("admin", "GET", "/v1/cluster/spread", "", true)
		if body := rec.Body.String(); rec.Code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d %s, want %s", rec.Code, body, want)
		}
	}
	is(`{"on":false,"version":0,"loadbalancers":[{"id":"x","name":"","vip_address":"10.0.0.9","node":"","held_by":["alpha"]}]}`)
	w.apply(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n1"})
	w.apply(store.SpreadPut, &store.SpreadPayload{Base: w.index, On: true, Moves: []store.SpreadMove{{LoadBalancer: "x", Node: "n2"}}})
	is(`"node":"beta","held_by":["alpha"]`)
	rec := w.request("admin", "GET", "/v1/cluster", "", true)
	for _, want := range []string{`"load_balancers":{"given":0,"held":1}`, `"load_balancers":{"given":1,"held":0}`, `"spread":true`} {
		if body := rec.Body.String(); rec.Code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d %s, want %s", rec.Code, body, want)
		}
	}
}

func TestSpreadIsToldOn(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		method, path, body, token string
		code                      int
		says, did                 string
	}{
		{"PUT", "", `{"on":true}`, "admin", 200, `"on":false`, "spread on by "},
		{"PUT", "", `{"on":false}`, "admin", 200, `"on":false`, "spread off by "},
		{"PUT", "", `{}`, "admin", 400, "field/attribute on", ""},
		{"PUT", "", `{"on":1}`, "admin", 400, "field/attribute on", ""},
		{"PUT", "", `{"of":true}`, "admin", 400, "of", ""},
		{"POST", "/balance", ``, "admin", 200, `{"moved":3}`, "balance by "},
		{"POST", "/balance", `{"x":1}`, "admin", 400, "x", ""},
		{"PUT", "", `{"on":true}`, "p1:member", 403, "", ""},
		{"POST", "/balance", ``, "p1:member", 403, "", ""},
		{"GET", "", ``, "p1:member", 403, "", ""},
	} {
		w.mu.Lock()
		w.calls = nil
		w.mu.Unlock()
		rec := w.request(tc.token, tc.method, "/v1/cluster/spread"+tc.path, tc.body, true)
		code, body := rec.Code, rec.Body.String()
		did := strings.Join(w.calls, ", ")
		if code != tc.code || !strings.Contains(body, tc.says) || !strings.HasPrefix(did, tc.did) || (tc.did == "") != (did == "") {
			t.Errorf("%s %s %s: %d %s, did %q", tc.method, tc.path, tc.body, code, body, did)
		}
	}
	w.mu.Lock()
	w.answer = store.Errorf(store.Conflict, "Spread needs three voters.")
	w.mu.Unlock()
	if rec := w.request("admin", "PUT", "/v1/cluster/spread", `{"on":true}`, true); rec.Code != 409 || !strings.Contains(rec.Body.String(), "three voters") {
		t.Errorf("refused: %d %s", rec.Code, rec.Body)
	}
}
