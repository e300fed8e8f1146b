package dataplane

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

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
