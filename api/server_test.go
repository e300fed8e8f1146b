package api_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"lbd/api"
	"lbd/api/auth"
	"lbd/store"
)

func TestAnswers(t *testing.T) {
	const (
		unauthorized = `{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}`
		notFound     = `{"code":404,"title":"Not Found","description":""}`
		notAllowed   = `{"code":405,"title":"Method Not Allowed","description":""}`
	)
	w := newWorld(t)
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string
	}{
		{"public without a token", "GET", "/", "", nil, 200, `"open"`},
		{"no token", "GET", "/v2.0/things/1", "", nil, 401, unauthorized},
		{"bad token", "GET", "/v2.0/things/1", "", []string{"X-Auth-Token: bad"}, 401, unauthorized},
		{"no token on a path that is not there", "GET", "/nowhere", "", nil, 401, unauthorized},
		{"no token and a wrong method", "PATCH", "/v2.0/things/1", "", nil, 401, unauthorized},
		{"no token and OPTIONS", "OPTIONS", "/v2.0/things/1", "", nil, 401, unauthorized},
		{"the directory is away", "GET", "/v2.0/things/1", "", []string{"X-Auth-Token: nobody can tell"}, 503, `{"faultcode":"Server","faultstring":"the directory is away","debuginfo":null}`},
		{"token", "GET", "/v2.0/things/1?x=y", "", []string{good}, 200, `{"base":"http://lbd.example:9876","caller":"u1","id":"1","query":"x=y"}`},
		{"bearer token", "GET", "/v2.0/things/1", "", []string{"Authorization: Bearer good"}, 200, `{"base":"http://lbd.example:9876","caller":"u1","id":"1","query":""}`},
		{"basic without anybody to check it", "GET", "/v2.0/things/1", "", []string{"Authorization: Basic YTpi"}, 401, unauthorized},
		{"no such path", "GET", "/nowhere", "", []string{good}, 404, notFound},
		{"HEAD of a resource", "HEAD", "/v2.0/things/1", "", []string{good}, 405, notAllowed},
		{"PATCH of a resource", "PATCH", "/v2.0/things/1", "", []string{good}, 405, notAllowed},
		{"OPTIONS of a resource", "OPTIONS", "/v2.0/things/1", "", []string{good}, 200, ""},
		{"OPTIONS of nothing", "OPTIONS", "/nowhere", "", []string{good}, 404, notFound},
		{"trailing slash", "GET", "/v2.0/things/1/", "", []string{good}, 200, `{"base":"http://lbd.example:9876","caller":"u1","id":"1","query":""}`},
		{".json", "GET", "/v2.0/things/1.json", "", []string{good}, 200, `{"base":"http://lbd.example:9876","caller":"u1","id":"1","query":""}`},
		{"escaped id", "GET", "/v2.0/things/a%20%41%C3%BC", "", []string{good}, 200, `{"base":"http://lbd.example:9876","caller":"u1","id":"a A\u00fc","query":""}`},
		{"panic", "GET", "/panic", "", []string{good}, 500, `{"faultcode":"Server","faultstring":"Something unknown went wrong","debuginfo":null}`},
		{"unexpected error keeps its detail", "GET", "/fails", "", []string{good}, 500, `{"faultcode":"Server","faultstring":"Something unknown went wrong","debuginfo":null}`},
		{"refusal", "GET", "/refuses", "", []string{good}, 503, `{"faultcode":"Server","faultstring":"no leader","debuginfo":null}`},
		{"body", "POST", "/v2.0/things", `{"a":1}`, []string{good}, 200, "7"},
		{"body with charset", "POST", "/v2.0/things", `{"a":1}`, []string{good, "Content-Type: application/json; charset=utf-8"}, 200, "7"},
		{"other media type", "POST", "/v2.0/things", "a", []string{good, "Content-Type: text/plain"}, 415, `{"faultcode":"Client","faultstring":"Unknown mimetype: text/plain","debuginfo":null}`},
		{"a form", "POST", "/v2.0/things", "name=x", []string{good, "Content-Type: application/x-www-form-urlencoded"}, 400, `{"faultcode":"Client","faultstring":"Unknown argument: \"name\"","debuginfo":null}`},
		{"Accept: JSON", "GET", "/v2.0/things/1?", "", []string{good, "Accept: text/html, application/json;q=0.5"}, 200, `{"base":"http://lbd.example:9876","caller":"u1","id":"1","query":""}`},
		{"Accept: anything", "POST", "/v2.0/things", "", []string{good, "Accept: */*"}, 200, "0"},
		{"Accept: unparsable", "POST", "/v2.0/things", "", []string{good, "Accept: ;;"}, 200, "0"},
		{"Accept: no media type", "POST", "/v2.0/things", "", []string{good, "Accept: garbage"}, 200, "0"},
		{"Accept: HTML only", "GET", "/v2.0/things/1", "", []string{good, "Accept: text/html"}, 406, `{"code":406,"title":"Not Acceptable","description":"Only media type application/json is accepted"}`},
		{"Accept: JSON not", "GET", "/v2.0/things/1", "", []string{good, "Accept: application/json;q=0"}, 406, `{"code":406,"title":"Not Acceptable","description":"Only media type application/json is accepted"}`},
		{"no such path of identity", "GET", "/identity/v3/nowhere", "", []string{good}, 404, `{"error":{"code":404,"title":"Not Found","message":"The resource could not be found."}}`},
		{"a method that identity lacks", "PATCH", "/v3/things", "", []string{good}, 405, `{"error":{"code":405,"title":"Method Not Allowed","message":"The method is not allowed for this resource."}}`},
		{"other media type, to identity", "POST", "/v3/things", "a", []string{good, "Content-Type: text/plain"}, 415, `{"error":{"code":415,"title":"Unsupported Media Type","message":"Unknown mimetype: text/plain"}}`},
		{"Accept: HTML only, of identity", "POST", "/v3/things", "", []string{good, "Accept: text/html"}, 406, `{"error":{"code":406,"title":"Not Acceptable","message":"Only media type application/json is accepted"}}`},
		{"no such path of networking", "GET", "/networking/v2.0/nowhere", "", []string{good}, 404, `{"NeutronError":{"type":"HTTPNotFound","message":"The resource could not be found.","detail":""}}`},
		{"no such path of load balancing, below networking", "GET", "/networking/v2.0/lbaas/nowhere", "", []string{good}, 404, notFound},
		{"no such path of the key manager", "GET", "/key-manager/v1/nowhere", "", []string{good}, 404, `{"code":404,"title":"Not Found","description":"The resource could not be found."}`},
		{"health", "GET", "/healthcheck", "", nil, 200, "OK"},
		{"health below the mount", "GET", "/load-balancer/healthcheck", "", []string{"Accept: application/json"}, 200, `{"detailed":false,"reasons":["OK"]}`},
		{"health for a browser", "GET", "/healthcheck", "", []string{"Accept: text/html"}, 200, "<!DOCTYPE html>\n<html><head><title>Healthcheck</title></head><body><p>OK</p></body></html>\n"},
		{"health by HEAD", "HEAD", "/healthcheck", "", nil, 204, ""},
		{"metrics without a token", "GET", "/metrics", "", nil, 401, unauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := w.ask(tc.method, tc.path, tc.body, tc.headers...)
			if rec.Code != tc.status || rec.Body.String() != tc.want {
				t.Errorf("%s %s: %d %s, want %d %s", tc.method, tc.path, rec.Code, rec.Body, tc.status, tc.want)
			}
			if ct := rec.Header().Get("Content-Type"); strings.HasPrefix(tc.want, "{") && ct != "application/json" {
				t.Errorf("Content-Type is %q", ct)
			}
			if tc.status == 401 && !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), `Keystone uri="http://lbd.example:9876/`) {
				t.Errorf("WWW-Authenticate is %q", rec.Header().Get("WWW-Authenticate"))
			}
			if id := rec.Header().Get("X-Openstack-Request-Id"); !regexp.MustCompile(`^req-[0-9a-f-]{36}$`).MatchString(id) {
				t.Errorf("request id is %q", id)
			}
			if index := rec.Header().Get("X-Lbd-Index"); index != "7" {
				t.Errorf("X-Lbd-Index is %q", index)
			}
		})
	}
	if n := testutil.CollectAndCount(w.reg, "lbd_api_panics_total"); n != 1 {
		t.Errorf("%d panic counters", n)
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t, func(w *world) { w.deps.Healthy = func() error { return errors.New("no quorum") } })
	for _, tc := range []struct {
		method, accept string
		want           string
	}{
		{"GET", "", "The node is not healthy: no quorum"},
		{"GET", "application/json", `{"detailed":false,"reasons":["The node is not healthy: no quorum"]}`},
		{"HEAD", "", ""},
	} {
		rec := w.ask(tc.method, "/healthcheck", "", "Accept: "+tc.accept)
		if rec.Code != http.StatusServiceUnavailable || rec.Body.String() != tc.want {
			t.Errorf("%s %q: %d %s", tc.method, tc.accept, rec.Code, rec.Body)
		}
	}
}

