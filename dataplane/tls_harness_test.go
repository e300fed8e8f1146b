package dataplane

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

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
