package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
	"lbd/internal/testutil/pki"
)

const keyManager = "/key-manager/v1/"

// storeSecret keeps bytes in the key manager and returns the ref.
func storeSecret(t *testing.T, n *harness.Node, payload []byte) string {
	t.Helper()
	status, b, err := n.API("POST", keyManager+"secrets", map[string]any{
		"payload": base64.StdEncoding.EncodeToString(payload), "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64",
	})
	var out struct {
		Ref string `json:"secret_ref"`
	}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil || status != 201 {
		t.Fatalf("store a secret: %d %s %v", status, b, err)
	}
	return out.Ref
}

// TestTLSOnARealCluster: a certificate from the key manager serves; it is swapped
// under load without one failed request; a session made on one node is resumed on
// the other after a failover; clients' certificates are asked for; nothing in the
// data directories shows a key.
func TestTLSOnARealCluster(t *testing.T) {
	for _, tool := range []string{"openssl", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIP %s: %s is not installed", t.Name(), tool)
		}
	}
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(nil)
	n := w.Nodes[0]

	dir := t.TempDir()
	file := func(name string, b []byte) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ca, clients := pki.NewCA(t, "lbd test CA"), pki.NewCA(t, "clients")
	first, second, rsa, visitor := ca.ECDSA("www.example"), ca.ECDSA("www.example"), ca.RSA("*.wild.example"), clients.ECDSA("visitor")
	caFile := file("ca.pem", ca.PEM())
	refs := []string{storeSecret(t, n, first.PKCS12(t, "")), storeSecret(t, n, second.PKCS12(t, ""))}
	rsaRef, caRef := storeSecret(t, n, rsa.PKCS12(t, "")), storeSecret(t, n, clients.PEM())
	listener := n.Post(harness.Octavia+"listeners", "listener", map[string]any{
		"loadbalancer_id": s.LB, "protocol": "TERMINATED_HTTPS", "protocol_port": 443, "default_pool_id": s.Pool,
		"default_tls_container_ref": refs[0], "sni_container_refs": []string{rsaRef}, "hsts_max_age": 60,
	})["id"].(string)
	change := func(attrs map[string]any) {
		t.Helper()
		status, b, err := n.API("PUT", harness.Octavia+"listeners/"+listener, map[string]any{"listener": attrs})
		if status != 200 || err != nil {
			t.Fatalf("change the listener: %d %s %v", status, b, err)
		}
	}
	https := func(args ...string) (string, error) {
		return w.Curl(append([]string{"--fail", "--cacert", caFile, "--resolve", "www.example:443:" + s.FIP}, args...)...)
	}
	w.Until(10*time.Second, "a page over TLS", func() error {
		page, err := https("https://www.example/")
		if err == nil && !strings.HasPrefix(page, "page ") {
			err = errorf("the page is %q", page)
		}
		return err
	})
	if head, err := https("--head", "https://www.example/"); err != nil || !strings.Contains(strings.ToLower(head), "strict-transport-security: max-age=60;") {
		t.Errorf("no HSTS: %v\n%s", err, head)
	}
	openssl := func(args string) string {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		out, err := w.Client.Run(ctx, "sh", "-c", "printf 'GET / HTTP/1.0\\r\\nHost: www.example\\r\\n\\r\\n' | openssl s_client -connect "+s.FIP+":443 -ign_eof "+args+" 2>&1")
		if err != nil {
			t.Logf("openssl %s: %v", args, err)
		}
		return out
	}
	for args, want := range map[string]string{
		"-servername www.example -CAfile " + caFile:               "Verify return code: 0 (ok)",
		"-servername a.wild.example -CAfile " + caFile:            "CN = *.wild.example",
		"-servername www.example -tls1_2 -alpn http/1.1":          "ALPN protocol: http/1.1",
		"-servername www.example -tls1_3":                         "TLSv1.3",
		"-servername www.example -tls1_1 -cipher ALL:@SECLEVEL=0": "alert protocol version",
	} {
		if out := openssl(args); !strings.Contains(out, want) {
			t.Errorf("openssl %s shows no %q:\n%s", args, want, out)
		}
	}

	t.Run("swapped under load", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		type load struct {
			n   int
			err error
		}
		done := make(chan load)
		go func() {
			var l load
			for ctx.Err() == nil && l.err == nil {
				_, l.err = https("https://www.example/", "https://www.example/") // two on one connection
				l.n++
			}
			done <- l
		}()
		for i := range 20 {
			change(map[string]any{"default_tls_container_ref": refs[(i+1)%2]})
		}
		cancel()
		if l := <-done; l.err != nil || l.n < 2 {
			t.Errorf("after %d rounds: %v", l.n, l.err)
		}
		serial := fmt.Sprintf("%02X", first.Cert.SerialNumber)
		if out := openssl("-servername www.example | openssl x509 -noout -serial"); !strings.Contains(out, "serial="+serial) {
			t.Errorf("the certificate served last is not the one set last (%s): %s", serial, out)
		}
	})

	t.Run("sessions outlive the active node", func(t *testing.T) {
		for _, v := range []string{"tls1_2", "tls1_3"} {
			session := filepath.Join(dir, v)
			if out := openssl("-servername www.example -" + v + " -sess_out " + session); !strings.Contains(out, "New, TLSv1") {
				t.Fatalf("no session:\n%s", out)
			}
		}
		was := w.Active(s.VIP)
		was.Kill()
		w.Until(20*time.Second, "the other node serves", func() error {
			_, err := https("https://www.example/")
			return err
		})
		for _, v := range []string{"tls1_2", "tls1_3"} {
			if out := openssl("-servername www.example -" + v + " -sess_in " + filepath.Join(dir, v)); !strings.Contains(out, "Reused, TLSv1") {
				t.Errorf("%s: the session is not resumed:\n%s", v, out)
			}
		}
		was.Start()
	})

	t.Run("clients show certificates", func(t *testing.T) {
		w.Until(20*time.Second, "writes are taken", func() error {
			status, b, err := n.API("PUT", harness.Octavia+"listeners/"+listener, map[string]any{"listener": map[string]any{
				"client_ca_tls_container_ref": caRef, "client_authentication": "MANDATORY",
			}})
			if err == nil && status != 200 {
				err = errorf("%d %s", status, b)
			}
			return err
		})
		w.Until(10*time.Second, "strangers are refused", func() error {
			if _, err := https("https://www.example/"); err == nil {
				return errorf("a client without a certificate is served")
			}
			return nil
		})
		if page, err := https("--cert", file("c.pem", visitor.CertPEM()), "--key", file("k.pem", visitor.KeyPEM(t)), "https://www.example/"); err != nil {
			t.Errorf("a client with a certificate: %q %v", page, err)
		}
	})

	for _, node := range w.Nodes {
		holdsNothingOf(t, node.Dir, string(secretPart(t, rsa)))
	}
}

// secretPart is a run of bytes of a private key that only the key has.
func secretPart(t *testing.T, l *pki.Leaf) []byte {
	t.Helper()
	pem := l.KeyPEM(t)
	lines := strings.Split(string(pem), "\n")
	der, err := base64.StdEncoding.DecodeString(lines[8])
	if err != nil {
		t.Fatal(err)
	}
	return der
}
