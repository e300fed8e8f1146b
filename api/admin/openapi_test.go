package admin_test

import (
	"slices"
	"strings"
	"testing"
)

// TestDescription: /v1/openapi.json says what requests may have and answers have.
func TestDescription(t *testing.T) {
	w := newWorld(t)
	_, d := w.call("", "GET", "/v1/openapi.json", "")
	properties := func(of any) (obj, bool) {
		o, _ := of.(obj)
		content, _ := o["content"].(obj)
		json, ok := content["application/json"].(obj)
		if !ok {
			return nil, false
		}
		s := json["schema"].(obj)
		ref, _ := s["$ref"].(string)
		if name, ok := strings.CutPrefix(ref, "#/components/schemas/"); ok {
			s = d["components"].(obj)["schemas"].(obj)[name].(obj)
		}
		props, _ := s["properties"].(obj)
		return props, true
	}
	// 204, and a stream of events; these take no body, or do not look at it.
	noAnswer := []string{"post /v1/cluster/approve", "post /v1/cluster/switchover", "delete /v1/cluster/nodes/{node}", "get /v1/events", "get /v1/openapi"}
	noRequest := []string{"post /v1/cluster/nodes/{node}/restart"}
	n := 0
	for path, ops := range d["paths"].(obj) {
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		for method, op := range ops.(obj) {
			n++
			what := method + " " + path
			if props, _ := properties(op.(obj)["responses"].(obj)["2XX"]); (len(props) == 0) != slices.Contains(noAnswer, what) {
				t.Errorf("%s: the answer has %v", what, props)
			}
			if _, ok := properties(op.(obj)["requestBody"]); ok != ((method == "post" || method == "put") && !slices.Contains(noRequest, what)) {
				t.Errorf("%s: a request has a body: %v", what, ok)
			}
		}
	}
	if n != 18 {
		t.Errorf("%d operations", n)
	}
	join, _ := properties(d["paths"].(obj)["/v1/cluster/join"].(obj)["post"].(obj)["requestBody"])
	if join["csr"] == nil || join["token"] == nil {
		t.Errorf("a request to join: %v", join)
	}
	cluster, _ := properties(d["paths"].(obj)["/v1/cluster"].(obj)["get"].(obj)["responses"].(obj)["2XX"])
	if nodes, _ := cluster["nodes"].(obj); nodes["items"] == nil {
		t.Errorf("the cluster: %v", cluster)
	}
	if len(w.calls) != 0 {
		t.Errorf("describing did %v", w.calls)
	}
}
