package keymanager_test

import (
	"slices"
	"strings"
	"testing"
)

// TestDescription: /v1/openapi.json says what requests may have and answers have.
func TestDescription(t *testing.T) {
	w := newWorld(t)
	_, d := w.call("", "GET", "/v1/openapi.json", "")
	properties := func(of any) obj {
		o, _ := of.(obj)
		content, _ := o["content"].(obj)
		json, _ := content["application/json"].(obj)
		s, _ := json["schema"].(obj)
		ref, _ := s["$ref"].(string)
		if name, ok := strings.CutPrefix(ref, "#/components/schemas/"); ok {
			s = d["components"].(obj)["schemas"].(obj)[name].(obj)
		}
		props, _ := s["properties"].(obj)
		return props
	}
	// Payloads are no JSON; the last does not look at its body.
	other := []string{"get /key-manager/v1/secrets/{id}", "put /key-manager/v1/secrets/{id}", "get /key-manager/v1/secrets/{id}/payload"}
	asked, answered := 0, 0
	for path, ops := range d["paths"].(obj) {
		if !strings.HasPrefix(path, "/key-manager/v1/") || strings.Contains(path, "/orders") {
			continue
		}
		for method, op := range ops.(obj) {
			what := method + " " + path
			if slices.Contains(other, what) {
				continue
			}
			if method != "get" && (method != "delete" || strings.HasSuffix(path, "/consumers") || strings.HasSuffix(path, "/{id}/secrets")) {
				asked++
				if len(properties(op.(obj)["requestBody"])) == 0 {
					t.Errorf("%s: no request", what)
				}
			}
			if method != "delete" {
				answered++
				if len(properties(op.(obj)["responses"].(obj)["2XX"])) == 0 {
					t.Errorf("%s: no answer", what)
				}
			}
		}
	}
	if asked != 15 || answered != 22 {
		t.Errorf("%d requests and %d answers", asked, answered)
	}
	secret := properties(d["paths"].(obj)["/key-manager/v1/secrets"].(obj)["post"].(obj)["requestBody"])
	if secret["payload"] == nil || secret["payload_content_type"] == nil || secret["secret_type"].(obj)["enum"] == nil {
		t.Errorf("a secret: %v", secret)
	}
	container := properties(d["paths"].(obj)["/key-manager/v1/containers"].(obj)["post"].(obj)["requestBody"])
	if refs := container["secret_refs"].(obj)["items"].(obj)["properties"].(obj); refs["secret_ref"] == nil {
		t.Errorf("a container: %v", container)
	}
}
