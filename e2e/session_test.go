package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// create makes an object through the API and gives its id.
func (n *loopbackNode) create(t *testing.T, path, noun string, attrs map[string]any) string {
	t.Helper()
	status, out := n.admin(t, "POST", path, map[string]any{noun: attrs})
	o, ok := out[noun].(map[string]any)
	if status != 201 || !ok {
		t.Fatalf("POST %s %v: %d %v", path, attrs, status, out)
	}
	return o["id"].(string)
}

// balancer makes a load balancer at vip, in a subnet of its own.
func (n *loopbackNode) balancer(t *testing.T, vip string) string {
	t.Helper()
	network := n.create(t, harness.Networking+"networks", "network", map[string]any{"name": vip})
	subnet := n.create(t, harness.Networking+"subnets", "subnet", map[string]any{
		"network_id": network, "ip_version": 4, "cidr": vip[:strings.LastIndexByte(vip, '.')] + ".0/24",
	})
	return n.create(t, harness.Octavia+"loadbalancers", "loadbalancer", map[string]any{"vip_subnet_id": subnet, "vip_address": vip})
}

func portOf(t *testing.T, url string) int {
	t.Helper()
	var port int
	if _, err := fmt.Sscanf(url[strings.LastIndexByte(url, ':')+1:], "%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

// reply gets url on a connection of its own and gives what fn makes of the answer.
func reply(t *testing.T, url, cookie string) (body string, resp *http.Response) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	hc := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err = hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), resp
}

// TestSessionPersistence changes a pool's persistence through the API and sees it
// in traffic at once.
func TestSessionPersistence(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	lb := n.balancer(t, "127.0.89.1")
	pool := n.create(t, harness.Octavia+"pools", "pool", map[string]any{
		"loadbalancer_id": lb, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "session_persistence": map[string]any{"type": "HTTP_COOKIE"},
	})
	for _, name := range []string{"a", "b"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				http.SetCookie(w, &http.Cookie{Name: "app", Value: "session-" + name})
			}
			io.WriteString(w, name)
		}))
		t.Cleanup(srv.Close)
		n.create(t, harness.Octavia+"pools/"+pool+"/members", "member", map[string]any{"address": "127.0.0.1", "protocol_port": portOf(t, srv.URL)})
	}
	n.create(t, harness.Octavia+"listeners", "listener", map[string]any{"loadbalancer_id": lb, "protocol": "HTTP", "protocol_port": 18180, "default_pool_id": pool})
	const url = "http://127.0.89.1:18180/"

	first, resp := reply(t, url, "")
	cookies := resp.Cookies()
	if len(cookies) != 1 || cookies[0].Name != "SRV" {
		t.Fatalf("HTTP_COOKIE: cookies %v", cookies)
	}
	for range 4 {
		if body, _ := reply(t, url, "SRV="+cookies[0].Value); body != first {
			t.Errorf("HTTP_COOKIE: the session moved from %s to %s", first, body)
		}
	}

	change := func(as any) {
		t.Helper()
		status, out := n.admin(t, "PUT", harness.Octavia+"pools/"+pool, map[string]any{"pool": map[string]any{"session_persistence": as}})
		if status != 200 || out["pool"].(map[string]any)["provisioning_status"] != "ACTIVE" {
			t.Fatalf("PUT %v: %d %v", as, status, out)
		}
	}
	change(map[string]any{"type": "APP_COOKIE", "cookie_name": "app"})
	var names string
	for range 2 {
		body, resp := reply(t, url+"login", "")
		if c := resp.Cookies(); len(c) != 1 || c[0].Name != "app" {
			t.Errorf("APP_COOKIE: cookies %v", c)
		}
		names += body
	}
	if names != "ab" && names != "ba" {
		t.Errorf("two new clients came to %s", names)
	}
	for range 4 {
		for _, name := range []string{"a", "b"} {
			if body, _ := reply(t, url, "app=session-"+name); body != name {
				t.Errorf("APP_COOKIE: %s's session came to %s", name, body)
			}
		}
	}

	change(map[string]any{"type": "SOURCE_IP"})
	first, _ = reply(t, url, "")
	for range 4 {
		if body, _ := reply(t, url, ""); body != first {
			t.Errorf("SOURCE_IP: the client moved from %s to %s", first, body)
		}
	}
	change(nil)
	a, _ := reply(t, url, "")
	if b, _ := reply(t, url, ""); a == b {
		t.Errorf("without persistence both requests came to %s", a)
	}
}

// TestPROXYPoolAndTLSMonitor has a pool whose member wants the PROXY header and is
// probed with it, and one whose member is probed over TLS.
func TestPROXYPoolAndTLSMonitor(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	lb := n.balancer(t, "127.0.90.1")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(10 * time.Second))
				r := bufio.NewReader(c)
				line, _ := r.ReadString('\n')
				if !strings.HasPrefix(line, "PROXY ") {
					return
				}
				if _, err := http.ReadRequest(r); err == nil {
					line = strings.TrimSpace(line)
					fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(line), line)
				}
			}()
		}
	}()
	pool := n.create(t, harness.Octavia+"pools", "pool", map[string]any{"loadbalancer_id": lb, "protocol": "PROXY", "lb_algorithm": "SOURCE_IP_PORT"})
	member := n.create(t, harness.Octavia+"pools/"+pool+"/members", "member", map[string]any{"address": "127.0.0.1", "protocol_port": ln.Addr().(*net.TCPAddr).Port})
	monitor := map[string]any{"pool_id": pool, "type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 1, "max_retries_down": 1}
	n.create(t, harness.Octavia+"healthmonitors", "healthmonitor", monitor)
	n.create(t, harness.Octavia+"listeners", "listener", map[string]any{"loadbalancer_id": lb, "protocol": "HTTP", "protocol_port": 18181, "default_pool_id": pool})
	if body, _ := reply(t, "http://127.0.90.1:18181/", ""); !strings.HasPrefix(body, "PROXY TCP4 127.0.0.1 127.0.90.1 ") {
		t.Errorf("the member was told %q", body)
	}

	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	other := n.create(t, harness.Octavia+"pools", "pool", map[string]any{"loadbalancer_id": lb, "protocol": "HTTPS", "lb_algorithm": "ROUND_ROBIN"})
	tlsMember := n.create(t, harness.Octavia+"pools/"+other+"/members", "member", map[string]any{"address": "127.0.0.1", "protocol_port": portOf(t, secure.URL)})
	monitor["pool_id"], monitor["type"], monitor["expected_codes"] = other, "HTTPS", "404"
	n.create(t, harness.Octavia+"healthmonitors", "healthmonitor", monitor)
	for pool, member := range map[string]string{pool: member, other: tlsMember} {
		harness.Until(t, 10*time.Second, "member is ONLINE", func() error {
			_, out := n.admin(t, "GET", harness.Octavia+"pools/"+pool+"/members/"+member, nil)
			if s := out["member"].(map[string]any)["operating_status"]; s != "ONLINE" {
				return fmt.Errorf("it is %v", s)
			}
			return nil
		})
	}
}
