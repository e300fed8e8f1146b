package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHundredClientsRace: over real HTTP and the real log, with objects that are
// really PENDING, a hundred clients that want the same get it as often as there is.
func TestHundredClientsRace(t *testing.T) {
	t.Parallel()
	n := startLoopback(t, t.TempDir())
	create := func(path, one string, attrs map[string]any) string {
		t.Helper()
		status, out := n.admin(t, "POST", path, map[string]any{one: attrs})
		o, _ := out[one].(map[string]any)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d %v", path, status, out)
		}
		return o["id"].(string)
	}
	network := create("/networking/v2.0/networks", "network", map[string]any{"name": "net"})
	subnet := create("/networking/v2.0/subnets", "subnet", map[string]any{
		"network_id": network, "cidr": "127.77.0.0/24", "ip_version": 4, "gateway_ip": nil,
		"allocation_pools": []map[string]string{{"start": "127.77.0.10", "end": "127.77.0.29"}},
	})
	hc := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(n.dir, "lbd.sock"))
	}}}
	defer hc.CloseIdleConnections()
	race := func(method, path, body string) map[int]int {
		t.Helper()
		got := map[int]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				req, err := http.NewRequest(method, "http://lbd/load-balancer/v2.0/lbaas/"+path, strings.NewReader(strings.ReplaceAll(body, "%d", fmt.Sprint(i+1))))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/json")
				resp, err := hc.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				mu.Lock()
				defer mu.Unlock()
				got[resp.StatusCode]++
			})
		}
		all.Wait()
		return got
	}
	if got := race("POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"`+subnet+`"}}`); got[201] != 20 || got[409] != 80 {
		t.Errorf("for 20 addresses: %v", got)
	}
	_, out := n.admin(t, "GET", "/load-balancer/v2.0/lbaas/loadbalancers", nil)
	seen := map[any]bool{}
	for _, x := range out["loadbalancers"].([]any) {
		seen[x.(map[string]any)["vip_address"]] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different VIPs", len(seen))
	}
	lb := out["loadbalancers"].([]any)[0].(map[string]any)
	id, project := lb["id"].(string), lb["project_id"].(string)
	if status, out := n.admin(t, "PUT", "/load-balancer/v2.0/lbaas/quotas/"+project, `{"quota":{"listener":7}}`); status != http.StatusAccepted {
		t.Fatalf("quota: %d %v", status, out)
	}
	if got := race("POST", "listeners", `{"listener":{"loadbalancer_id":"`+id+`","protocol":"TCP","protocol_port":8%d}}`); got[201] != 7 || got[403] != 93 {
		t.Errorf("for 7 listeners: %v", got)
	}
	if got := race("PUT", "loadbalancers/"+id, `{"loadbalancer":{"name":"n%d"}}`); got[200] != 100 {
		t.Errorf("changes of one object: %v", got)
	}
	if got := race("DELETE", "loadbalancers/"+id+"?cascade=true", ""); got[204] != 1 || got[204]+got[404]+got[409] != 100 {
		t.Errorf("deletions of one object: %v", got)
	}
}
