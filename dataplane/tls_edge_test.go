package dataplane

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// trickler sends one byte at a time.
type trickler struct{ net.Conn }

func (t trickler) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := t.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func secureDial(t testing.TB, addr netip.AddrPort) (*net.TCPConn, *tls.Conn) {
	t.Helper()
	w := dial(t, addr)
	return w.TCPConn, tls.Client(w.TCPConn, &tls.Config{InsecureSkipVerify: true})
}

// A record that is not what its sender made of it ends the connection with one alert,
// and nothing follows it (RFC 8446 section 6.2).
func TestBrokenRecordEndsWithItsAlert(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	start(t, Config{Keys: clear{}}, https(keep(web(addr, m.addr), ca.ECDSA("a").PKCS12(t, "")), nil))
	for name, record := range map[string][]byte{
		"that does not decrypt": append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...),
		"that is too long":      {23, 3, 3, 0x48, 1},
		"of another version":    {23, 2, 0, 0, 0},
	} {
		for _, protocol := range []string{"http/1.1", "h2"} {
			w := dial(t, addr)
			c := tls.Client(w.TCPConn, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{protocol}})
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			if protocol == "http/1.1" {
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.ContentLength != 5 {
					t.Fatal(err)
				}
			}
			w.TCPConn.Write(record)
			b, err := io.ReadAll(w)
			if err != nil {
				t.Errorf("a record %s, %s: the end: %v", name, protocol, err)
			}
			var types []byte
			for len(b) >= 5 {
				types = append(types, b[0])
				b = b[min(len(b), 5+int(b[3])<<8+int(b[4])):]
			}
			if string(types) != "\x15" {
				t.Errorf("a record %s, %s: records of types %v, want one alert", name, protocol, types)
			}
		}
	}
}

// Records that come byte by byte are put together, in the handshake and after.
func TestTrickledRecords(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, m := freeAddr(t), page(t, "hello")
	start(t, Config{Keys: clear{}}, https(keep(web(addr, m.addr), ca.ECDSA("a").PKCS12(t, "")), nil))
	raw, _ := secureDial(t, addr)
	if err := raw.SetNoDelay(true); err != nil {
		t.Fatal(err)
	}
	c := tls.Client(trickler{raw}, &tls.Config{InsecureSkipVerify: true})
	r := bufio.NewReader(c)
	for range 3 {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // two requests of one record
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello" {
				t.Fatalf("%q, %v", b, err)
			}
		}
	}
}

// A client that says goodbye in TLS before it closes is gone, too: the member does
// not work for nobody.
func TestAbortOverTLSReachesTheMember(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr, left := freeAddr(t), make(chan error, 1)
	asked := make(chan struct{})
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		close(asked)
		_, err := r.ReadByte() // never answers
		left <- err
	})
	n := start(t, Config{Keys: clear{}}, https(keep(web(addr, b.addr), ca.ECDSA("a").PKCS12(t, "")), nil))
	_, c := secureDial(t, addr)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-asked
	c.Close()
	select {
	case err := <-left:
		if err == nil {
			t.Error("the member got something")
		}
	case <-time.After(10 * time.Second): // the data timeout is 5 s, and would give 504
		t.Fatal("the member is still waited for")
	}
	n.counters("l", "the abort is counted", func(c model.ListenerCounters) bool { return c.RequestErrors == 1 && c.ActiveConnections == 0 })
}

func TestTunnelOverTLS(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, wsAnswer+"server first|")
		io.Copy(c, r)
		io.WriteString(c, "|server last")
	})
	start(t, Config{Keys: clear{}}, https(keep(web(addr, b.addr), ca.ECDSA("a").PKCS12(t, "")), nil))
	_, c := secureDial(t, addr)
	if _, err := io.WriteString(c, wsRequest+"early "); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	if h := head(r); !strings.HasPrefix(h, "HTTP/1.1 101 ") {
		t.Fatalf("answer %q", h)
	}
	big := strings.Repeat("0123456789abcdef", 64<<10)
	go func() {
		io.WriteString(c, big)
		c.CloseWrite() // half-close: the member's last words still come
	}()
	got, err := io.ReadAll(r)
	if want := "server first|early " + big + "|server last"; err != nil || string(got) != want {
		t.Errorf("%d bytes through the tunnel, want %d; %v", len(got), len(want), err)
	}
}

// An answer that ends with its connection is complete only if TLS has ended it.
func TestTruncatedAnswerOfASecureMember(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	leaf := ca.ECDSA("member").TLS()
	addr := freeAddr(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for polite := true; ; polite = !polite {
			raw, err := ln.Accept()
			if err != nil {
				return
			}
			c := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{leaf}})
			head(bufio.NewReader(c))
			io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nall of it?")
			if polite {
				c.CloseWrite()
			}
			raw.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	svc := web(addr, ln.Addr().(*net.TCPAddr).AddrPort())
	svc.Pools[0].Pool.TLS = &model.PoolTLS{Enabled: true, Versions: []string{"TLSv1.3"}}
	start(t, Config{Keys: clear{}}, svc)
	for _, complete := range []bool{true, false} {
		resp, err := http.Get("http://" + addr.String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if complete != (err == nil) || complete && string(body) != "all of it?" {
			t.Errorf("ended by TLS %v: %q, %v", complete, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
