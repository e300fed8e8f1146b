package dataplane

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

func TestTLSEndsHere(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), handler(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=1")
		fmt.Fprintf(w, "%s %s %s", r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-SSL-Client-Has-Cert"), r.Header.Get("X-SSL-Client-CN"))
	})
	age := 15768000
	svc := https(keep(web(addr, m), ca.ECDSA("a.example").PKCS12(t, "")), func(l *model.ListenerTLS) {
		l.HSTSMaxAge, l.HSTSSubdomains, l.HSTSPreload = &age, true, true
	})
	svc.Listeners[0].InsertHeaders = map[string]string{"X-Forwarded-Proto": "true", "X-SSL-Client-Has-Cert": "true", "X-SSL-Client-CN": "true"}
	n := start(t, Config{Keys: clear{}}, svc)
	if f := n.Report().Failures; len(f) > 0 {
		t.Fatal(f)
	}
	req, _ := http.NewRequest("GET", "https://a.example/", nil)
	req.Header.Set("X-SSL-Client-CN", "forged")
	resp, err := browser(t, addr, &tls.Config{RootCAs: ca.Pool()}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "https 0 " {
		t.Errorf("the member saw %q, %v", body, err)
	}
	if got := resp.Header["Strict-Transport-Security"]; !slices.Equal(got, []string{"max-age=15768000; includeSubDomains; preload;"}) {
		t.Errorf("HSTS %q", got)
	}
	if resp.TLS.NegotiatedProtocol != "" && resp.TLS.NegotiatedProtocol != "http/1.1" {
		t.Errorf("protocol %q", resp.TLS.NegotiatedProtocol)
	}
	n.counters("l", "a request is counted with its bytes", func(c model.ListenerCounters) bool { return c.Requests == 1 && c.BytesIn > 0 && c.BytesOut > 0 })
}

func TestCertificateByName(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	svc := keep(web(addr, m.addr), ca.ECDSA("default.example").PKCS12(t, ""), ca.RSA("a.example").PKCS12(t, ""), ca.ECDSA("a.example").PKCS12(t, ""),
		ca.ECDSA("*.wild.example").PKCS12(t, ""))
	start(t, Config{Keys: clear{}}, https(svc, func(l *model.ListenerTLS) { l.SNI = []string{key(1), key(2), key(3)} }))
	for _, tc := range []struct {
		sni, cn string
		ecdsa   bool
		ciphers []uint16
	}{
		{"default.example", "default.example", true, nil},
		{"unknown.example", "default.example", true, nil},
		{"A.EXAMPLE", "a.example", true, nil},
		{"a.example", "a.example", false, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{"x.wild.example", "*.wild.example", true, nil},
		{"wild.example", "default.example", true, nil},
		{"y.x.wild.example", "default.example", true, nil},
	} {
		cfg := &tls.Config{ServerName: tc.sni, InsecureSkipVerify: true, CipherSuites: tc.ciphers}
		if tc.ciphers != nil {
			cfg.MaxVersion = tls.VersionTLS12
		}
		st, err := greet(t, addr, cfg)
		if err != nil {
			t.Errorf("%s: %v", tc.sni, err)
			continue
		}
		leaf := st.PeerCertificates[0]
		if _, ec := leaf.PublicKey.(*ecdsa.PublicKey); leaf.Subject.CommonName != tc.cn || ec != tc.ecdsa {
			t.Errorf("%s: certificate of %s, ECDSA %v", tc.sni, leaf.Subject.CommonName, ec)
		}
	}
}

func TestVersionsAndCiphers(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	svc := keep(web(addr, m.addr), ca.ECDSA("a").PKCS12(t, ""))
	n := start(t, Config{Keys: clear{}}, svc)
	for name, tc := range map[string]struct {
		versions []string
		ciphers  string
		client   *tls.Config
		want     uint16 // 0: refused
	}{
		"newest":            {[]string{"TLSv1.2", "TLSv1.3"}, "", &tls.Config{}, tls.VersionTLS13},
		"older client":      {[]string{"TLSv1.2", "TLSv1.3"}, "", &tls.Config{MaxVersion: tls.VersionTLS12}, tls.VersionTLS12},
		"too old":           {[]string{"TLSv1.3"}, "", &tls.Config{MaxVersion: tls.VersionTLS12}, 0},
		"gap, newest":       {[]string{"TLSv1", "TLSv1.3"}, "", &tls.Config{MinVersion: tls.VersionTLS10}, tls.VersionTLS13},
		"gap, in it":        {[]string{"TLSv1.1", "TLSv1.3"}, "", &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}, 0},
		"gap, oldest":       {[]string{"TLSv1.1", "TLSv1.3"}, "ECDHE-ECDSA-AES128-SHA", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12}, tls.VersionTLS11},
		"no cipher of ours": {[]string{"TLSv1.2"}, "ECDHE-ECDSA-AES256-GCM-SHA384", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, 0},
	} {
		n.apply(https(svc, func(l *model.ListenerTLS) { l.Versions, l.Ciphers = tc.versions, tc.ciphers }))
		cfg := tc.client.Clone()
		cfg.InsecureSkipVerify = true
		st, err := greet(t, addr, cfg)
		if (err != nil) != (tc.want == 0) || st.Version != tc.want {
			t.Errorf("%s: version %x, %v", name, st.Version, err)
		}
	}
}

