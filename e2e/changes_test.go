package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// rss is what the process holds of memory, in KiB.
func (n *loopbackNode) rss(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// must makes a call that has to succeed, once what was changed before is settled.
func (n *loopbackNode) must(t *testing.T, method, path string, in any) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		status, out := n.admin(t, method, harness.Octavia+path, in)
		if status < 300 {
			return out
		}
		if status != http.StatusConflict || time.Now().After(deadline) {
			t.Fatalf("%s %s: %d %v", method, path, status, out)
		}
	}
}

// TestChangesUnderLoad: configuration changes, one after the other, fail no request
// and take no memory that stays (60, or LBD_CHANGES). Nor does an upload that is
// larger than the memory of the machine may be (256 MiB; 10 GiB with LBD_CHANGES).
func TestChangesUnderLoad(t *testing.T) {
	n := startLoopback(t, t.TempDir())
	lb := n.balancer(t, "127.0.88.1")
	pool := n.create(t, harness.Octavia+"pools", "pool", map[string]any{"loadbalancer_id": lb, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, got)
	}))
	t.Cleanup(srv.Close)
	member := map[string]any{"address": "127.0.0.1", "protocol_port": portOf(t, srv.URL)}
	first := n.create(t, harness.Octavia+"pools/"+pool+"/members", "member", member)
	listener := n.create(t, harness.Octavia+"listeners", "listener", map[string]any{"loadbalancer_id": lb, "protocol": "HTTP", "protocol_port": 18190, "default_pool_id": pool})
	const addr = "127.0.88.1:18190"

	var (
		wg       sync.WaitGroup
		requests atomic.Int64
		stop     = make(chan struct{})
	)
	for i := range 4 {
		hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: i == 0}, Timeout: 20 * time.Second}
		wg.Go(func() {
			defer hc.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				// A POST is never sent again, by nobody: what goes wrong is seen.
				resp, err := hc.Post("http://"+addr+"/", "text/plain", strings.NewReader("ping"))
				if err != nil {
					t.Errorf("request %d: %v", requests.Load(), err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || string(b) != "4" {
					t.Errorf("request %d: %s %q, %v", requests.Load(), resp.Status, b, err)
					return
				}
				requests.Add(1)
			}
		})
	}
	object := func(noun string, attrs map[string]any) map[string]any { return map[string]any{noun: attrs} }
	var extra, policy string
	steps := []func(i int){
		func(i int) {
			n.must(t, "PUT", "pools/"+pool, object("pool", map[string]any{"lb_algorithm": []string{"LEAST_CONNECTIONS", "SOURCE_IP", "ROUND_ROBIN"}[i/10%3]}))
		},
		func(int) {
			more := map[string]any{"address": "127.0.0.2", "protocol_port": member["protocol_port"], "weight": 0} // nobody is there: it is drained
			extra = n.must(t, "POST", "pools/"+pool+"/members", object("member", more))["member"].(map[string]any)["id"].(string)
		},
		func(i int) {
			n.must(t, "PUT", "pools/"+pool+"/members/"+first, object("member", map[string]any{"weight": 1 + i%7}))
		},
		func(int) {
			n.must(t, "PUT", "listeners/"+listener, object("listener", map[string]any{"insert_headers": map[string]any{"X-Forwarded-For": "true"}}))
		},
		func(int) {
			p := map[string]any{"listener_id": listener, "action": "REDIRECT_TO_URL", "redirect_url": "http://b.example/"}
			policy = n.must(t, "POST", "l7policies", object("l7policy", p))["l7policy"].(map[string]any)["id"].(string)
		},
		func(int) {
			n.must(t, "POST", "l7policies/"+policy+"/rules", object("rule", map[string]any{"type": "PATH", "compare_type": "STARTS_WITH", "value": "/elsewhere"}))
		},
		func(i int) {
			n.must(t, "PUT", "listeners/"+listener, object("listener", map[string]any{"connection_limit": 1000 + i}))
		},
		func(int) { n.must(t, "DELETE", "l7policies/"+policy, nil) },
		func(int) { n.must(t, "DELETE", "pools/"+pool+"/members/"+extra, nil) },
		func(int) {
			n.must(t, "PUT", "listeners/"+listener, object("listener", map[string]any{"insert_headers": map[string]any{}, "timeout_client_data": 60000}))
		},
	}
	changes, early, size := 60, 0, int64(256<<20)
	if v := os.Getenv("LBD_CHANGES"); v != "" {
		var err error
		if changes, err = strconv.Atoi(v); err != nil {
			t.Fatalf("LBD_CHANGES: %v", err)
		}
		size = 10 << 30
	}
	for i := range changes {
		steps[i%len(steps)](i)
		if i == changes/3 {
			early = n.rss(t)
		}
	}
	late := n.rss(t)
	close(stop)
	wg.Wait()
	if requests.Load() < int64(changes) {
		t.Errorf("%d requests during %d changes", requests.Load(), changes)
	}
	if late > early+early/4+8<<10 {
		t.Errorf("after %d changes the process holds %d KiB, after a third of them %d", changes, late, early)
	}
	t.Logf("%d requests during %d changes; %d KiB after a third, %d at the end", requests.Load(), changes, early, late)

	upload(t, n, addr, size)
}

// upload sends size bytes through addr and watches what the node holds meanwhile.
func upload(t *testing.T, n *loopbackNode, addr string, size int64) {
	t.Helper()
	before, most := n.rss(t), 0
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Minute))
	if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 1<<20)
	for sent := int64(0); sent < size; sent += int64(len(part)) {
		if _, err := c.Write(part); err != nil {
			t.Fatalf("after %d bytes: %v", sent, err)
		}
		if sent>>20%64 == 0 {
			most = max(most, n.rss(t))
		}
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\n"+strconv.FormatInt(size, 10)) {
		t.Errorf("answer %q, %v", answer, err)
	}
	if most > before+16<<10 {
		t.Errorf("%d KiB before, up to %d during an upload of %d bytes", before, most, size)
	}
	t.Logf("an upload of %d MiB: %d KiB before, at most %d", size>>20, before, most)
}
