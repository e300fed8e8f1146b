package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestWalkthroughWithTheStockClient is the walkthrough of the 2017 talk on
// Octavia with today's client, unmodified, on two nodes without a witness.
func TestWalkthroughWithTheStockClient(t *testing.T) {
	needOpenstack(t)
	t.Parallel()
	need(t, "curl", "curl")
	w := harness.New(t, harness.Options{Nodes: 2})
	w.StartCluster()
	w.StartWeb(w.Web1, "page 1")
	web2 := w.StartWeb(w.Web2, "page 2")
	n := w.Nodes[0]
	os := onNode(t, n, n).ok

	os("network create private")
	os("subnet create --network private --subnet-range 10.0.0.0/24 private-subnet")
	os("network create --external public")
	os("subnet create --network public --subnet-range 203.0.113.0/24 public-subnet")
	os("router create router1")
	os("router set --external-gateway public router1")
	os("router add subnet router1 private-subnet")

	os("loadbalancer create --name lb1 --vip-subnet-id private-subnet --wait")
	os("loadbalancer listener create --name listener1 --protocol HTTP --protocol-port 80 --wait lb1")
	os("loadbalancer pool create --name pool1 --lb-algorithm ROUND_ROBIN --listener listener1 --protocol HTTP --wait")
	os("loadbalancer member create --subnet-id private-subnet --address 10.0.0.6 --protocol-port 80 --wait pool1")
	os("loadbalancer member create --subnet-id private-subnet --address 10.0.0.3 --protocol-port 80 --wait pool1")
	os("loadbalancer healthmonitor create --delay 5 --timeout 10 --max-retries 4 --type HTTP --url-path / --wait pool1")
	vip := os("loadbalancer show lb1 -f value -c vip_address")
	port := os("loadbalancer show lb1 -f value -c vip_port_id")
	fip := os("floating ip create public -f value -c floating_ip_address")
	os("floating ip set --port " + port + " " + fip)

	t.Run("pages in turn", func(t *testing.T) {
		var last string
		w.Until(5*time.Second, "the floating IP answers", func() (err error) {
			last, err = w.Curl("--fail", "http://"+fip+"/")
			return err
		})
		for i := range 6 {
			page, err := w.Curl("--fail", "http://"+fip+"/")
			if err != nil || page == last || !strings.HasPrefix(page, "page ") {
				t.Fatalf("request %d: %q after %q, error %v", i, page, last, err)
			}
			last = page
		}
	})

	t.Run("a stopped web server fails no request after the monitor's rule", func(t *testing.T) {
		web2.Kill()
		// delay 5, max_retries_down 3: within 3 probes and their time-outs.
		w.Until(40*time.Second, "the member is in ERROR", func() error {
			out := os("loadbalancer member list pool1 -f value -c address -c operating_status")
			if !strings.Contains(out, "10.0.0.3 ERROR") {
				return errorf("members: %s", out)
			}
			return nil
		})
		for i := range 50 {
			if page, err := w.Curl("--fail", "http://"+fip+"/"); err != nil || page != "page 1" {
				t.Fatalf("request %d: %q %v", i, page, err)
			}
		}
	})

	t.Run("the master is killed and the role column is true", func(t *testing.T) {
		active := w.Active(vip)
		standby := w.Nodes[0]
		if standby == active {
			standby = w.Nodes[1]
		}
		roles := func(on *harness.Node) map[string]string {
			t.Helper()
			return rolesOf(onNode(t, on, n).ok("loadbalancer amphora list -f value -c role -c lb_network_ip"))
		}
		if got := roles(n); got[active.Mgmt] != "MASTER" || got[standby.Mgmt] != "BACKUP" {
			t.Fatalf("before: %v, %s is active", got, active.Name)
		}
		active.Signal(syscall.SIGKILL)
		killed := time.Now()
		w.Until(5*time.Second, "the page is back", func() error {
			_, err := w.Curl("--fail", "http://"+fip+"/")
			return err
		})
		t.Logf("page back %s after SIGKILL (one request at a time)", time.Since(killed).Round(time.Millisecond))
		if got := roles(standby); got[standby.Mgmt] != "MASTER" || got[active.Mgmt] == "MASTER" {
			t.Errorf("after: %v, but %s holds the VIP", got, standby.Name)
		}
		if !standby.HasAddress(vip) || active.HasAddress(vip) {
			t.Errorf("ip addr: standby has VIP %v, killed node has VIP %v", standby.HasAddress(vip), active.HasAddress(vip))
		}
		watch := w.WatchARP(w.Observer, "private", "10.0.0.50", vip)
		w.Until(5*time.Second, "the observer was answered", func() error { return watch.Answered() })
		if got, want := harness.LastOwner(watch.Stop()), w.MAC(standby.Host, "private"); got != want {
			t.Errorf("ARP for %s is answered by %s, want %s of %s", vip, got, want, standby.Name)
		}
	})
}

// rolesOf maps addresses to roles from lines "ROLE ADDRESS".
func rolesOf(lines string) map[string]string {
	m := map[string]string{}
	for l := range strings.Lines(lines) {
		if f := strings.Fields(l); len(f) == 2 {
			m[f[1]] = f[0]
		}
	}
	return m
}
