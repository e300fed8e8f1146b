package octavia_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lbd/store"
	"lbd/store/model"
)

// heard replaces what the nodes report.
func (w *contractWorld) heard(rows ...model.Heard) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = rows
}

func (w *contractWorld) node(id model.NodeID, kind model.NodeKind, addr string) {
	w.t.Helper()
	w.apply(store.NodePut, &model.Node{
		ID: id, Name: "node-" + string(id), Kind: kind, API: addr + ":9876", Cluster: addr + ":9877",
		Addresses: []netip.Prefix{netip.MustParsePrefix(addr + "/24")},
	})
}

// does is a report of a node.
func report(node model.NodeID, role model.RoleName, vips ...string) model.Heard {
	h := model.Heard{Age: 5 * time.Millisecond, Report: model.Report{
		Node: node, Applied: 1, Role: model.RoleReport{Role: role, Term: 3, Since: epoch, Why: "because", Interface: "eth0", Holder: 7},
		Members: map[model.MemberID]model.MemberHealth{}, Listeners: map[model.ListenerID]model.ListenerCounters{},
	}}
	for _, v := range vips {
		h.Role.VIPs = append(h.Role.VIPs, netip.MustParseAddr(v))
	}
	return h
}

// amphorae lists the rows of one load balancer by node.
func (p *populated) amphorae(query string) map[string]object {
	p.t.Helper()
	status, out := p.ask("admin", "GET", "/v2.0/octavia/amphorae?loadbalancer_id="+p.lb+query, "")
	if status != http.StatusOK {
		p.t.Fatalf("amphorae: %d %v", status, out)
	}
	rows := map[string]object{}
	for _, x := range out["amphorae"].([]any) {
		rows[x.(object)["node"].(string)] = x.(object)
	}
	return rows
}

func TestAmphoraRolesAreWhatTheKernelSays(t *testing.T) {
	p := newPopulated(t)
	p.node("n1", model.DataNode, "198.51.100.201")
	p.node("n2", model.DataNode, "198.51.100.202")
	p.node("w", model.Witness, "198.51.100.203")
	vip := p.does(http.StatusOK, "GET", "loadbalancers/"+p.lb, "loadbalancer", "")["vip_address"].(string)
	silent := report("n1", model.RoleActive, vip)
	silent.Age = time.Minute
	type row struct{ Role, Status, Priority any }
	master, backup, unknown, gone := row{"MASTER", "ALLOCATED", "100"}, row{"BACKUP", "ALLOCATED", "90"}, row{nil, "ALLOCATED", nil}, row{nil, "ERROR", nil}
	for _, tc := range []struct {
		name   string
		rows   []model.Heard
		n1, n2 row
	}{
		{"one holds, one stands by", []model.Heard{report("n1", model.RoleActive, vip), report("n2", model.RoleStandby)}, master, backup},
		{"after a failover", []model.Heard{silent, report("n2", model.RoleActive, vip)}, gone, master},
		{"the leader has no VIP yet", []model.Heard{report("n1", model.RoleActive), report("n2", model.RoleStandby)}, unknown, backup},
		{"it has another VIP only", []model.Heard{report("n1", model.RoleActive, "192.0.2.1"), report("n2", model.RoleStandby)}, unknown, backup},
		{"a standby that still holds is no backup", []model.Heard{report("n1", model.RoleStandby, vip), report("n2", model.RoleStandby)}, master, backup},
		{"nobody is heard", nil, gone, gone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p.heard(tc.rows...)
			got := p.amphorae("")
			if len(got) != 2 {
				t.Fatalf("%d rows: a witness is no amphora", len(got))
			}
			for node, want := range map[string]row{"node-n1": tc.n1, "node-n2": tc.n2} {
				x := got[node]
				have := row{x["role"], x["status"], x["vrrp_priority"]}
				if n, ok := have.Priority.(json.Number); ok {
					have.Priority = n.String()
				}
				if have != want {
					t.Errorf("%s is %v, want %v", node, have, want)
				}
			}
		})
	}
}

