package dataplane

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// metric reads a gauge or counter of n by its only label's value.
func (n *node) metric(name, label string) (v float64, ok bool) {
	n.t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

// A certificate that cannot be loaded, or has expired, does not take the place of
// one that serves; the listener says so until one that can be had comes.
func TestFailedReloadKeepsTheCertificate(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	base := keep(web(addr, m.addr), ca.ECDSA("old").PKCS12(t, ""), ca.ECDSA("new").PKCS12(t, ""), []byte("no bundle"), nil,
		ca.ECDSA("locked").PKCS12(t, "opensesame"), ca.Expired("expired").PKCS12(t, ""))
	n := start(t, Config{Keys: clear{}}, https(base, nil))
	old, held := secureDial(t, addr)
	defer old.Close()
	for _, tc := range []struct {
		name   string
		change func(*model.ListenerTLS)
		serves string
		reason string // "" for none
	}{
		{"not there", func(l *model.ListenerTLS) { l.Certificate = key(9) }, "old", "certificate " + key(9) + ": there is no payload; what was loaded before is used"},
		{"without a payload", func(l *model.ListenerTLS) { l.Certificate = key(3) }, "old", "there is no payload"},
		{"no bundle", func(l *model.ListenerTLS) { l.Certificate = key(2) }, "old", "not a usable PKCS #12 bundle"},
		{"under a passphrase", func(l *model.ListenerTLS) { l.Certificate = key(4) }, "old", "not a usable PKCS #12 bundle"},
		{"one of two", func(l *model.ListenerTLS) { l.SNI = []string{key(2)} }, "old", "not a usable PKCS #12 bundle"},
		{"expired", func(l *model.ListenerTLS) { l.Certificate = key(5) }, "old", `the certificate of "expired" expired on `},
		{"good", func(l *model.ListenerTLS) { l.Certificate = key(1) }, "new", ""},
		{"bad after good", func(l *model.ListenerTLS) { l.Certificate = key(2) }, "new", "not a usable PKCS #12 bundle"},
		{"the first again", nil, "old", ""},
	} {
		for range 2 { // the second time nothing has changed, and it is still said
			n.apply(https(base, tc.change))
			st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true})
			if err != nil || st.PeerCertificates[0].Subject.CommonName != tc.serves {
				t.Errorf("%s: %v, %v", tc.name, st.PeerCertificates, err)
			}
			f := n.Report().Failures
			if tc.reason == "" && len(f) != 0 || tc.reason != "" && (len(f) != 1 || f[0].Object != "l" || !strings.Contains(f[0].Reason, tc.reason)) {
				t.Errorf("%s: %v", tc.name, f)
			}
			if v, ok := n.metric("lbd_tls_stale", "l"); !ok || v != float64(flag(tc.reason != "")) {
				t.Errorf("%s: lbd_tls_stale %v, %v", tc.name, v, ok)
			}
		}
	}
	if _, err := fmt.Fprint(held, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if b := make([]byte, 12); true {
		if _, err := held.Read(b); err != nil || string(b) != "HTTP/1.1 200" {
			t.Errorf("the connection of before all changes: %q, %v", b, err)
		}
	}
	n.apply(https(base, func(l *model.ListenerTLS) { l.Certificate = key(2) }))
	base.Secrets[2].Sealed = ca.ECDSA("mended").PKCS12(t, "") // the same ref can be loaded now
	n.apply(https(base, func(l *model.ListenerTLS) { l.Certificate = key(2) }))
	if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true}); err != nil || st.PeerCertificates[0].Subject.CommonName != "mended" || len(n.Report().Failures) != 0 {
		t.Errorf("mended: %v, %v", err, n.Report().Failures)
	}
}

// Where there is nothing from before, an expired certificate is served: whether to
// go on is the client's to decide.
func TestExpiredCertificateAtFirst(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	n := start(t, Config{Keys: clear{}}, https(keep(web(addr, m.addr), ca.Expired("late").PKCS12(t, "")), nil))
	if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true}); err != nil || st.PeerCertificates[0].Subject.CommonName != "late" || len(n.Report().Failures) != 0 {
		t.Errorf("%v, %v", err, n.Report().Failures)
	}
	if days, ok := n.metric("lbd_tls_certificate_expiry_days", "l"); !ok || days >= 0 {
		t.Errorf("%v days left, %v", days, ok)
	}
}

