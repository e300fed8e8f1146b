package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/store/model"
)

// secure is a TLS server that answers 200 on /ok and 500 elsewhere.
func secure(t *testing.T, cfg *tls.Config) (netip.AddrPort, *httptest.Server) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-SNI", r.TLS.ServerName)
		if r.URL.Path != "/ok" || r.Host != r.TLS.ServerName && r.TLS.ServerName != "" {
			w.WriteHeader(500)
		}
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.TLS = cfg
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().(*net.TCPAddr).AddrPort(), srv
}

func patient(t *testing.T, hm model.HealthMonitor, addr netip.AddrPort) Spec {
	t.Helper()
	s := spec(t, hm, addr)
	s.Timeout = 5 * time.Second // of a busy machine
	return s
}

func TestHTTPSProbe(t *testing.T) {
	addr, _ := secure(t, &tls.Config{})
	hm := model.HealthMonitor{Type: model.MonitorHTTPS, URLPath: "/ok", HTTPVersion: "1.1", DomainName: "www.example.com"}
	if reason := run1(t, patient(t, hm, addr)); reason != "" {
		t.Errorf("a good member: %s", reason)
	}
	hm.URLPath = "/bad"
	if reason := run1(t, patient(t, hm, addr)); !strings.Contains(reason, "status 500, expected 200") {
		t.Errorf("status 500: %q", reason)
	}
	hm.HTTPVersion, hm.DomainName, hm.URLPath = "", "", "/ok"
	if reason := run1(t, patient(t, hm, addr)); reason != "" {
		t.Errorf("HTTP/1.0 without a name: %s", reason)
	}
	plain, _ := server(t, "HTTP/1.1 200 OK\r\n\r\n")
	s := spec(t, hm, plain)
	if reason := run1(t, s); !strings.HasPrefix(reason, "TLS handshake with ") {
		t.Errorf("a member without TLS: %q", reason)
	}
}

func TestTLSHelloProbe(t *testing.T) {
	addr, _ := secure(t, &tls.Config{})
	hm := model.HealthMonitor{Type: model.MonitorTLSHello}
	if reason := run1(t, patient(t, hm, addr)); reason != "" {
		t.Errorf("a good member: %s", reason)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		addr, _ := secure(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version})
		if reason := run1(t, patient(t, hm, addr)); reason != "" {
			t.Errorf("a member that wants a client's certificate, version %x: %s", version, reason)
		}
	}
	plain, _ := server(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	if reason := run1(t, spec(t, hm, plain)); !strings.HasPrefix(reason, "TLS handshake with ") {
		t.Errorf("a member without TLS: %q", reason)
	}
}

func TestPingProbe(t *testing.T) {
	for _, to := range []string{"127.0.0.1", "::1"} {
		addr := netip.MustParseAddr(to)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := ping(ctx, addr)
		cancel()
		if err != nil && strings.Contains(err.Error(), "open a socket") {
			t.Skipf("PING needs CAP_NET_RAW or net.ipv4.ping_group_range: %v", err)
		}
		if err != nil {
			if to == "::1" {
				t.Logf("no IPv6 here: %v", err)
				continue
			}
			t.Errorf("%s: %v", to, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	if err := ping(ctx, netip.MustParseAddr("127.0.0.1")); err == nil {
		t.Error("a reply after the time is over")
	}
}

func TestProbeOfAPROXYMember(t *testing.T) {
	for protocol, want := range map[model.Protocol]string{
		model.Proxy:   "PROXY UNKNOWN\r\n",
		model.ProxyV2: "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
		model.HTTP:    "",
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 1)
		go func() {
			c, err := ln.Accept()
			if err != nil {
				got <- err.Error()
				return
			}
			defer c.Close()
			b := make([]byte, len(want))
			r := bufio.NewReader(c)
			for i := range b {
				b[i], _ = r.ReadByte()
			}
			if line, _ := r.ReadString('\n'); line != "GET / HTTP/1.0\r\n" {
				got <- "no request: " + line
				return
			}
			c.Write([]byte("HTTP/1.0 200 OK\r\n\r\n"))
			got <- string(b)
		}()
		addr := ln.Addr().(*net.TCPAddr).AddrPort()
		m := &model.Server{Address: addr.Addr(), Port: addr.Port()}
		s, err := NewSpec(&model.HealthMonitor{Type: model.MonitorHTTP, Timeout: 5}, m, protocol)
		if err != nil {
			t.Fatal(err)
		}
		if reason := run1(t, s); reason != "" {
			t.Errorf("%s: %s", protocol, reason)
		}
		if b := <-got; b != want {
			t.Errorf("%s: the member read %q", protocol, b)
		}
		ln.Close()
	}
	// A place of its own for monitoring does not expect the header.
	m := &model.Server{Address: netip.MustParseAddr("10.0.0.3"), Port: 80, MonitorPort: 8080}
	if s, err := NewSpec(&model.HealthMonitor{Type: model.MonitorTCP}, m, model.ProxyV2); err != nil || s.Proxy != "" {
		t.Errorf("spec %+v, %v", s, err)
	}
}

func TestHostOfHTTPS(t *testing.T) {
	for in, want := range map[string]string{"10.0.0.3:443": "10.0.0.3", "10.0.0.3:80": "10.0.0.3:80", "[2001:db8::1]:443": "[2001:db8::1]"} {
		if got := hostOf(netip.MustParseAddrPort(in), model.MonitorHTTPS); got != want {
			t.Errorf("%s: Host %q, want %q", in, got, want)
		}
	}
}
