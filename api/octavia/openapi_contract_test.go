package octavia_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// schema of a description, references followed.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Enum       []string          `json:"enum"`
	Minimum    *int              `json:"minimum"`
	Maximum    *int              `json:"maximum"`
	Items      *schema           `json:"items"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
}

// TestContractDescription: every route is described, and what a request may say is
// what its handler reads.
func TestContractDescription(t *testing.T) {
	w := newPopulated(t)
	before := w.content()
	rec := w.raw("", "GET", "/v1/openapi.json", "")
	type media struct {
		Content map[string]struct{ Schema schema }
	}
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
			RequestBody *media
			Responses   map[string]media
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Code != http.StatusOK || d.OpenAPI != "3.1.0" {
		t.Fatalf("%d %v %s", rec.Code, err, d.OpenAPI)
	}
	follow := func(s schema) schema {
		if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
			return d.Components.Schemas[name]
		}
		return s
	}
	ids := map[string]bool{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operation id %q", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if n := strings.Count(path, "{"); n != len(op.Parameters) {
				t.Errorf("%s %s: %d parameters", method, path, len(op.Parameters))
			}
			collection := strings.HasPrefix(path, "/v2.0/lbaas/") && !strings.Contains(path, "quotas") && !strings.Contains(path, "providers")
			if collection && method == "post" && (op.RequestBody == nil || len(follow(op.RequestBody.Content["application/json"].Schema).Properties) == 0) {
				t.Errorf("%s %s: no request", method, path)
			}
			if collection && method == "get" && !strings.HasSuffix(path, "stats") && !strings.Contains(path, "status") && len(op.Responses["2XX"].Content) == 0 {
				t.Errorf("%s %s: no answer", method, path)
			}
		}
	}
	routes := 0
	for _, r := range w.server.Routes() {
		path := strings.ReplaceAll(r.Path, "*", ":rest")
		for part := range strings.SplitSeq(path, "/") {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				path = strings.Replace(path, part, "{"+name+"}", 1)
			}
		}
		if _, ok := d.Paths[path][strings.ToLower(r.Method)]; !ok {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
		routes++
	}
	if len(ids) != routes {
		t.Errorf("%d operations for %d routes", len(ids), routes)
	}

	request := func(path, method, noun string) schema {
		t.Helper()
		return follow(d.Paths[path][method].RequestBody.Content["application/json"].Schema).Properties[noun]
	}
	listener := request("/v2.0/lbaas/listeners", "post", "listener")
	port := listener.Properties["protocol_port"]
	if !slices.Contains(listener.Properties["protocol"].Enum, "UDP") || port.Minimum == nil || *port.Minimum != 1 || *port.Maximum != 65535 ||
		!slices.Contains(listener.Required, "protocol") || slices.Contains(listener.Required, "name") {
		t.Errorf("the listener of a request: %+v", listener)
	}
	tree := request("/load-balancer/v2/loadbalancers", "post", "loadbalancer")
	if deep := tree.Properties["pools"].Items.Properties["members"].Items.Properties["address"]; deep.Type != "string" {
		t.Errorf("a member in a tree: %+v", deep)
	}
	pool := request("/v2.0/lbaas/pools/{id}", "put", "pool")
	if kinds := pool.Properties["session_persistence"].Properties["type"].Enum; len(kinds) != 3 {
		t.Errorf("persistence: %v", kinds)
	}
	if after := w.content(); after != before {
		t.Error("describing changed something")
	}
}
