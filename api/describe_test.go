package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"lbd/api/openapi"
)

// noRequest are routes that change something by their path alone; noAnswer those whose
// good answer is no JSON: 201, 202 or 204 without a body. Barbican's DELETE is another matter.
var (
	noRequest = regexp.MustCompile(`^(GET|HEAD|DELETE) |^POST /(load-balancer)?$|/tags/:tag$|/roles/:role$|/implies/:implied$|/groups/:id/users/:user$|/failover$|/config$|/nodes/:node/restart$|/spread/balance$`)
	consumers = regexp.MustCompile(`^DELETE .*/(consumers|containers/:id/secrets)$`)
	noAnswer  = regexp.MustCompile(`^(HEAD|DELETE) |/tags/:tag$|/roles/:role$|/groups/:id/users/:user$|/failover$|/config$|/users/:id/password$|/cluster/(approve|switchover)$|^PUT .*/pools/:pool/members$|/v1/openapi$`)
)

// TestEveryRouteIsDescribed: /v1/openapi.json says of every route what it reads and what
// it answers. A route that is new says so, too, or is one of the few above.
func TestEveryRouteIsDescribed(t *testing.T) {
	s := whole(false)
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://h/v1/openapi.json", nil))
	type body struct {
		Content map[string]struct{ Schema openapi.Schema }
	}
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody *body
			Responses   map[string]body
		}
		Components struct{ Schemas map[string]openapi.Schema }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Code != http.StatusOK {
		t.Fatal(rec.Code, err, rec.Body)
	}
	says := func(b *body) bool {
		if b == nil {
			return false
		}
		name, _ := strings.CutPrefix(b.Content["application/json"].Schema.Ref, "#/components/schemas/")
		s := d.Components.Schemas[name]
		return len(s.Properties) > 0 || len(s.Enum) > 0
	}
	judged, refused := 0, 0
	for _, r := range s.Routes() {
		op, ok := d.Paths[param.ReplaceAllStringFunc(r.Path, func(p string) string {
			return "{" + strings.NewReplacer(":", "", "*", "rest").Replace(p) + "}"
		})][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not described", r.Method, r.Path)
			continue
		}
		good, done := op.Responses["2XX"]
		if done == r.Refused {
			t.Errorf("%s %s: refused %v, done %v", r.Method, r.Path, r.Refused, done)
		}
		if r.Refused {
			refused++
		}
		if r.Raw || r.Refused {
			continue
		}
		judged++
		route := r.Method + " " + r.Path
		if silent := noRequest.MatchString(route) && !consumers.MatchString(route); silent == says(op.RequestBody) {
			t.Errorf("%s: says what it reads: %v", route, silent)
		}
		if silent := noAnswer.MatchString(route) && (!consumers.MatchString(route) || strings.HasSuffix(route, "/secrets")); silent == says(&good) {
			t.Errorf("%s: says what it answers: %v", route, silent)
		}
	}
	if judged < 400 || refused < 100 {
		t.Errorf("only %d routes were judged, and %d refused", judged, refused)
	}
}

// TestRefusedRoutesRefuse: what is described as never done is not done for an admin.
func TestRefusedRoutesRefuse(t *testing.T) {
	s := whole(true)
	for _, r := range s.Routes() {
		if !r.Refused {
			continue
		}
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, httptest.NewRequest(r.Method, "http://h"+param.ReplaceAllString(r.Path, "x"), strings.NewReader("{}")))
		if rec.Code < 400 || rec.Code == http.StatusUnauthorized || rec.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: %d %s", r.Method, r.Path, rec.Code, rec.Body)
		}
	}
}
