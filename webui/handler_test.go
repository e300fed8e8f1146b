package webui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ask sends one request to a fresh handler; header pairs follow the path.
func ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler("1.2.3<&>").ServeHTTP(w, r)
	return w.Result()
}

func content(t *testing.T, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		contentType  string
	}{
		{"GET", "/ui/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/ui/", 200, "text/html; charset=utf-8"},
		{"GET", "/ui/app.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/ui/views/login.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/ui/vendor/preact.mjs", 200, "text/javascript; charset=utf-8"},
		{"GET", "/ui/style.css", 200, "text/css; charset=utf-8"},
		{"GET", "/ui/favicon.svg", 200, "image/svg+xml"},
		{"GET", "/ui/vendor/htm.LICENSE.txt", 200, "text/plain; charset=utf-8"},
		{"GET", "/ui", 308, ""},
		{"GET", "/ui/index.html", 404, "text/plain; charset=utf-8"},
		{"GET", "/ui/views/", 404, "text/plain; charset=utf-8"},
		{"GET", "/ui/../handler.go", 404, "text/plain; charset=utf-8"},
		{"GET", "/app.js", 404, "text/plain; charset=utf-8"},
		{"POST", "/ui/", 405, "text/plain; charset=utf-8"},
		{"DELETE", "/ui/app.js", 405, "text/plain; charset=utf-8"},
		{"OPTIONS", "/ui/", 405, "text/plain; charset=utf-8"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			r := ask(t, c.method, c.path)
			if r.StatusCode != c.status {
				t.Errorf("status %d, want %d", r.StatusCode, c.status)
			}
			if got := r.Header.Get("Content-Type"); c.contentType != "" && got != c.contentType {
				t.Errorf("Content-Type %q, want %q", got, c.contentType)
			}
			if got := r.Header.Get("Allow"); (c.status == 405) != (got == "GET, HEAD") {
				t.Errorf("Allow %q with status %d", got, c.status)
			}
			// Every answer, errors too, carries the policy.
			want := map[string]string{
				"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
				"X-Content-Type-Options":  "nosniff",
				"Referrer-Policy":         "no-referrer",
			}
			got := map[string]string{}
			for k := range want {
				got[k] = r.Header.Get(k)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if c.method == "HEAD" && len(content(t, r)) != 0 {
				t.Error("HEAD has a body")
			}
		})
	}
}

// TestSlashTakenByTheServer: a router may rewrite "/ui/" to "/ui" before it calls
// the handler; a redirect to "/ui/" would then never end.
func TestSlashTakenByTheServer(t *testing.T) {
	for target, status := range map[string]int{"/ui/": 200, "/ui/?x=1": 200, "http://lb.example/ui/": 200, "/ui": 308, "/ui?x=1": 308} {
		t.Run(target, func(t *testing.T) {
			r := httptest.NewRequest("GET", target, nil)
			r.URL.Path = "/ui"
			w := httptest.NewRecorder()
			Handler("").ServeHTTP(w, r)
			if w.Code != status {
				t.Errorf("status %d, want %d", w.Code, status)
			}
		})
	}
}

func TestVersionIsEscaped(t *testing.T) {
	page := string(content(t, ask(t, "GET", "/ui/")))
	if !strings.Contains(page, `content="1.2.3&lt;&amp;&gt;"`) || strings.Contains(page, versionMark) {
		t.Errorf("version not put in, or not escaped:\n%s", page)
	}
}

func TestRevalidation(t *testing.T) {
	const path = "/ui/app.js"
	plain := ask(t, "GET", path).Header.Get("ETag")
	zipped := ask(t, "GET", path, "Accept-Encoding", "gzip").Header.Get("ETag")
	if plain == "" || zipped == "" || plain == zipped {
		t.Fatalf("ETags %q and %q: want two different ones", plain, zipped)
	}
	for _, c := range []struct {
		name, match, encoding string
		status                int
	}{
		{"same", plain, "", 304},
		{"weak", "W/" + plain, "", 304},
		{"in a list", `"x", ` + plain, "", 304},
		{"star", "*", "", 304},
		{"zipped", zipped, "gzip", 304},
		{"other representation", plain, "gzip", 200},
		{"other content", `"x"`, "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(t, "GET", path, "If-None-Match", c.match, "Accept-Encoding", c.encoding)
			if r.StatusCode != c.status {
				t.Errorf("status %d, want %d", r.StatusCode, c.status)
			}
			if n := len(content(t, r)); (n == 0) != (c.status == 304) {
				t.Errorf("%d bytes of body with status %d", n, r.StatusCode)
			}
			if r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("caches are not told to ask: %v", r.Header)
			}
		})
	}
	if other := ask(t, "GET", "/ui/api.js").Header.Get("ETag"); other == plain {
		t.Error("two files have one ETag")
	}
}

func TestGzip(t *testing.T) {
	const path = "/ui/style.css"
	want := content(t, ask(t, "GET", path))
	for encoding, zipped := range map[string]bool{
		"":                      false,
		"gzip":                  true,
		"br, GZIP":              true,
		"*":                     true,
		"*;q=0.5":               true,
		"identity":              false,
		"gzip;q=0":              false,
		"gzip; q=0.000, *;q=1":  false,
		"deflate, gzip;q=0.001": true,
	} {
		t.Run(encoding, func(t *testing.T) {
			r := ask(t, "GET", path, "Accept-Encoding", encoding)
			got := content(t, r)
			if r.ContentLength != int64(len(got)) {
				t.Errorf("Content-Length %d, body %d", r.ContentLength, len(got))
			}
			if z := r.Header.Get("Content-Encoding") == "gzip"; z != zipped {
				t.Fatalf("zipped %v, want %v", z, zipped)
			}
			if zipped {
				zr, err := gzip.NewReader(bytes.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				if got, err = io.ReadAll(zr); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, want) {
				t.Error("content differs")
			}
		})
	}
}
