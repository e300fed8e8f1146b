package health

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/store/model"
)

// server answers each connection with the bytes reply and keeps what it was sent.
func server(t *testing.T, reply string) (netip.AddrPort, <-chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	got := make(chan string, 16)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				var head strings.Builder
				for {
					line, err := r.ReadString('\n')
					head.WriteString(line)
					if err != nil || line == "\r\n" {
						break
					}
				}
				got <- head.String()
				fmt.Fprint(c, reply)
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort(), got
}

func spec(t *testing.T, hm model.HealthMonitor, addr netip.AddrPort) Spec {
	t.Helper()
	s, err := NewSpec(&hm, &model.Server{Address: addr.Addr(), Port: addr.Port()}, model.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	s.Timeout = 300 * time.Millisecond
	return s
}

func run1(t *testing.T, s Spec) string {
	t.Helper()
	want, err := parseCodes(cmpOr(s.Codes, "200"))
	if err != nil {
		t.Fatal(err)
	}
	return probe(context.Background(), &s, want, dialTCP)
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func TestProbeHTTP(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for _, tc := range []struct {
		name  string
		hm    model.HealthMonitor
		reply string
		want  string // "" or a part of the reason
		sent  string // a part of the request, %s is the address
	}{
		{"defaults", model.HealthMonitor{}, ok, "", "GET / HTTP/1.0\r\nUser-Agent"},
		{"version 1.1 names the host", model.HealthMonitor{HTTPVersion: "1.1"}, ok, "", "GET / HTTP/1.1\r\nHost: %s\r\n"},
		{"domain name", model.HealthMonitor{HTTPVersion: "1.1", DomainName: "www.example.test"}, ok, "", "Host: www.example.test\r\n"},
		{"method and path", model.HealthMonitor{HTTPMethod: "POST", URLPath: "/healthy?x=1"}, ok, "", "POST /healthy?x=1 HTTP/1.0\r\n"},
		{"unexpected code", model.HealthMonitor{}, "HTTP/1.0 503 Sorry\r\n\r\n", "status 503, expected 200", ""},
		{"code in a list", model.HealthMonitor{ExpectedCodes: "200, 404"}, "HTTP/1.1 404\r\n\r\n", "", ""},
		{"code in a range", model.HealthMonitor{ExpectedCodes: "200-204"}, "HTTP/1.1 204 No Content\r\n\r\n", "", ""},
		{"code beside a range", model.HealthMonitor{ExpectedCodes: "200-204"}, "HTTP/1.1 205 No\r\n\r\n", "status 205, expected 200-204", ""},
		{"not HTTP", model.HealthMonitor{}, "SSH-2.0-OpenSSH\r\n", "answer is not HTTP", ""},
		{"short status", model.HealthMonitor{}, "HTTP/1.1 20\r\n", "answer is not HTTP", ""},
		{"glued status", model.HealthMonitor{}, "HTTP/1.1 2000 OK\r\n", "answer is not HTTP", ""},
		{"endless status line", model.HealthMonitor{}, "HTTP/1.1 200 " + strings.Repeat("x", 8<<10), "answer is not HTTP", ""},
		{"nothing", model.HealthMonitor{}, "", "closed without an answer", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr, got := server(t, tc.reply)
			tc.hm.Type = model.MonitorHTTP
			reason := run1(t, spec(t, tc.hm, addr))
			if tc.want == "" && reason != "" || !strings.Contains(reason, tc.want) {
				t.Errorf("reason %q, want %q", reason, tc.want)
			}
			if sent := <-got; tc.sent != "" && !strings.Contains(sent, strings.ReplaceAll(tc.sent, "%s", addr.String())) {
				t.Errorf("sent %q, want %q in it", sent, tc.sent)
			}
		})
	}
}

func TestProbeConnect(t *testing.T) {
	addr, _ := server(t, "")
	if reason := run1(t, spec(t, model.HealthMonitor{Type: model.MonitorTCP}, addr)); reason != "" {
		t.Errorf("open port: %q", reason)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().(*net.TCPAddr).AddrPort()
	ln.Close()
	for _, typ := range []model.MonitorType{model.MonitorTCP, model.MonitorHTTP} {
		want := fmt.Sprintf("connect %s: connection refused", closed)
		if reason := run1(t, spec(t, model.HealthMonitor{Type: typ}, closed)); reason != want {
			t.Errorf("%s on a closed port: %q, want %q", typ, reason, want)
		}
	}
}

func TestProbeTimeout(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	want := fmt.Sprintf("GET / on %s: no answer within 300ms", addr)
	if reason := run1(t, spec(t, model.HealthMonitor{Type: model.MonitorHTTP}, addr)); reason != want {
		t.Errorf("reason %q, want %q", reason, want)
	}
}

func TestSpecRefuses(t *testing.T) {
	m := &model.Server{Address: netip.MustParseAddr("10.0.0.3"), Port: 80}
	for name, hm := range map[string]model.HealthMonitor{
		"type":          {Type: model.MonitorSCTP},
		"line in path":  {Type: model.MonitorHTTP, URLPath: "/\r\nX: y"},
		"space in path": {Type: model.MonitorHTTP, URLPath: "/ HTTP/1.1"},
		"codes":         {Type: model.MonitorHTTP, ExpectedCodes: "2xx"},
		"codes reverse": {Type: model.MonitorHTTP, ExpectedCodes: "300-200"},
	} {
		if s, err := NewSpec(&hm, m, model.HTTP); err == nil {
			t.Errorf("%s: accepted as %+v", name, s)
		}
	}
}

func TestSpecMonitorAddress(t *testing.T) {
	m := &model.Server{Address: netip.MustParseAddr("10.0.0.3"), Port: 80, MonitorAddress: netip.MustParseAddr("10.9.0.3"), MonitorPort: 8080}
	s, err := NewSpec(&model.HealthMonitor{Type: model.MonitorTCP}, m, model.TCP)
	if err != nil {
		t.Fatal(err)
	}
	if want := netip.MustParseAddrPort("10.9.0.3:8080"); s.Addr != want || s.Delay != time.Second || s.Timeout != time.Second {
		t.Errorf("spec %+v, want address %s and 1 s each", s, want)
	}
}

func FuzzStatusOf(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK", "HTTP/1.0 404", "HTTP/1.1 2000", "HTTP/2 200", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		code, err := statusOf(line)
		if err == nil && (code < 100 || code > 999) {
			t.Errorf("%q gives %d", line, code)
		}
	})
}