// Authorities of before go on deciding who is let in; a listener that let in
// everybody is not served when it should ask and cannot.
func TestFailedReloadLetsInNobodyElse(t *testing.T) {
	ca, clients := pki.NewCA(t, "ca"), pki.NewCA(t, "clients")
	good, bad, foreign := clients.ECDSA("good"), clients.ECDSA("bad"), ca.ECDSA("foreign")
	addr, m := freeAddr(t), page(t, "hello")
	base := keep(web(addr, m.addr), ca.ECDSA("a").PKCS12(t, ""), clients.PEM(), clients.CRL(time.Hour, bad), []byte("junk"))
	n := start(t, Config{Keys: clear{}}, https(base, nil))
	asks := func(ca, crl string) func(*model.ListenerTLS) {
		return func(l *model.ListenerTLS) { l.ClientAuth, l.ClientCA, l.ClientCRL = "MANDATORY", ca, crl }
	}
	in := func(leaf *pki.Leaf) bool {
		cfg := &tls.Config{InsecureSkipVerify: true}
		if leaf != nil {
			cfg.Certificates = []tls.Certificate{leaf.TLS()}
		}
		_, err := greet(t, addr, cfg)
		return err == nil
	}
	for _, tc := range []struct {
		name        string
		change      func(*model.ListenerTLS)
		nobody, one bool // who is let in: without a certificate, with the good one
		failures    int
	}{
		{"everybody", nil, true, true, 0},
		{"asks and cannot", asks(key(3), ""), false, false, 1},
		{"asks", asks(key(1), key(2)), false, true, 0},
		{"another CA that cannot be loaded", asks(key(3), ""), false, true, 1},
		{"another list that cannot be loaded", asks(key(1), key(3)), false, true, 1},
	} {
		n.apply(https(base, tc.change))
		if in(nil) != tc.nobody || in(good) != tc.one || tc.change != nil && (in(bad) || in(foreign)) {
			t.Errorf("%s: nobody %v, good %v, revoked %v, foreign %v", tc.name, in(nil), in(good), in(bad), in(foreign))
		}
		if f := n.Report().Failures; len(f) != tc.failures {
			t.Errorf("%s: %v", tc.name, f)
		}
	}
}

// A pool goes on as before towards its members, and verifies no less.
func TestFailedReloadTowardsMembers(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr := freeAddr(t)
	m := secureMember(t, &tls.Config{Certificates: []tls.Certificate{ca.ECDSA("member").TLS()}, ClientAuth: tls.RequestClientCert}, func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprint(w, who)
	})
	base := keep(web(addr, m), ca.PEM(), ca.ECDSA("us").PKCS12(t, ""), []byte("junk"), ca.Expired("late").PKCS12(t, ""))
	secured := func(ca, certificate string) *model.Service {
		out, b, p := *base, *base.Pools[0], *base.Pools[0].Pool
		p.TLS, b.Pool = &model.PoolTLS{Enabled: true, Versions: []string{"TLSv1.3"}, CA: ca, Certificate: certificate}, &p
		out.Pools = []*model.Backends{&b}
		return &out
	}
	n := start(t, Config{Keys: clear{}}, secured("", ""))
	for _, tc := range []struct {
		name, ca, certificate string
		code                  int
		who                   string
		failures              int
	}{
		{"nothing is verified", "", "", 200, "nobody", 0},
		{"what should be verified and cannot", key(2), "", 503, "", 1},
		{"a certificate that cannot be loaded", "", key(2), 503, "", 1},
		{"both are good", key(0), key(1), 200, "us", 0},
		{"the CA cannot be loaded", key(2), key(1), 200, "us", 1},
		{"the certificate cannot be loaded", key(0), key(2), 200, "us", 1},
		{"the certificate has expired", key(0), key(3), 200, "us", 1},
		{"neither can be loaded", key(2), key(2), 200, "us", 1},
		{"no certificate any more", key(0), "", 200, "nobody", 0},
	} {
		for range 2 {
			n.apply(secured(tc.ca, tc.certificate))
			resp, body := dial(t, addr).get("/")
			if resp.StatusCode != tc.code || tc.code == 200 && body != tc.who {
				t.Errorf("%s: %d %q", tc.name, resp.StatusCode, body)
			}
			if f := n.Report().Failures; len(f) != tc.failures || len(f) > 0 && f[0].Object != "p" {
				t.Errorf("%s: %v", tc.name, f)
			}
		}
		if v, ok := n.metric("lbd_tls_member_stale", "p"); !ok || v != float64(flag(tc.failures > 0 && tc.code == 200)) {
			t.Errorf("%s: lbd_tls_member_stale %v, %v", tc.name, v, ok)
		}
	}
}
