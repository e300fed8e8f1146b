package keystone

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
)

type whoami struct{}

func (whoami) Mount(r *api.Router) {
	r.Handle("GET", "/whoami", func(c echo.Context) error { return c.JSON(200, auth.From(c.Request().Context()).UserName) })
}

// TestIdentityPathsPointToKeystone: discovery names it, logins are passed on,
// all else is redirected; and a token that was revoked through lbd is not
// remembered.
func TestIdentityPathsPointToKeystone(t *testing.T) {
	var got *http.Request
	var body string
	revoked := false
	k := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		switch {
		case r.Method == "POST" && r.Header.Get("Content-Type") == "application/json":
			w.Header().Set("X-Subject-Token", "good")
			w.Header().Set("Set-Cookie", "not=ours")
			w.WriteHeader(201)
			io.WriteString(w, `{"token":{}}`)
		case r.Method == "DELETE":
			revoked = true
			w.WriteHeader(204)
		case r.Method == "GET" && !revoked:
			io.WriteString(w, `{"token":{"expires_at":"2999-01-01T00:00:00Z","user":{"id":"u","name":"bob"}}}`)
		default:
			w.WriteHeader(401)
			io.WriteString(w, `{"error":{"code":401}}`)
		}
	}))
	defer k.Close()
	c := newClient(t, k.URL+"/identity", nil)
	log := slog.New(slog.DiscardHandler)
	h := api.New(deps.Config{Plain: true}, api.Deps{Auth: c, Log: log}, c, whoami{}).Handler()
	do := func(method, path, in string, header ...string) (*httptest.ResponseRecorder, string) {
		t.Helper()
		r := httptest.NewRequest(method, "http://lbd"+path, strings.NewReader(in))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec, rec.Body.String()
	}
	for path, status := range map[string]int{"/identity": 300, "/identity/v3": 200, "/v3/": 200} {
		if rec, b := do("GET", path, ""); rec.Code != status || !strings.Contains(b, `"href":"`+k.URL+`/identity/v3/"`) {
			t.Errorf("GET %s: %d %s", path, rec.Code, b)
		}
	}
	if got != nil {
		t.Error("discovery asked keystone")
	}
	rec, b := do("POST", "/identity/v3/auth/tokens?nocatalog", `{"auth":1}`)
	if rec.Code != 201 || rec.Header().Get("X-Subject-Token") != "good" || b != `{"token":{}}` || rec.Header().Get("Set-Cookie") != "" {
		t.Errorf("login: %d %v %s", rec.Code, rec.Header(), b)
	}
	if got.URL.String() != "/identity/v3/auth/tokens?nocatalog" || body != `{"auth":1}` || got.Header.Get("X-Forwarded-For") != "192.0.2.1" {
		t.Errorf("passed on: %s %q %v", got.URL, body, got.Header)
	}
	if rec, b := do("GET", "/whoami", "", "X-Auth-Token", "good"); rec.Code != 200 || b != `"bob"` {
		t.Errorf("whoami: %d %s", rec.Code, b)
	}
	rec, _ = do("GET", "/identity/v3/users/x?y=z", "", "X-Auth-Token", "good")
	if rec.Code != 307 || rec.Header().Get("Location") != k.URL+"/identity/v3/users/x?y=z" {
		t.Errorf("redirect: %d %v", rec.Code, rec.Header())
	}
	if rec, _ := do("DELETE", "/v3/auth/tokens", "", "X-Auth-Token", "good", "X-Subject-Token", "good"); rec.Code != 204 {
		t.Errorf("revoke: %d", rec.Code)
	}
	if rec, _ := do("GET", "/whoami", "", "X-Auth-Token", "good"); rec.Code != 401 {
		t.Errorf("whoami after that: %d", rec.Code)
	}
	k.Close()
	if rec, b := do("POST", "/v3/auth/tokens", `{}`); rec.Code != 503 {
		t.Errorf("login without keystone: %d %s", rec.Code, b)
	}
	if rec, b := do("GET", "/whoami", "", "X-Auth-Token", "another"); rec.Code != 503 {
		t.Errorf("a token without keystone: %d %s", rec.Code, b)
	}
}
