package dataplane

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

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
