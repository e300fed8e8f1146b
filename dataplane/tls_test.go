package dataplane

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// clear is a cluster's key that seals nothing.
type clear struct{}

func (clear) Open(_ string, box []byte) ([]byte, error) { return box, nil }

func (clear) Derive(purpose string) ([]byte, error) {
	h := hmac.New(sha256.New, []byte("the cluster's"))
	h.Write([]byte(purpose))
	return h.Sum(nil), nil
}

// key is the uuid of a test's nth secret.
func key(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// keep puts payloads into a service's secrets, the first as key(0).
func keep(svc *model.Service, payloads ...[]byte) *model.Service {
	out := *svc
	out.Secrets = nil
	for i, p := range payloads {
		out.Secrets = append(out.Secrets, &model.Secret{ID: model.SecretID(key(i)), Sealed: p})
	}
	return &out
}

// https turns a service into one that ends TLS with the certificate key(0).
func https(svc *model.Service, change func(*model.ListenerTLS)) *model.Service {
	return edit(svc, func(l *model.Listener) {
		l.Protocol = model.TerminatedHTTPS
		l.TLS = &model.ListenerTLS{Certificate: key(0), Versions: []string{"TLSv1.2", "TLSv1.3"}, ALPN: []string{"h2", "http/1.1", "http/1.0"}}
		if change != nil {
			change(l.TLS)
		}
	})
}

// browser is a TLS client that trusts ca and speaks to addr under any name.
func browser(t testing.TB, addr netip.AddrPort, cfg *tls.Config) *http.Client {
	tr := &http.Transport{TLSClientConfig: cfg, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr.String())
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

// greet makes one handshake and returns its state.
func greet(t testing.TB, addr netip.AddrPort, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr.String(), cfg)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	// With TLS 1.3 a server refuses our certificate, and sends tickets, after our
	// side of the handshake is done: an answer shows that it was not refused.
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return tls.ConnectionState{}, err
	}
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		return tls.ConnectionState{}, err
	}
	return c.ConnectionState(), nil
}

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

func TestClientsShowCertificates(t *testing.T) {
	ca, clients, foreign := pki.NewCA(t, "ca"), pki.NewCA(t, "clients"), pki.NewCA(t, "foreign")
	good, bad := clients.ECDSA("good client"), clients.ECDSA("bad client")
	addr, m := freeAddr(t), handler(t, func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"X-SSL-Client-Verify", "X-SSL-Client-Has-Cert", "X-SSL-Client-CN", "X-SSL-Client-DN", "X-SSL-Issuer", "X-SSL-Client-SHA1"} {
			fmt.Fprintf(w, "%s|", r.Header.Get(h))
		}
	})
	svc := keep(web(addr, m), ca.ECDSA("a").PKCS12(t, ""), clients.PEM(), clients.CRL(time.Hour, bad))
	svc = edit(svc, func(l *model.Listener) {
		l.InsertHeaders = map[string]string{
			"X-SSL-Client-Verify": "true", "X-SSL-Client-Has-Cert": "true", "X-SSL-Client-CN": "true",
			"X-SSL-Client-DN": "true", "X-SSL-Issuer": "true", "X-SSL-Client-SHA1": "true",
		}
	})
	n := start(t, Config{Keys: clear{}}, svc)
	for _, mode := range []string{"NONE", "OPTIONAL", "MANDATORY"} {
		n.apply(https(svc, func(l *model.ListenerTLS) { l.ClientAuth, l.ClientCA, l.ClientCRL = mode, key(1), key(2) }))
		for _, tc := range []struct {
			who   string
			leaf  *pki.Leaf
			in    bool
			known bool
		}{
			{"nobody", nil, mode != "MANDATORY", false},
			{"good", good, true, mode != "NONE"},
			{"revoked", bad, mode == "NONE", false},
			{"foreign", foreign.ECDSA("foreign client"), mode == "NONE", false},
		} {
			cfg := &tls.Config{InsecureSkipVerify: true}
			if tc.leaf != nil {
				cert := tc.leaf.TLS()
				cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
			}
			resp, err := browser(t, addr, cfg).Get("https://a/")
			if (err == nil) != tc.in {
				t.Errorf("%s, %s: %v", mode, tc.who, err)
			}
			if err != nil {
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			want := "0|0|||||"
			if tc.known {
				want = "0|1|good client|CN=good client,O=lbd tests|CN=clients|"
			}
			if !strings.HasPrefix(string(body), want) {
				t.Errorf("%s, %s: the member is told %s", mode, tc.who, body)
			}
		}
	}
}