func TestConsistentReads(t *testing.T) {
	w := newWorld(t)
	if rec := w.ask("GET", "/v2.0/things/1?consistent=true&name=x", "", good); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"query":"name=x"`) {
		t.Errorf("leader confirmed: %d %s", rec.Code, rec.Body)
	}
	w.leader.err = store.Errorf(store.Unavailable, "no leader for 5s")
	if rec := w.ask("GET", "/v2.0/things/1?consistent=false", "", good); rec.Code != 200 {
		t.Errorf("not asked for: %d %s", rec.Code, rec.Body)
	}
	rec := w.ask("GET", "/v2.0/things/1?consistent=true", "", good)
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "no leader for 5s") {
		t.Errorf("leader not confirmed: %d %s", rec.Code, rec.Body)
	}
}

func TestStatusOfEveryKind(t *testing.T) {
	for kind, want := range map[store.Kind]int{
		store.NotFound: 404, store.Invalid: 400, store.Conflict: 409, store.Quota: 403, store.Forbidden: 403,
		store.Unavailable: 503, store.Unsupported: 501, "something new": 500,
	} {
		if got := api.StatusOf(kind); got != want {
			t.Errorf("%s is %d, want %d", kind, got, want)
		}
	}
}

func TestASCII(t *testing.T) {
	b, err := api.ASCII(map[string]string{"ü": "<&>€𝄞\n\x00"})
	if want := `{"\u00fc":"<&>\u20ac\ud834\udd1e\n\u0000"}`; err != nil || string(b) != want {
		t.Errorf("%s %v, want %s", b, err, want)
	}
}

// FuzzASCII: what comes out is ASCII and means the same.
func FuzzASCII(f *testing.F) {
	for _, s := range []string{"", "plain", "ü€𝄞", "\x00\x7f", `"\u00fc"`, "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := api.ASCII(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b {
			if c >= 0x80 {
				t.Fatalf("%q", b)
			}
		}
		if got, want := decode(t, b), strings.ToValidUTF8(s, "\ufffd"); strings.ToValidUTF8(got, "") != want && !strings.Contains(want, "\ufffd") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func TestRequestTimeIsBounded(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.deps.Limits = api.DefaultLimits()
		w.deps.Limits.Time = 20 * time.Millisecond
	})
	rec := w.ask("GET", "/waits", "", good)
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "not finished in time") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestAdminOfTheLocalSocketNeedsNoToken(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.deps.Local = func() (*auth.Caller, error) { return &auth.Caller{UserID: "local"}, nil }
	})
	port, local := pipeListener(t), pipeListener(t)
	w.run(port, local)
	for _, tc := range []struct {
		name string
		l    interface {
			DialContext(context.Context, string, string) (conn, error)
		}
		want int
	}{{"socket", local, 200}, {"port", port, 401}} {
		tr := &http.Transport{DialContext: tc.l.DialContext}
		res, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get("http://node/v2.0/things/1")
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != tc.want {
			t.Errorf("%s: %d %s", tc.name, res.StatusCode, bodyOf(t, res))
		}
		_ = res.Body.Close()
		tr.CloseIdleConnections()
	}
}