func TestAmphoraRow(t *testing.T) {
	p := newPopulated(t)
	p.node("n1", model.DataNode, "198.51.100.201")
	lb := p.does(http.StatusOK, "GET", "loadbalancers/"+p.lb, "loadbalancer", "")
	p.heard(report("n1", model.RoleActive, lb["vip_address"].(string)))
	x := p.amphorae("&role=STANDALONE&status=ALLOCATED")["node-n1"]
	if x == nil {
		t.Fatal("the only data node is not STANDALONE")
	}
	id := x["id"].(string)
	want := object{
		"id": id, "loadbalancer_id": p.lb, "compute_id": "n1", "lb_network_ip": "198.51.100.201", "vrrp_ip": "198.51.100.201", "ha_ip": lb["vip_address"],
		"vrrp_port_id": x["vrrp_port_id"], "ha_port_id": lb["vip_port_id"], "cert_expiration": nil, "cert_busy": false, "role": "STANDALONE", "status": "ALLOCATED",
		"vrrp_interface": "eth0", "vrrp_id": json.Number("1"), "vrrp_priority": json.Number("100"), "cached_zone": nil,
		"created_at": "2030-01-01T00:00:00", "updated_at": "2030-01-01T00:00:00", "image_id": nil, "compute_flavor": nil,
		"node": "node-n1", "role_reason": "because", "observed_age_ms": json.Number("5"),
	}
	want["created_at"] = lb["created_at"]
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if port, _ := x["vrrp_port_id"].(string); uuid.Validate(port) != nil || port == id {
		t.Errorf("vrrp_port_id is %v", x["vrrp_port_id"])
	}
	if again := p.amphorae("")["node-n1"]["id"]; again != id {
		t.Errorf("the id changed from %s to %v", id, again)
	}
	if _, out := p.ask("admin", "GET", "/load-balancer/v2/octavia/amphorae/"+id, ""); !cmp.Equal(out["amphora"], any(x)) {
		t.Errorf("shown: %v", out)
	}
	if rows := p.amphorae("&role=BACKUP"); len(rows) != 0 {
		t.Errorf("role filter: %v", rows)
	}
	if status, out := p.ask("admin", "GET", "/v2.0/octavia/amphorae/"+nobody, ""); status != http.StatusNotFound || out["faultstring"] != "Amphora "+nobody+" not found." {
		t.Errorf("unknown: %d %v", status, out)
	}
	for _, path := range []string{"", "/" + id, "/" + id + "/stats"} {
		if status, _ := p.ask(string(p.admin.Project)+":member", "GET", "/v2.0/octavia/amphorae"+path, ""); status != http.StatusForbidden {
			t.Errorf("a member sees amphorae%s: %d", path, status)
		}
	}
	for path, want := range map[string]int{"/v2.0/amphorae": 404, "/v2.0/lbaas/amphorae": 404, "/v1/amphorae": 404} {
		if status, _ := p.ask("admin", "GET", path, ""); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := p.ask("admin", "POST", "/v2.0/octavia/amphorae", `{}`); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
}

func TestStatsSumTheNodes(t *testing.T) {
	p := newPopulated(t)
	p.node("n1", model.DataNode, "198.51.100.201")
	p.node("n2", model.DataNode, "198.51.100.202")
	counters := model.ListenerCounters{BytesIn: 1, BytesOut: 2, ActiveConnections: 3, TotalConnections: 4, RequestErrors: 5}
	a, b := report("n1", model.RoleActive), report("n2", model.RoleStandby)
	a.Listeners[model.ListenerID(p.listener)], b.Listeners[model.ListenerID(p.listener)] = counters, counters
	b.Age = time.Minute // silent: what it counted stays, its connections do not
	p.heard(a, b)
	want := `{"active_connections":3,"bytes_in":2,"bytes_out":4,"request_errors":10,"total_connections":8}`
	for _, path := range []string{"loadbalancers/" + p.lb, "listeners/" + p.listener} {
		if rec := p.raw("admin", "GET", base+path+"/stats", ""); rec.Code != http.StatusOK || rec.Body.String() != `{"stats":`+want+`}` {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	rows := p.amphorae("")
	rec := p.raw("admin", "GET", "/v2.0/octavia/amphorae/"+rows["node-n1"]["id"].(string)+"/stats", "")
	mine := `{"amphora_stats":[{"active_connections":3,"bytes_in":1,"bytes_out":2,"request_errors":5,"total_connections":4,"id":"` +
		rows["node-n1"]["id"].(string) + `","listener_id":"` + p.listener + `","loadbalancer_id":"` + p.lb + `"}]}`
	if rec.Code != http.StatusOK || rec.Body.String() != mine {
		t.Errorf("amphora: %d %s", rec.Code, rec.Body)
	}
	if status, out := p.ask("admin", "GET", "/v2.0/octavia/amphorae/"+rows["node-n2"]["id"].(string)+"/stats", ""); status != http.StatusNotFound {
		t.Errorf("amphora without numbers: %d %v", status, out)
	}
}

func TestMemberTellsWhy(t *testing.T) {
	p := newPopulated(t)
	h := report("n1", model.RoleActive)
	h.Members[model.MemberID(p.member)] = model.MemberHealth{Status: model.Failing, Reason: "connect 198.51.100.9:8080: connection refused, 3 of 3", Since: epoch}
	h.Listeners[model.ListenerID(p.listener)] = model.ListenerCounters{}
	p.heard(h)
	m := p.does(http.StatusOK, "GET", "pools/"+p.pool+"/members/"+p.member, "member", "")
	if m["operating_status"] != "ERROR" || m["operating_reason"] != "connect 198.51.100.9:8080: connection refused, 3 of 3" || m["operating_since"] != "2030-01-01T00:00:00Z" {
		t.Errorf("%v %v %v", m["operating_status"], m["operating_reason"], m["operating_since"])
	}
	for path, want := range map[string]string{
		"pools/" + p.pool: "ERROR", "loadbalancers/" + p.lb: "ERROR", "listeners/" + p.listener: "ONLINE", "healthmonitors/" + p.monitor: "ONLINE",
	} {
		_, out := p.ask("admin", "GET", base+path, "")
		for _, x := range out {
			if got := x.(object)["operating_status"]; got != want {
				t.Errorf("%s is %v, want %s", path, got, want)
			}
		}
	}
	p.does(http.StatusNoContent, "DELETE", "healthmonitors/"+p.monitor, "", "")
	if m := p.does(http.StatusOK, "GET", "pools/"+p.pool+"/members/"+p.member, "member", ""); m["operating_status"] != "NO_MONITOR" {
		t.Errorf("without a monitor: %v", m["operating_status"])
	}
}

func TestFailoverOrdersASwitchover(t *testing.T) {
	p := newPopulated(t)
	vip := p.does(http.StatusOK, "GET", "loadbalancers/"+p.lb, "loadbalancer", "")["vip_address"].(string)
	p.heard(report("n1", model.RoleActive, vip))
	id := p.amphorae("")["alpha"]
	// A node that is alone has nobody to hand over to; all is loaded anew, as Octavia does with a SINGLE one.
	for _, path := range []string{"/v2.0/lbaas/loadbalancers/" + p.lb + "/failover", "/v2.0/octavia/amphorae/" + id["id"].(string) + "/failover"} {
		if rec := p.raw("admin", "PUT", path, "{}"); rec.Code != http.StatusAccepted || len(p.told) != 0 {
			t.Errorf("%s alone: %d, %d switchovers", path, rec.Code, len(p.told))
		}
		for body, text := range map[string]string{`{"b":1}`: `Unknown argument: "b"`, `[]`: badJSON, `null`: badJSON, `{`: badJSON} {
			if status, out := p.ask("admin", "PUT", path, body); status != http.StatusBadRequest || out["faultstring"] != text {
				t.Errorf("%s with %s: %d %v", path, body, status, out)
			}
		}
	}
	p.apply(store.NodePut, &model.Node{ID: "n2", Name: "beta", Kind: model.DataNode})
	for i, path := range []string{"/v2.0/lbaas/loadbalancers/" + p.lb + "/failover", "/v2.0/octavia/amphorae/" + id["id"].(string) + "/failover"} {
		rec := p.raw("admin", "PUT", path, "")
		if rec.Code != http.StatusAccepted || rec.Body.Len() != 0 || rec.Header().Get("Content-Type") != "" || len(p.told) != i+1 {
			t.Errorf("%s: %d %q, %d switchovers", path, rec.Code, rec.Body, len(p.told))
		}
		if rec := p.raw(string(p.admin.Project)+":member", "PUT", path, ""); rec.Code != http.StatusForbidden {
			t.Errorf("%s by a member: %d", path, rec.Code)
		}
	}
	p.heard(report("n1", model.RoleStandby))
	if rec := p.raw("admin", "PUT", "/v2.0/octavia/amphorae/"+id["id"].(string)+"/failover", ""); rec.Code != http.StatusAccepted || len(p.told) != 2 {
		t.Errorf("failover of a standby: %d, %d switchovers", rec.Code, len(p.told))
	}
	if rec := p.raw("admin", "GET", "/v2.0/lbaas/loadbalancers/"+p.lb+"/failover", ""); rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET failover: %d", rec.Code)
	}
}

func (w *contractWorld) TurnOn(context.Context, string) error         { return nil }
func (w *contractWorld) TurnOff(context.Context, string) error        { return nil }
func (w *contractWorld) Balance(context.Context, string) (int, error) { return 0, nil }

func (w *contractWorld) MoveAway(_ context.Context, _ string, lb model.LoadBalancerID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, "move "+string(lb))
	return nil
}

// TestSharesAreShownAndMovedOneByOne: while load balancers are distributed over the
// nodes, several are active, each row is about its own load balancer, and failover
// moves that one.
func TestSharesAreShownAndMovedOneByOne(t *testing.T) {
	p := newPopulated(t)
	vip := p.does(http.StatusOK, "GET", "loadbalancers/"+p.lb, "loadbalancer", "")["vip_address"].(string)
	p.apply(store.NodePut, &model.Node{ID: "n2", Name: "beta", Kind: model.DataNode})
	p.apply(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n1"})
	other, this := report("n1", model.RoleActive, "192.0.2.99"), report("n2", model.RoleActive, vip)
	other.Role.Share, this.Role.Share = true, true
	p.heard(other, this)
	rows := p.amphorae("")
	if rows["alpha"]["role"] != "BACKUP" || rows["beta"]["role"] != "MASTER" {
		t.Errorf("roles %v and %v", rows["alpha"]["role"], rows["beta"]["role"])
	}
	failover := func(path string, want ...string) {
		t.Helper()
		if rec := p.raw("admin", "PUT", path, ""); rec.Code != http.StatusAccepted {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if !slices.Equal(p.told, want) {
			t.Errorf("%s: did %v, want %v", path, p.told, want)
		}
	}
	move := "move " + p.lb
	failover("/v2.0/octavia/amphorae/" + rows["alpha"]["id"].(string) + "/failover")
	failover("/v2.0/octavia/amphorae/"+rows["beta"]["id"].(string)+"/failover", move)
	failover("/v2.0/lbaas/loadbalancers/"+p.lb+"/failover", move, move)
}

// TestAmphoraWithoutHolder: with --no-vip the addresses are the machine's own.
func TestAmphoraWithoutHolder(t *testing.T) {
	p := newPopulated(t)
	p.node("n1", model.DataNode, "198.51.100.201")
	for _, c := range []struct {
		role   model.RoleName
		holder uint64
		want   any
	}{{model.RoleActive, 0, "STANDALONE"}, {model.RoleActive, 7, nil}, {model.RoleUnknown, 0, nil}} {
		h := report("n1", c.role)
		h.Role.Holder = c.holder
		p.heard(h)
		if got := p.amphorae("")["node-n1"]["role"]; got != c.want {
			t.Errorf("%s with holder %d: role %v, want %v", c.role, c.holder, got, c.want)
		}
	}
}
