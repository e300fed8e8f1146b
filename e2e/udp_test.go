package e2e

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestUDP has a UDP listener beside the HTTP one: flows go round and stay, a member
// that refuses datagrams is found out, and after the active node is killed and after a
// switchover clients are answered from the same address.
func TestUDP(t *testing.T) {
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(nil)
	n := w.Nodes[0]
	pool := n.Post(harness.Octavia+"pools", "pool", map[string]any{"loadbalancer_id": s.LB, "protocol": "UDP", "lb_algorithm": "ROUND_ROBIN"})["id"].(string)
	listener := n.Post(harness.Octavia+"listeners", "listener", map[string]any{
		"loadbalancer_id": s.LB, "protocol": "UDP", "protocol_port": 53, "default_pool_id": pool,
	})["id"].(string)
	var members []string
	for _, a := range []string{"10.0.0.6", "10.0.0.3", "10.0.0.50"} { // nobody listens on the last
		members = append(members, n.Post(harness.Octavia+"pools/"+pool+"/members", "member", map[string]any{"address": a, "protocol_port": 53})["id"].(string))
	}
	n.Post(harness.Octavia+"healthmonitors", "healthmonitor", map[string]any{"pool_id": pool, "type": "UDP-CONNECT", "delay": 3, "timeout": 1, "max_retries": 1, "max_retries_down": 1})
	status := func(path, key string) string {
		var out map[string]map[string]any
		if err := n.Get(harness.Octavia+path, &out); err != nil {
			return err.Error()
		}
		return fmt.Sprint(out[key]["operating_status"])
	}
	w.Until(15*time.Second, "the monitor has found out who listens", func() error {
		for i, want := range []string{"ONLINE", "ONLINE", "ERROR"} {
			if got := status("pools/"+pool+"/members/"+members[i], "member"); got != want {
				return errorf("member %d is %s", i, got)
			}
		}
		if got := status("listeners/"+listener, "listener"); got != "DEGRADED" && got != "ONLINE" {
			return errorf("the listener is %s", got)
		}
		return nil
	})

	seen := map[string]int{}
	for i := range 6 {
		c := datagrams(w, s.FIP)
		first := c.ask(fmt.Sprint("first of ", i))
		seen[first]++
		for range 3 {
			if got := c.ask("again"); got != first {
				t.Errorf("a flow went from %s to %s", first, got)
			}
		}
	}
	if len(seen) != 2 || seen["page 1"] == 0 || seen["page 2"] == 0 {
		t.Errorf("flows by member: %v", seen)
	}
	// One client goes on, whoever is active.
	c := datagrams(w, s.FIP)
	c.ask("before")
	active := w.Active(s.VIP)
	active.Kill()
	c.ask("after the active node was killed")
	active.Start()
	w.Until(20*time.Second, "the cluster is whole", func() error {
		v, err := active.ClusterView()
		if err != nil {
			return err
		}
		for _, x := range v.Nodes {
			if x.Role == "unknown" {
				return errorf("%s is unknown", x.Name)
			}
		}
		return nil
	})
	active.CLI("switchover", active.Name)
	c.ask("after the switchover")
	if w.Active(s.VIP) != active {
		t.Error("the VIP is elsewhere")
	}
}

// asker is a client of one flow.
type asker struct {
	net.Conn
	w *harness.World
}

func datagrams(w *harness.World, addr string) *asker {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := w.Client.Dial(ctx, "udp", addr+":53")
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { c.Close() })
	return &asker{c, w}
}

// ask sends what until it is answered, as clients of datagrams do, and returns who
// has answered.
func (a *asker) ask(what string) (who string) {
	a.w.T.Helper()
	b := make([]byte, 2048)
	a.w.Until(5*time.Second, "an answer to "+what, func() error {
		if _, err := a.Write([]byte(what)); err != nil {
			return err
		}
		_ = a.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		for {
			n, err := a.Read(b)
			if err != nil {
				return err
			}
			if page, got, ok := strings.Cut(string(b[:n]), ":"); ok && got == what {
				who = page
				return nil
			}
		}
	})
	return who
}
