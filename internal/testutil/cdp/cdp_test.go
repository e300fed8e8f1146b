package cdp

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDrive(t *testing.T) {
	b := Start(t, Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		if r.URL.Path == "/script.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(`document.querySelector("form").onsubmit = e => {
				e.preventDefault(); document.querySelector("p").textContent = "hello " + document.querySelector("input").value }`))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><link rel=icon href=/script.js><form><input value=old><button>go</button></form><p></p>
			<i style="color:red">inline style</i><script type=module src=/script.js></script>`))
	}))
	t.Cleanup(srv.Close)

	p := b.Page(t)
	p.Navigate(srv.URL)
	p.Type("input", "world")
	p.Click("button")
	p.WaitText("p", "hello world")
	p.Type("input", "keys")
	p.Press("Enter")
	p.WaitText("p", "hello keys")
	if diff := cmp.Diff([]string{"inline style"}, p.Texts("i")); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	if n := len(p.Problems()); n != 1 {
		t.Errorf("%d problems, want the refused inline style only: %q", n, p.Problems())
	}
	p.Dark(true)
	p.Wait(`matchMedia("(prefers-color-scheme: dark)").matches`)
	p.Screenshot(filepath.Join(t.TempDir(), "page.png"))
}
