package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
	"lbd/internal/testutil/pki"
)

// TestHTTP2Conformance: a browser's protocol is spoken on a TLS listener, and
// h2spec finds no fault with it.
func TestHTTP2Conformance(t *testing.T) {
	out, err := exec.Command("go", "tool", "-modfile=../tools/go.mod", "-n", "h2spec").Output()
	if err != nil {
		t.Fatalf("build h2spec: %v", err)
	}
	h2spec := strings.TrimSpace(string(out))
	w := harness.New(t, harness.Options{Nodes: 1})
	w.StartCluster()
	s := w.MakeService(nil)
	n := w.Nodes[0]
	ca := pki.NewCA(t, "ca")
	n.Post(harness.Octavia+"listeners", "listener", map[string]any{
		"loadbalancer_id": s.LB, "protocol": "TERMINATED_HTTPS", "protocol_port": 443, "default_pool_id": s.Pool,
		"default_tls_container_ref": storeSecret(t, n, ca.ECDSA("www.example").PKCS12(t, "")),
	})
	w.Until(10*time.Second, "a page over HTTP/2", func() error {
		page, err := w.Curl("--fail", "--insecure", "--http2", "--write-out", "HTTP/%{http_version}", "--resolve", "www.example:443:"+s.FIP, "https://www.example/")
		if err == nil && (!strings.HasPrefix(page, "page ") || !strings.HasSuffix(page, "HTTP/2")) {
			err = errorf("the page is %q", page)
		}
		return err
	})
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	report, err := w.Client.Run(ctx, h2spec, "--tls", "--insecure", "--host", s.FIP, "--port", "443", "--timeout", "5")
	if err != nil || !strings.Contains(report, "0 failed") {
		t.Errorf("h2spec: %v\n%s", err, report)
	}
}
