package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/api"
	"lbd/api/admin"
	"lbd/api/deps"
	"lbd/api/identity"
	"lbd/api/keymanager"
	"lbd/api/network"
	"lbd/api/octavia"
	"lbd/store"
	"lbd/store/model"
)

type noReports struct{}

func (noReports) Reports() []model.Heard   { return nil }
func (noReports) Changed() <-chan struct{} { return nil }

var param = regexp.MustCompile(`[:*][a-z]*`)

// TestVersionsAtTheBareAddress: a client that logs in finds identity in the list of
// versions of GET /, and still Octavia's newest one as the last. Without logins there
// is nothing but Octavia's: a client without a token would take networking for a v3.
func TestVersionsAtTheBareAddress(t *testing.T) {
	for noAuth, first := range map[bool]string{false: "v3.14", true: "v2.0"} {
		cfg := deps.Config{Plain: true, TokenKey: []byte("0123456789abcdef0123456789abcdef"), NoAuth: noAuth}
		st, log := store.New(), slog.New(slog.DiscardHandler)
		id := identity.New(cfg, st, nil, nil, log)
		s := api.New(cfg, api.Deps{Auth: id, Reader: st, Log: log}, id, octavia.New(nil, st, noReports{}, &leader{}))
		for path, want := range map[string]string{"/": first, "/load-balancer": "v2.0"} {
			rec := httptest.NewRecorder()
			s.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://h:9876"+path, nil))
			var d struct {
				Versions []struct {
					ID, Status string
					Links      []struct{ Href, Rel string }
				}
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || len(d.Versions) < 2 {
				t.Fatalf("GET %s: %v %s", path, err, rec.Body)
			}
			last := d.Versions[len(d.Versions)-1]
			if d.Versions[0].ID != want || last.ID != "v2.30" || last.Status != "CURRENT" {
				t.Errorf("GET %s, without logins %v: first %+v, last %+v", path, noAuth, d.Versions[0], last)
			}
			if href := d.Versions[0].Links[0].Href; want == "v3.14" && href != "http://h:9876/identity/v3/" {
				t.Errorf("identity is at %s", href)
			}
		}
	}
}

// whole is the server with all parts, in the order in which a node mounts them.
func whole(noAuth bool) *api.Server {
	cfg := deps.Config{Plain: true, TokenKey: []byte("0123456789abcdef0123456789abcdef"), NoAuth: noAuth}
	st, log := store.New(), slog.New(slog.DiscardHandler)
	id := identity.New(cfg, st, nil, nil, log)
	return api.New(cfg, api.Deps{Auth: id, Basic: id.Basic, Local: id.LocalAdmin, Reader: st, Cluster: &leader{}, Log: log},
		id, network.New(nil, st), octavia.New(nil, st, noReports{}, &leader{}), keymanager.New(nil, st, nil), admin.New(st, noReports{}, &leader{}).WithSpread(nil))
}

// TestOnlyTheseRoutesAreOpen: with all parts mounted, everything but a short
// list asks for a token, whatever the method.
func TestOnlyTheseRoutesAreOpen(t *testing.T) {
	s := whole(false)
	ask := func(method, path string) int {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, httptest.NewRequest(method, "http://h"+path, strings.NewReader("{}")))
		if rec.Code == http.StatusUnauthorized && rec.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s: 401 without WWW-Authenticate", method, path)
		}
		return rec.Code
	}
	var open []string
	paths := map[string]bool{}
	for _, r := range s.Routes() {
		paths[r.Path] = true
		if r.Public {
			open = append(open, r.Method+" "+r.Path)
			continue
		}
		if status := ask(r.Method, param.ReplaceAllString(r.Path, "x")); status != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d", r.Method, r.Path, status)
		}
	}
	slices.Sort(open)
	want := []string{
		"GET /", "GET /healthcheck", "GET /identity", "GET /identity/v3", "GET /key-manager", "GET /key-manager/v1", "GET /load-balancer", "GET /load-balancer/healthcheck",
		"GET /networking", "GET /networking/v2.0", "GET /v1/openapi", "GET /v3", "HEAD /", "HEAD /healthcheck", "HEAD /identity", "HEAD /identity/v3", "HEAD /load-balancer", "HEAD /load-balancer/healthcheck", "HEAD /v3",
		"POST /", "POST /identity/v3/auth/tokens", "POST /identity/v3/users/:id/password", "POST /load-balancer", "POST /v1/cluster/join", "POST /v3/auth/tokens", "POST /v3/users/:id/password",
	}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("open routes (-want +got):\n%s", diff)
	}
	for path := range paths {
		for _, method := range []string{"HEAD", "OPTIONS", "PATCH", "PUT", "DELETE", "TRACE"} {
			if slices.Contains(open, method+" "+path) {
				continue
			}
			if status := ask(method, param.ReplaceAllString(path, "x")); status != http.StatusUnauthorized {
				t.Errorf("%s %s without a token: %d", method, path, status)
			}
		}
	}
	if len(paths) < 150 {
		t.Errorf("only %d paths: are all parts mounted?", len(paths))
	}
}
