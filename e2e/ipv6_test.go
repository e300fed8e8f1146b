package e2e

import (
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestFailoverIPv6 has a load balancer on both families and one on IPv6 alone. A
// client on the IPv6 network uses the second while the active node is killed. Both
// families are advertised by VRRP.
func TestFailoverIPv6(t *testing.T) {
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true, IPv6: true, Flags: []string{"--vrrp=multicast"}})
	w.StartCluster()
	s := w.MakeService(map[string]any{"type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 2, "url_path": "/"})
	n := w.Nodes[0]
	v6subnet := func(name, network, cidr string) string {
		return n.Post(harness.Networking+"subnets", "subnet", map[string]any{"name": name, "network_id": network, "ip_version": 6, "cidr": cidr})["id"].(string)
	}
	private := n.Post(harness.Networking+"networks", "network", map[string]any{"name": "both"})["id"].(string)
	v4 := n.Post(harness.Networking+"subnets", "subnet", map[string]any{
		"name": "both-4", "network_id": private, "ip_version": 4, "cidr": "10.0.0.0/24",
		"allocation_pools": []map[string]any{{"start": "10.0.0.200", "end": "10.0.0.220"}},
	})["id"].(string)
	v6 := v6subnet("both-6", private, "fd00:10::/64")
	// make returns the addresses of a load balancer that serves the two web servers.
	make := func(name string, body map[string]any) []string {
		body["name"] = name
		lb := n.Post(harness.Octavia+"loadbalancers", "loadbalancer", body)
		listener := n.Post(harness.Octavia+"listeners", "listener", map[string]any{"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80})
		pool := n.Post(harness.Octavia+"pools", "pool", map[string]any{"listener_id": listener["id"], "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"})
		for _, a := range []string{"10.0.0.6", "10.0.0.3"} {
			n.Post(harness.Octavia+"pools/"+pool["id"].(string)+"/members", "member", map[string]any{"address": a, "protocol_port": 80})
		}
		addrs := []string{lb["vip_address"].(string)}
		for _, v := range lb["additional_vips"].([]any) {
			addrs = append(addrs, v.(map[string]any)["ip_address"].(string))
		}
		return addrs
	}
	dual := make("dual", map[string]any{"vip_subnet_id": v4, "additional_vips": []map[string]any{{"subnet_id": v6}}})
	alone := make("alone", map[string]any{"vip_subnet_id": v6})
	if len(dual) != 2 || len(alone) != 1 {
		t.Fatalf("addresses %v and %v", dual, alone)
	}
	served := func(when string) {
		t.Helper()
		for _, url := range []string{"http://" + dual[0] + "/", "http://[" + dual[1] + "]/", "http://[" + alone[0] + "]/"} {
			w.Until(5*time.Second, url+" is served "+when, func() error { _, err := w.Curl("--fail", url); return err })
		}
	}
	served("before the fault")
	s.VIP = alone[0]
	f := &failover{w: w, s: s, active: w.Active(s.VIP)}
	f.standby = w.Nodes[0]
	if f.standby == f.active {
		f.standby = w.Nodes[1]
	}
	f.probe = w.StartProbe(w.Client, "["+s.VIP+"]:80")
	f.arp = w.WatchARP(w.Observer, "private", "fd00:10::50", s.VIP)
	f.settled("before the fault")
	f.active.Kill()
	w.Until(5*time.Second, "the standby has the VIP", func() error {
		if !f.standby.HasAddress(s.VIP) {
			return errorf("%s does not have %s", f.standby.Name, s.VIP)
		}
		return nil
	})
	f.check(f.standby)
	served("after the fault")
	f.checkHistory(f.standby)
	w.Until(5*time.Second, "status shows the virtual routers", func() error {
		out := f.standby.CLI("status")
		for _, want := range []string{"private IPv4, VRID ", "private IPv6, VRID ", "public IPv4, VRID "} {
			if !strings.Contains(out, "VRRP on "+f.standby.Name+": "+want) {
				return errorf("no %q in %s", want, out)
			}
		}
		return nil
	})
	_, metrics, err := f.standby.API("GET", "/metrics", nil)
	for _, want := range []string{`lbd_vrrp_vrid{family="IPv6",link="private"} `, "lbd_vrrp_foreign_adverts_total 0\n", "lbd_vip_foreign_claims_total 0\n", "lbd_vip_held 5\n", "lbd_vip_takeover_gap_seconds 0."} {
		if err != nil || !strings.Contains(string(metrics), want) {
			t.Errorf("no %q in the metrics, %v", want, err)
		}
	}
}