// A client resumes on another node, and on another listener only where the same
// clients are let in.
func TestSessionsResumeOnAnotherNode(t *testing.T) {
	ca, clients := pki.NewCA(t, "ca"), pki.NewCA(t, "clients")
	m := page(t, "hello")
	node := func(change func(*model.Listener, *model.ListenerTLS)) netip.AddrPort {
		addr := freeAddr(t)
		svc := https(keep(web(addr, m.addr), ca.ECDSA("a").PKCS12(t, ""), clients.PEM()), nil)
		if change != nil {
			change(svc.Listeners[0], svc.Listeners[0].TLS)
		}
		start(t, Config{Keys: clear{}}, svc)
		return addr
	}
	first, second := node(nil), node(nil)
	other := node(func(l *model.Listener, _ *model.ListenerTLS) { l.ID = "other" })
	strict := node(func(_ *model.Listener, tls *model.ListenerTLS) { tls.ClientAuth, tls.ClientCA = "OPTIONAL", key(1) })
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tc := range []struct {
			to      netip.AddrPort
			resumed bool
		}{{second, true}, {other, false}, {strict, false}} {
			cfg := &tls.Config{InsecureSkipVerify: true, ServerName: "a", MaxVersion: v, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
			if st, err := greet(t, first, cfg); err != nil || st.DidResume {
				t.Fatalf("first: %v, resumed %v", err, st.DidResume)
			}
			if st, err := greet(t, tc.to, cfg); err != nil || st.DidResume != tc.resumed {
				t.Errorf("version %x: %v, resumed %v, want %v", v, err, st.DidResume, tc.resumed)
			}
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

// secureMember is a member that speaks TLS.
func secureMember(t testing.TB, cfg *tls.Config, fn http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(fn)
	s.TLS = cfg
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).AddrPort()
}

func TestMembersOverTLS(t *testing.T) {
	ca, foreign := pki.NewCA(t, "ca"), pki.NewCA(t, "foreign")
	leaf, us := ca.ECDSA("member"), ca.ECDSA("lbd")
	addr := freeAddr(t)
	m := secureMember(t, &tls.Config{Certificates: []tls.Certificate{leaf.TLS()}, ClientAuth: tls.RequestClientCert}, func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "%s asks for %q", who, r.TLS.ServerName)
	})
	base := keep(web(addr, m), ca.ECDSA("front").PKCS12(t, ""), ca.PEM(), foreign.PEM(), us.PKCS12(t, ""), ca.CRL(time.Hour, leaf), ca.CRL(time.Hour))
	secured := func(svc *model.Service, tls *model.PoolTLS) *model.Service {
		out, b, p := *svc, *svc.Pools[0], *svc.Pools[0].Pool
		tls.Enabled, tls.Versions, tls.ALPN = true, []string{"TLSv1.2", "TLSv1.3"}, []string{"h2", "http/1.1"}
		p.TLS, b.Pool = tls, &p
		out.Pools = []*model.Backends{&b}
		return &out
	}
	n := start(t, Config{Keys: clear{}}, base)
	for _, tc := range []struct {
		name string
		svc  *model.Service
		code int
		body string
	}{
		{"in clear", base, 400, ""}, // what net/http answers to plain HTTP
		{"nothing verified", secured(base, &model.PoolTLS{}), 200, `nobody asks for ""`},
		{"verified", secured(base, &model.PoolTLS{CA: key(1)}), 200, `nobody asks for ""`},
		{"with our certificate", secured(base, &model.PoolTLS{CA: key(1), Certificate: key(3)}), 200, `lbd asks for ""`},
		{"foreign CA", secured(base, &model.PoolTLS{CA: key(2)}), 503, ""},
		{"revoked", secured(base, &model.PoolTLS{CA: key(1), CRL: key(4)}), 503, ""},
		{"not revoked", secured(base, &model.PoolTLS{CA: key(1), CRL: key(5)}), 200, `nobody asks for ""`},
		{"in clear again", base, 400, ""},
		{"CA cannot be loaded", secured(base, &model.PoolTLS{CA: key(9)}), 503, ""},
	} {
		n.apply(tc.svc)
		for range 3 { // the second goes through the pool of connections
			w := dial(t, addr)
			resp, body := w.get("/")
			if resp.StatusCode != tc.code || tc.body != "" && body != tc.body {
				t.Errorf("%s: %d %q", tc.name, resp.StatusCode, body)
			}
		}
	}
	n.apply(https(secured(base, &model.PoolTLS{CA: key(1)}), nil))
	resp, err := browser(t, addr, &tls.Config{InsecureSkipVerify: true}).Get("https://shop.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != `nobody asks for "shop.example"` {
		t.Errorf("%q, %v", b, err)
	}
}

// TestProbesSpeakTLSWhereTheTrafficDoes: a member that takes only TLS is up.
func TestProbesSpeakTLSWhereTheTrafficDoes(t *testing.T) {
	ca, foreign := pki.NewCA(t, "ca"), pki.NewCA(t, "foreign")
	leaf := ca.ECDSA("member")
	m := secureMember(t, &tls.Config{Certificates: []tls.Certificate{leaf.TLS()}}, func(http.ResponseWriter, *http.Request) {})
	base := keep(monitored(web(freeAddr(t), m), model.HealthMonitor{Type: model.MonitorHTTP, Delay: 1, Timeout: 1, MaxRetries: 1, MaxRetriesDown: 1}),
		nil, ca.PEM(), foreign.PEM())
	n := start(t, Config{Keys: clear{}}, base)
	for _, tc := range []struct {
		ca     string
		want   model.Operating
		reason string
	}{{key(1), model.Online, ""}, {key(2), model.Failing, "TLS with " + m.String()}} {
		out, b, p := *base, *base.Pools[0], *base.Pools[0].Pool
		p.TLS, b.Pool = &model.PoolTLS{Enabled: true, CA: tc.ca, Versions: []string{"TLSv1.3"}}, &p
		out.Pools = []*model.Backends{&b}
		n.apply(&out)
		n.until("the verdict", func() bool {
			h := n.Report().Members["m0"]
			return h.Status == tc.want && strings.Contains(h.Reason, tc.reason)
		})
	}
}
