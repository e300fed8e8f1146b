package admin_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

var since = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func active(node model.NodeID, age time.Duration) model.Heard {
	return model.Heard{Age: age, Report: model.Report{
		Node: node, Applied: 5, Version: "v1",
		Role: model.RoleReport{
			Role: model.RoleActive, Term: 7, Since: since, LeaseLeft: 180 * time.Millisecond, Ready: true, Why: "leader of term 7",
			VIPs: []netip.Addr{netip.MustParseAddr("10.0.0.9")}, Problems: []model.Failure{{Object: "10.0.0.9", Reason: "answered by 02:00:00:00:00:01"}},
		},
		Raft:     model.RaftReport{State: "leader", Term: 7, Leader: node, LastIndex: 12, Commit: 12, Applied: 12, Quorum: "ok"},
		Failures: []model.Failure{{Object: "l1", Reason: "listen 10.0.0.9:80: address already in use"}},
	}}
}

func standby(node model.NodeID, age time.Duration) model.Heard {
	return model.Heard{Age: age, Report: model.Report{
		Node: node, Applied: 5, Role: model.RoleReport{Role: model.RoleStandby, Since: since, Ready: true, Why: "follower of alpha"},
		Raft: model.RaftReport{State: "follower", Term: 7, LastIndex: 12, Quorum: "ok"},
	}}
}

func TestClusterShowsWhatNodesSayAndHowOldThatIs(t *testing.T) {
	w := newWorld(t)
	w.see(active("n1", 0), standby("n2", 50*time.Millisecond))
	status, out := w.call("admin", "GET", "/v1/cluster", "")
	if status != 200 || out["cluster_id"] != "c1" || out["leader"] != "n1" || out["term"] != 7.0 || out["quorum"] != "ok" || out["self"] != "n1" {
		t.Errorf("cluster: %d %v", status, out)
	}
	nodes := out["nodes"].([]any)
	if len(nodes) != 3 {
		t.Fatalf("%d nodes", len(nodes))
	}
	want := obj{
		"id": "n1", "name": "alpha", "kind": "data", "api": "alpha:9876", "cluster": "alpha:9877", "self": true, "role": "active", "term": 7.0,
		"since": "2030-01-01T00:00:00Z", "ready": true, "why": "leader of term 7", "lease_left_ms": 180.0, "vips": []any{"10.0.0.9"}, "age_ms": 0.0,
		"version": "v1", "applied_config": 5.0,
		"problems": []any{obj{"object": "10.0.0.9", "reason": "answered by 02:00:00:00:00:01"}, obj{"object": "l1", "reason": "listen 10.0.0.9:80: address already in use"}},
		"raft":     obj{"state": "leader", "term": 7.0, "leader": "n1", "last_index": 12.0, "commit_index": 12.0, "applied_index": 12.0, "quorum": "ok"},
	}
	for k, v := range want {
		if diff := cmp.Diff(v, nodes[0].(obj)[k]); diff != "" {
			t.Errorf("%s of alpha: %s", k, diff)
		}
	}
	if never := nodes[2].(obj); never["role"] != "unknown" || never["age_ms"] != -1.0 || never["kind"] != "witness" {
		t.Errorf("a node never heard: %v", never)
	}
}

// TestSilentNodeHasNoRole: what it last said is not shown as true.
func TestSilentNodeHasNoRole(t *testing.T) {
	w := newWorld(t)
	w.part.SilentAfter(400 * time.Millisecond)
	for age, want := range map[time.Duration]string{0: "active", 400 * time.Millisecond: "active", 401 * time.Millisecond: "unknown", time.Hour: "unknown"} {
		w.see(standby("n1", 0), active("n2", age))
		_, out := w.call("admin", "GET", "/v1/cluster", "")
		beta := out["nodes"].([]any)[1].(obj)
		if beta["role"] != want || beta["age_ms"] != float64(age.Milliseconds()) {
			t.Errorf("%s old: role %v, age %v", age, beta["role"], beta["age_ms"])
		}
		if want == "unknown" && (len(beta["vips"].([]any)) != 0 || beta["lease_left_ms"] != 0.0 || beta["ready"] != false || !strings.HasPrefix(beta["why"].(string), "silent for ")) {
			t.Errorf("%s old, still said: %v", age, beta)
		}
		_, out = w.call("admin", "GET", "/v1/roles", "")
		if role := out["roles"].([]any)[1].(obj); role["role"] != want || role["name"] != "beta" {
			t.Errorf("%s old: /v1/roles says %v", age, role)
		}
	}
}

