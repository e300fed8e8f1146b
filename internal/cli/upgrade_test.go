package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// rolling is a cluster that restarts what it is told to.
type rolling struct {
	order []string // restarted so far
	broke string   // this node does not come back
	bad   string   // this one refuses
	view  clusterView
}

func newRolling() *rolling {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return &rolling{view: clusterView{Quorum: "ok", Nodes: []nodeView{
		{ID: "n1", Name: "alpha", Kind: "data", Role: "active", Ready: true, Started: at},
		{ID: "n2", Name: "beta", Kind: "data", Role: "standby", Ready: true, Self: true, Started: at},
		{ID: "n3", Name: "gamma", Kind: "witness", Role: "witness", Started: at},
	}}}
}

func (r *rolling) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	id, isRestart := strings.CutSuffix(strings.TrimPrefix(req.URL.Path, "/v1/cluster/nodes/"), "/restart")
	if !isRestart {
		json.NewEncoder(w).Encode(r.view)
		return
	}
	i := slices.IndexFunc(r.view.Nodes, func(n nodeView) bool { return n.ID == id })
	n := &r.view.Nodes[i]
	if id == r.bad {
		w.WriteHeader(409)
		io.WriteString(w, `{"faultstring":"it is no lbd."}`)
		return
	}
	r.order = append(r.order, n.Name)
	n.Started = n.Started.Add(time.Hour)
	if id == r.broke {
		n.Role, n.Why = "unknown", "silent for 5s"
	}
	if n.Role == "active" {
		n.Role, r.view.Nodes[1].Role = "standby", "active"
	}
	w.WriteHeader(202)
	io.WriteString(w, `{"version":"2.0"}`)
}

func TestUpgradeTakesTheActiveNodeLast(t *testing.T) {
	r := newRolling()
	code, out, errs := run(t, "", "upgrade", "--data-dir", serve(t, r.ServeHTTP))
	if want := []string{"beta", "gamma", "alpha"}; code != 0 || !slices.Equal(r.order, want) {
		t.Errorf("exit code %d, restarted %v, want %v: %s%s", code, r.order, want, out, errs)
	}
}

func TestUpgradeOfNodesThatHoldShares(t *testing.T) {
	r := newRolling()
	for i := range r.view.Nodes[:2] {
		r.view.Nodes[i].Role, r.view.Nodes[i].Share = "active", true
	}
	if code, out, errs := run(t, "", "upgrade", "--data-dir", serve(t, r.ServeHTTP)); code != 0 || len(r.order) != 3 {
		t.Errorf("exit code %d, restarted %v: %s%s", code, r.order, out, errs)
	}
}

func TestUpgradeStopsAtABadGate(t *testing.T) {
	for _, tc := range []struct {
		name     string
		spoil    func(*rolling)
		restarts int
		want     string
	}{
		{"a node does not come back", func(r *rolling) { r.broke = "n3" }, 2, "stopped after 1 of 3 nodes: node gamma, told to run 2.0: not ready within 300ms: it is not back: silent for 5s"},
		{"a bad binary", func(r *rolling) { r.bad = "n2" }, 0, "stopped after 0 of 3 nodes: node beta: it is no lbd. (HTTP 409)"},
		{"a node is down before", func(r *rolling) { r.view.Nodes[2].Role, r.view.Nodes[2].Why = "unknown", "silent for 1h" }, 0, "nothing was restarted: node gamma is silent for 1h"},
		{"a standby is not ready", func(r *rolling) { r.view.Nodes[1].Ready, r.view.Nodes[1].Why = false, "link down" }, 0, "nothing was restarted: node beta is not ready: link down"},
		{"no quorum", func(r *rolling) { r.view.Quorum = "lost" }, 0, "nothing was restarted: the quorum is lost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRolling()
			tc.spoil(r)
			code, _, errs := run(t, "", "upgrade", "--data-dir", serve(t, r.ServeHTTP), "--wait", "300ms")
			if code != 1 || len(r.order) != tc.restarts || strings.TrimSpace(errs) != "lbd upgrade: "+tc.want {
				t.Errorf("exit code %d, restarted %v, said %q, want %q", code, r.order, errs, tc.want)
			}
		})
	}
}

func TestRestartOfOneNode(t *testing.T) {
	for _, tc := range []struct{ arg, want string }{{"", "beta"}, {"alpha", "alpha"}, {"n3", "gamma"}} {
		r := newRolling()
		args := []string{"--data-dir", serve(t, r.ServeHTTP)}
		if tc.arg != "" {
			args = append(args, tc.arg)
		}
		if code, _, errs := run(t, "", "restart", args...); code != 0 || !slices.Equal(r.order, []string{tc.want}) {
			t.Errorf("restart %s: exit code %d, restarted %v: %s", tc.arg, code, r.order, errs)
		}
	}
}
