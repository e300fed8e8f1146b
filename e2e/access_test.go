package e2e

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// login gets a token for admin with the password from clouds.yaml.
func (n *loopbackNode) login(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dir, "clouds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	password := ""
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), "password: "); ok {
			password = strings.Trim(v, `"`)
		}
	}
	body := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
			"name": "admin", "password": password, "domain": map[string]any{"name": "Default"},
		}}},
		"scope": map[string]any{"project": map[string]any{"name": "admin", "domain": map[string]any{"name": "Default"}}},
	}}
	buf := &bytes.Buffer{}
	mustEncode(t, buf, body)
	req, err := http.NewRequest("POST", "http://"+n.api+"/identity/v3/auth/tokens", buf)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	token := resp.Header.Get("X-Subject-Token")
	if resp.StatusCode != 201 || token == "" {
		t.Fatalf("login: %s", resp.Status)
	}
	return token
}

func TestNoPathButThePublicOnesWorksWithoutAToken(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	for _, path := range []string{
		"/load-balancer/v2.0/lbaas/loadbalancers", "/v2.0/lbaas/loadbalancers", "/v2/lbaas/pools", "/v2.0/lbaas/listeners",
		"/load-balancer/v2.0/octavia/amphorae", "/networking/v2.0/networks", "/networking/v2.0/lbaas/loadbalancers",
		"/v2.0/subnets", "/identity/v3/users", "/identity/v3/projects", "/v1/cluster", "/v1/topology", "/v1/events", "/metrics",
	} {
		for _, header := range []map[string]string{nil, {"X-Auth-Token": "notused"}, {"X-Auth-Token": "lbd1.AAAA.BBBB"}} {
			if status, _ := call(t, http.DefaultClient, "GET", "http://"+n.api+path, header, nil); status != 401 {
				t.Errorf("GET %s with %v: %d, want 401", path, header, status)
			}
		}
	}
	for _, path := range []string{"/", "/load-balancer/", "/networking/", "/identity/v3", "/healthcheck", "/ui/"} {
		if status, _ := call(t, http.DefaultClient, "GET", "http://"+n.api+path, nil, nil); status != 200 {
			t.Errorf("GET %s: %d, want 200", path, status)
		}
	}
	token := n.login(t)
	if status, out := call(t, http.DefaultClient, "GET", "http://"+n.api+"/v2.0/lbaas/loadbalancers", map[string]string{"X-Auth-Token": token}, nil); status != 200 || out["loadbalancers"] == nil {
		t.Errorf("with a token: %d %v", status, out)
	}
	tampered := token[:len(token)-2] + "zz"
	if status, _ := call(t, http.DefaultClient, "GET", "http://"+n.api+"/v2.0/lbaas/loadbalancers", map[string]string{"X-Auth-Token": tampered}, nil); status != 401 {
		t.Errorf("with a changed token: %d, want 401", status)
	}
}

func TestWrongPasswordIs401AndLimited(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","password":"wrong","domain":{"name":"Default"}}}}}}`
	saw := map[int]int{}
	for range 30 {
		status, _ := call(t, http.DefaultClient, "POST", "http://"+n.api+"/identity/v3/auth/tokens", nil, body)
		saw[status]++
	}
	if saw[401] == 0 || saw[429] == 0 || saw[401]+saw[429] != 30 {
		t.Errorf("30 wrong passwords: %v, want some 401 and then 429", saw)
	}
}

func TestBodiesOverOneMiBAreRefused(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	big := `{"loadbalancer":{"name":"` + strings.Repeat("x", 1<<20) + `"}}`
	if status, _ := n.admin(t, "POST", harness.Octavia+"loadbalancers", big); status != 413 {
		t.Errorf("status %d, want 413", status)
	}
	if status, _ := n.admin(t, "GET", harness.Octavia+"loadbalancers", nil); status != 200 {
		t.Errorf("afterwards: status %d", status)
	}
}

// TestCreateToFirstReply measures from the first byte of the listener's create
// call to the first answer through the new listener.
func TestCreateToFirstReply(t *testing.T) {
	accessLog := filepath.Join(t.TempDir(), "access.log")
	n := startLoopback(t, t.TempDir(), "--access-log", accessLog, "--access-log-format", "{listener} {status} {end}")
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) })}
	go srv.Serve(back)
	t.Cleanup(func() { srv.Close() })
	_, out := n.admin(t, "POST", harness.Networking+"networks", `{"network":{"name":"n"}}`)
	network := out["network"].(map[string]any)["id"]
	_, out = n.admin(t, "POST", harness.Networking+"subnets", map[string]any{"subnet": map[string]any{"network_id": network, "ip_version": 4, "cidr": "127.0.88.0/24"}})
	subnet := out["subnet"].(map[string]any)["id"]
	_, out = n.admin(t, "POST", harness.Octavia+"loadbalancers", map[string]any{"loadbalancer": map[string]any{"vip_subnet_id": subnet, "vip_address": "127.0.88.1"}})
	lb := out["loadbalancer"].(map[string]any)["id"]
	_, out = n.admin(t, "POST", harness.Octavia+"pools", map[string]any{"pool": map[string]any{"loadbalancer_id": lb, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}})
	pool := out["pool"].(map[string]any)["id"].(string)
	n.admin(t, "POST", harness.Octavia+"pools/"+pool+"/members", map[string]any{"member": map[string]any{"address": "127.0.0.1", "protocol_port": back.Addr().(*net.TCPAddr).Port}})

	best := time.Hour
	var lines []string // that the access log is to have
	for i := range 5 {
		port := 18080 + i
		begun := time.Now()
		status, out := n.admin(t, "POST", harness.Octavia+"listeners", map[string]any{"listener": map[string]any{
			"loadbalancer_id": lb, "protocol": "HTTP", "protocol_port": port, "default_pool_id": pool,
		}})
		if status != 201 {
			t.Fatalf("create listener: %d %v", status, out)
		}
		url := "http://" + net.JoinHostPort("127.0.88.1", itoa(port)) + "/"
		harness.Until(t, 5*time.Second, "first reply", func() error {
			resp, err := http.Get(url)
			if err == nil {
				resp.Body.Close()
			}
			return err
		})
		best = min(best, time.Since(begun))
		lines = append(lines, out["listener"].(map[string]any)["id"].(string)+" 200 completed\n")
	}
	slices.Sort(lines)
	harness.Until(t, 5*time.Second, "the replies in the access log", func() error {
		b, err := os.ReadFile(accessLog)
		if got := slices.Sorted(strings.Lines(string(b))); !slices.Equal(got, lines) { // each loop has a buffer of its own
			return errorf("it holds %q, want %q (%v)", got, lines, err)
		}
		return nil
	})
	t.Logf("create call to first reply: best of 5 %s", best.Round(100*time.Microsecond))
	if best > 100*time.Millisecond {
		t.Errorf("best of 5 is %s, more than 100 ms", best)
	}
}