func TestMembershipCalls(t *testing.T) {
	w := newWorld(t)
	w.pending = []deps.PendingNode{{Code: "123456", Name: "delta", Kind: model.DataNode, From: "192.0.2.7", Since: since}}
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string // the call, or the fault
	}{
		{"POST", "/v1/cluster/token", `{"ttl_seconds":60}`, 201, "token 1m0s"},
		{"POST", "/v1/cluster/token", ``, 201, "token 1h0m0s"},
		{"POST", "/v1/cluster/token", `{"ttl_seconds":0}`, 400, "Invalid input for field/attribute ttl_seconds. Value: '0'. It must be from 1 to 2592000."},
		{"POST", "/v1/cluster/token", `{"ttl_seconds":"x"}`, 400, "Invalid input for field/attribute ttl_seconds. Value: 'string'. It must be a int64."},
		{"POST", "/v1/cluster/token", `{"ttl":1}`, 400, `Request is not in valid JSON format: json: unknown field "ttl"`},
		{"POST", "/v1/cluster/token", `{} {}`, 400, "Request is not in valid JSON format: something follows the object"},
		{"POST", "/v1/cluster/approve", `{"code":"123456"}`, 204, "approve 123456"},
		{"POST", "/v1/cluster/approve", `{}`, 400, "Invalid input for field/attribute code. Value: ''. Mandatory field missing."},
		{"POST", "/v1/cluster/switchover", `{"node":"beta"}`, 204, "switchover n2"},
		{"POST", "/v1/cluster/switchover", `{"node":"n2"}`, 204, "switchover n2"},
		{"POST", "/v1/cluster/switchover", `{}`, 204, "switchover "},
		{"POST", "/v1/cluster/switchover", `{"node":"nobody"}`, 404, "Node nobody not found."},
		{"PUT", "/v1/cluster/profile", `{"profile":"calm"}`, 200, "profile calm by u0"},
		{"POST", "/v1/cluster/nodes/beta/restart", ``, 202, "restart n2"},
		{"POST", "/v1/cluster/nodes/x/restart", ``, 404, "Node x not found."},
		{"DELETE", "/v1/cluster/nodes/beta", ``, 204, "remove n2"},
		{"DELETE", "/v1/cluster/nodes/n3", ``, 204, "remove n3"},
		{"DELETE", "/v1/cluster/nodes/x", ``, 404, "Node x not found."},
	} {
		w.calls = nil
		status, out := w.call("admin", tc.method, tc.path, tc.body)
		got, _ := out["faultstring"].(string)
		if len(w.calls) > 0 {
			got = w.calls[0]
		}
		if status != tc.status || got != tc.want {
			t.Errorf("%s %s %s: %d %q, want %d %q", tc.method, tc.path, tc.body, status, got, tc.status, tc.want)
		}
	}
	_, out := w.call("admin", "GET", "/v1/cluster/pending", "")
	want := obj{"pending": []any{obj{"code": "123456", "name": "delta", "kind": "data", "from": "192.0.2.7", "since": "2030-01-01T00:00:00Z"}}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	w.answer = store.Errorf(store.Unavailable, "No leader.")
	if status, out := w.call("admin", "POST", "/v1/cluster/switchover", "{}"); status != 503 || out["faultstring"] != "No leader." || out["faultcode"] != "Server" {
		t.Errorf("without a leader: %d %v", status, out)
	}
}

