package tlsterm

import (
	"crypto/sha256"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// clear are keys of a cluster that seals nothing.
type clear struct{}

func (clear) Open(_ string, box []byte) ([]byte, error) { return box, nil }

func (clear) Derive(purpose string) ([]byte, error) {
	k := sha256.Sum256([]byte(purpose))
	return k[:], nil
}

// meet is a handshake between s and a client; the client reads on, for tickets come
// behind it.
func meet(t *testing.T, s *Server, cfg *tls.Config) (resumed bool) {
	t.Helper()
	a, b := net.Pipe()
	server, client := tls.Server(a, s.Config()), tls.Client(b, cfg)
	done := make(chan error, 1)
	go func() {
		_, err := server.Write([]byte("x")) // with the handshake before it
		done <- err
	}()
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return client.ConnectionState().DidResume
}

// A ticket opens a session for 12 to 18 hours, on nodes whose clocks differ, and is
// good for nothing when the keys of its time are gone: then what was recorded stays
// closed (RFC 8446 section 8.1 and appendix E.1).
func TestTicketsLastForTheirPeriods(t *testing.T) {
	const id = "00000000-0000-4000-8000-000000000001"
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		synctest.Test(t, func(t *testing.T) {
			bundle := pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")
			svc := &model.Service{Secrets: []*model.Secret{{ID: id, Sealed: bundle}}}
			l := &model.Listener{ID: "l", Protocol: model.TerminatedHTTPS, TLS: &model.ListenerTLS{Certificate: id, Versions: []string{"TLSv1.2", "TLSv1.3"}}}
			node := func() *Server {
				t.Helper()
				s, err := NewStore(clear{}).Server(l, svc)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			s := node()
			began := time.Now()
			client := func() *tls.Config { // one to whom no certificate and no ticket is ever too old
				return &tls.Config{
					InsecureSkipVerify: true, ServerName: "a", MinVersion: version, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1),
					Time: func() time.Time { return began },
				}
			}
			for _, tc := range []struct {
				after   time.Duration
				resumed bool
			}{{0, true}, {ticketPeriod, true}, {2 * ticketPeriod, true}, {3 * ticketPeriod, false}, {24 * time.Hour, false}} {
				cfg := client()
				if meet(t, s, cfg) {
					t.Fatal("resumed without a ticket")
				}
				time.Sleep(tc.after)
				if got := meet(t, s, cfg); got != tc.resumed {
					t.Errorf("version %x, after %s: resumed %v", version, tc.after, got)
				}
			}
			// Another node, made now, knows the keys of this hour as well.
			cfg := client()
			meet(t, s, cfg)
			if !meet(t, node(), cfg) {
				t.Errorf("version %x: not resumed on another node", version)
			}
		})
	}
}