// A listener with h2 alone serves HTTP/2, and HTTP/1.1 to who does not offer it:
// nothing is negotiated then, as HAProxy has it.
func TestListenerWithHTTP2Alone(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), handler(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) })
	svc := https(keep(web(addr, m), ca.ECDSA("a.example").PKCS12(t, "")), func(l *model.ListenerTLS) { l.ALPN = []string{"h2"} })
	n := start(t, Config{Keys: clear{}}, svc)
	if f := n.Report().Failures; len(f) > 0 {
		t.Fatal(f)
	}
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example"}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr.String())
	}}
	t.Cleanup(tr.CloseIdleConnections)
	resp, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get("https://a.example/two")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.ProtoMajor != 2 || string(body) != "/two" {
		t.Errorf("over h2: %s %q %v", resp.Proto, body, err)
	}
	offer := func(protocols ...string) (tls.ConnectionState, error) {
		return greet(t, addr, &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example", NextProtos: protocols})
	}
	for _, protocols := range [][]string{{"http/1.1"}, nil} {
		if s, err := offer(protocols...); err != nil || s.NegotiatedProtocol != "" {
			t.Errorf("who offers %v: %q %v", protocols, s.NegotiatedProtocol, err)
		}
	}
}

func TestCertificateSwapLeavesConnections(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	base := keep(web(addr, m.addr), ca.ECDSA("old").PKCS12(t, ""), ca.ECDSA("new").PKCS12(t, ""))
	n := start(t, Config{Keys: clear{}}, https(base, nil))
	c, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	get := func() {
		t.Helper()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello" {
			t.Fatalf("%q, %v", b, err)
		}
	}
	get()
	n.apply(https(base, func(l *model.ListenerTLS) { l.Certificate = key(1) }))
	get()
	if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true}); err != nil || st.PeerCertificates[0].Subject.CommonName != "new" {
		t.Errorf("a new connection: %v, %v", err, st.PeerCertificates)
	}
	get()
}

func TestBodiesOverTLS(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), handler(t, mirror)
	start(t, Config{Keys: clear{}}, https(keep(web(addr, m), ca.ECDSA("a").PKCS12(t, "")), nil))
	hc := browser(t, addr, &tls.Config{InsecureSkipVerify: true})
	for _, size := range []int{0, 1, 1000, 16383, 16384, 16385, 100000, 5 << 20} {
		data := make([]byte, size)
		rand.Read(data)
		for _, known := range []bool{true, false} {
			var body io.Reader = strings.NewReader(string(data))
			if !known {
				body = io.MultiReader(body) // hides the length: chunks
			}
			resp, err := hc.Post("https://a/", "application/octet-stream", body)
			if err != nil {
				t.Fatalf("%d bytes, known %v: %v", size, known, err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.HasSuffix(string(got), string(data)) {
				t.Errorf("%d bytes, known %v: %d back, %v", size, known, len(got), err)
			}
		}
	}
}

func TestWhatCannotBeLoadedIsNamed(t *testing.T) {
	addr, m := freeAddr(t), page(t, "hello")
	for name, tc := range map[string]struct {
		svc  *model.Service
		want string
	}{
		"nothing there": {https(web(addr, m.addr), nil), "certificate " + key(0) + ": there is no payload"},
		"no bundle":     {https(keep(web(addr, m.addr), []byte("x")), nil), "not a usable PKCS #12 bundle"},
		"no version":    {https(keep(web(addr, m.addr), []byte("x")), func(l *model.ListenerTLS) { l.Versions = []string{"SSLv3"} }), "none of the TLS versions [SSLv3] is served"},
		"no protocol":   {https(keep(web(addr, m.addr), []byte("x")), func(l *model.ListenerTLS) { l.ALPN = []string{"h3"} }), "none of the protocols [h3] is served"},
	} {
		n := start(t, Config{Keys: clear{}}, tc.svc)
		f := n.Report().Failures
		if len(f) != 1 || f[0].Object != "l" || !strings.Contains(f[0].Reason, tc.want) {
			t.Errorf("%s: %v", name, f)
		}
		n.stop()
	}
}

func TestWhatIsNoTLSIsClosed(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	n := start(t, Config{Keys: clear{}}, https(keep(web(addr, m.addr), ca.ECDSA("a").PKCS12(t, "")), nil))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.ReadAll(w); err != nil {
		t.Errorf("it ends with %v", err)
	}
	n.until("the failure is counted", func() bool {
		mfs, err := n.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, mf := range mfs {
			for _, m := range mf.GetMetric() {
				for _, l := range m.GetLabel() {
					if mf.GetName() == "lbd_tls_handshake_failures_total" && l.GetValue() == "not_tls" && m.GetCounter().GetValue() == 1 {
						return true
					}
				}
			}
		}
		return false
	})
	if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true}); err != nil || st.Version == 0 {
		t.Errorf("the next client: %v", err)
	}
}