func TestHistoryAndProfileAreShown(t *testing.T) {
	w := newWorld(t)
	if status, out := w.call("admin", "GET", "/v1/cluster/history", ""); status != 200 || len(out["history"].([]any)) != 0 {
		t.Errorf("no history: %d %v", status, out)
	}
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	w.apply(store.RoleChangeNote, &model.RoleChange{Term: 3, Node: "n1", Name: "alpha", At: at, Why: "nobody else leads", GapMS: -1})
	w.apply(store.RoleChangeNote, &model.RoleChange{Term: 5, Node: "n2", Name: "beta", At: at, Why: "the leader before fell silent", Previous: "n1", GapMS: 41, MarginMS: new(int64(52))})
	w.apply(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n1"})
	version := w.index
	w.apply(store.SpreadNote, &store.SpreadNotePayload{Version: version, Changes: []model.SpreadChange{
		{Version: version, At: at, From: "n2", FromName: "beta", To: "n1", ToName: "alpha", Count: 1, Why: "silence"},
	}})
	want := obj{"history": []any{
		obj{"term": 5.0, "node": "n2", "name": "beta", "at": "2030-01-01T00:00:00Z", "why": "the leader before fell silent", "previous": "n1", "gap_ms": 41.0, "margin_ms": 52.0},
		obj{"term": 3.0, "node": "n1", "name": "alpha", "at": "2030-01-01T00:00:00Z", "why": "nobody else leads", "gap_ms": nil, "margin_ms": nil},
	}, "shares": []any{
		obj{
			"version": float64(version), "at": "2030-01-01T00:00:00Z", "from": "n2", "from_name": "beta", "to": "n1", "to_name": "alpha", "count": 1.0,
			"loadbalancers": []any{}, "why": "silence",
		},
	}}
	if _, out := w.call("admin", "GET", "/v1/cluster/history", ""); !cmp.Equal(want, out) {
		t.Error(cmp.Diff(want, out))
	}
	if _, out := w.call("admin", "GET", "/v1/cluster/profile", ""); out["profile"] != "default" {
		t.Errorf("profile: %v", out)
	}
	w.apply(store.SettingsPut, &model.Settings{Profile: model.ProfileFast})
	if _, out := w.call("admin", "GET", "/v1/cluster/profile", ""); out["profile"] != "fast" {
		t.Errorf("profile: %v", out)
	}
}

func TestJoinNeedsNoTokenButTLSAndPatience(t *testing.T) {
	w := newWorld(t)
	body := `{"name":"delta","kind":"data","cluster":"delta:9877","api":"delta:9876","csr":"x"}`
	if status, out := w.call("", "POST", "/v1/cluster/join", body); status != 200 || out["code"] != "123456" {
		t.Errorf("join: %d %v", status, out)
	}
	if status, out := w.decode(w.request("", "POST", "/v1/cluster/join", body, false)); status != 400 || out["faultstring"] != "A node joins over TLS: use https." {
		t.Errorf("join without TLS: %d %v", status, out)
	}
	if status, _ := w.call("", "POST", "/v1/cluster/join", `{"csr":"`+strings.Repeat("x", 33<<10)+`"}`); status != 413 {
		t.Errorf("large join: %d", status)
	}
	seen := map[int]int{}
	for range 40 {
		status, _ := w.call("", "POST", "/v1/cluster/join", body)
		seen[status]++
	}
	if seen[200] < 10 || seen[429] < 10 || seen[200]+seen[429] != 40 {
		t.Errorf("40 more: %v, want some 200 and then 429", seen)
	}
}

func TestOnlyAdminsMayLookAtTheCluster(t *testing.T) {
	w := newWorld(t)
	for _, c := range [][2]string{
		{"GET", "/v1/cluster"},
		{"GET", "/v1/roles"},
		{"GET", "/v1/cluster/pending"},
		{"POST", "/v1/cluster/token"},
		{"POST", "/v1/cluster/approve"},
		{"POST", "/v1/cluster/switchover"},
		{"GET", "/v1/cluster/profile"},
		{"PUT", "/v1/cluster/profile"},
		{"GET", "/v1/cluster/history"},
		{"DELETE", "/v1/cluster/nodes/beta"},
		{"POST", "/v1/cluster/nodes/beta/restart"},
	} {
		if status, _ := w.call("", c[0], c[1], ""); status != 401 {
			t.Errorf("%s %s without a token: %d", c[0], c[1], status)
		}
		for _, token := range []string{"p1:member", "p1:load-balancer_admin"} {
			if status, _ := w.call(token, c[0], c[1], ""); status != 403 {
				t.Errorf("%s %s as %s: %d", c[0], c[1], token, status)
			}
		}
	}
	if len(w.calls) != 0 {
		t.Errorf("the cluster was asked: %v", w.calls)
	}
	for _, path := range []string{"/v1/topology", "/v1/events"} {
		if status, _ := w.call("p1:service", "GET", path, ""); status != 403 {
			t.Errorf("GET %s without a role: %d", path, status)
		}
	}
}
