package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// spreadLB is one of several load balancers with the same content.
type spreadLB struct {
	id, vip string
}

// spreadWorld is three data nodes with several load balancers, and clients of all.
type spreadWorld struct {
	w   *harness.World
	lbs []spreadLB
}

func newSpreadWorld(t *testing.T, lbs int, o harness.Options) *spreadWorld {
	t.Helper()
	w := harness.New(t, o)
	w.StartCluster()
	w.StartWeb(w.Web1, "page 1")
	n, sw := w.Nodes[0], &spreadWorld{w: w}
	network := n.Post(harness.Networking+"networks", "network", map[string]any{"name": "private"})["id"]
	subnet := n.Post(harness.Networking+"subnets", "subnet", map[string]any{"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"})["id"]
	for i := range lbs {
		lb := n.Post(harness.Octavia+"loadbalancers", "loadbalancer", map[string]any{
			"name": fmt.Sprintf("lb%d", i), "vip_subnet_id": subnet,
			"listeners": []map[string]any{{"protocol": "HTTP", "protocol_port": 80, "default_pool": map[string]any{
				"name": "pool", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": []map[string]any{{"address": "10.0.0.6", "protocol_port": 80}},
			}}},
		})
		sw.lbs = append(sw.lbs, spreadLB{lb["id"].(string), lb["vip_address"].(string)})
	}
	sw.shares("before Spread is on", nil, func(s []int) bool { return s[0] == len(sw.lbs) })
	return sw
}

// spreadLoads are the loads on several load balancers, by clients on the private network.
type spreadLoads []*load

func (sw *spreadWorld) startLoads(on []spreadLB) (out spreadLoads) {
	sw.w.T.Helper()
	for _, lb := range on {
		out = append(out, startLoad(sw.w, sw.w.Observer, lb.vip+":80"))
	}
	return out
}

func (ls spreadLoads) passed(when string) {
	for _, l := range ls {
		l.w.T.Helper()
		l.passed(when)
	}
}

func (ls spreadLoads) check() {
	for _, l := range ls {
		l.w.T.Helper()
		l.check()
	}
}

// spreadARP asks who answers for each VIP.
type spreadARP struct {
	w     *harness.World
	byVIP map[string]*harness.ARPWatch
}

func (sw *spreadWorld) watchARP() *spreadARP {
	sw.w.T.Helper()
	a := &spreadARP{sw.w, map[string]*harness.ARPWatch{}}
	for _, lb := range sw.lbs {
		a.byVIP[lb.vip] = sw.w.WatchARP(sw.w.Web2, "private", "10.0.0.3", lb.vip)
	}
	return a
}

// check ends the watches: no two nodes may have answered for one VIP.
func (a *spreadARP) check() {
	a.w.T.Helper()
	for vip, watch := range a.byVIP {
		if two := harness.TwoOwners(watch.Stop()); two > 0 {
			a.w.T.Errorf("two nodes answered ARP for %s during %s", vip, two)
		}
	}
}

// owners is which node, other than the dead one, has each VIP in its kernel; an error
// unless each has one.
func (sw *spreadWorld) owners(dead *harness.Node) (map[string]*harness.Node, error) {
	owners := map[string]*harness.Node{}
	for _, n := range sw.w.Nodes {
		if n == dead || !n.Alive() {
			continue
		}
		for _, lb := range sw.lbs {
			if !n.HasAddress(lb.vip) {
				continue
			}
			if o := owners[lb.vip]; o != nil {
				return nil, errorf("%s and %s have %s", o.Name, n.Name, lb.vip)
			}
			owners[lb.vip] = n
		}
	}
	if len(owners) < len(sw.lbs) {
		return nil, errorf("only %d of %d VIPs are held", len(owners), len(sw.lbs))
	}
	return owners, nil
}

// shares waits until sharesNow finds nothing wrong.
func (sw *spreadWorld) shares(when string, dead *harness.Node, right func([]int) bool) (owners map[string]*harness.Node) {
	sw.w.T.Helper()
	sw.w.Until(15*time.Second, "the shares and what is said of them are right "+when, func() (err error) {
		owners, err = sw.sharesNow(dead, right)
		return err
	})
	return owners
}

// sharesNow is who owns each VIP; an error unless each has one owner, the sizes of the
// nodes' shares, the largest first, are as they should be, and every living node shows
// just that.
func (sw *spreadWorld) sharesNow(dead *harness.Node, right func([]int) bool) (map[string]*harness.Node, error) {
	owners, err := sw.owners(dead)
	if err != nil {
		return nil, err
	}
	count := map[*harness.Node]int{}
	for _, o := range owners {
		count[o]++
	}
	var sizes []int
	for _, n := range sw.w.Nodes {
		sizes = append(sizes, count[n])
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	if !right(sizes) {
		return nil, errorf("the shares are %v", sizes)
	}
	for _, n := range sw.w.Nodes {
		if n == dead {
			continue
		}
		rows, err := n.Amphorae()
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			i := slices.IndexFunc(sw.lbs, func(lb spreadLB) bool { return lb.id == r.LoadBalancerID })
			master := i >= 0 && owners[sw.lbs[i].vip].Mgmt == r.LBNetworkIP
			if i < 0 || (r.Role == "MASTER") != master || dead != nil && r.LBNetworkIP == dead.Mgmt && r.Role != "" {
				return nil, errorf("%s shows %+v, owners are %v", n.Name, r, names(owners))
			}
		}
	}
	return owners, nil
}

// balanced asks a node for even shares until all nodes have theirs: who is back has
// to be heard by all others, the leader among them, or it loses its share again. So
// does who is silent for a moment later, as on a machine that is overloaded.
func (sw *spreadWorld) balanced(by *harness.Node, right func([]int) bool) (owners map[string]*harness.Node) {
	sw.w.T.Helper()
	sw.w.Until(40*time.Second, "no load balancer need move, and the shares are right", func() error {
		for _, n := range sw.w.Nodes {
			v, err := n.ClusterView()
			if err != nil {
				return err
			}
			for _, o := range v.Nodes {
				if o.Kind == "data" && (!o.Ready || o.AgeMS > 500) {
					return errorf("%s hears of %s: %+v", n.Name, o.Name, o)
				}
			}
		}
		if out := by.CLI("spread", "balance"); !strings.HasPrefix(out, "0 ") {
			return errorf("%s", out)
		}
		var err error
		owners, err = sw.sharesNow(nil, right)
		return err
	})
	return owners
}

func names(owners map[string]*harness.Node) map[string]string {
	m := map[string]string{}
	for vip, n := range owners {
		m[vip] = n.Name
	}
	return m
}

func even(want ...int) func([]int) bool {
	return func(got []int) bool { return slices.Equal(got, want) }
}

// told checks what a living node says of the share that dead had of owners: who has it now,
// and why, in the history, the metrics and the status.
func (sw *spreadWorld) told(dead *harness.Node, owners map[string]*harness.Node) {
	w, t := sw.w, sw.w.T
	t.Helper()
	by := w.Nodes[0]
	if by == dead {
		by = w.Nodes[1]
	}
	var lost []string
	for _, lb := range sw.lbs {
		if owners[lb.vip] == dead {
			lost = append(lost, lb.id)
		}
	}
	w.Until(10*time.Second, "the history has the move", func() error {
		var v struct {
			Shares []struct {
				From          string `json:"from_name"`
				Count         int
				LoadBalancers []string
				Why           string
			}
		}
		if err := by.Get("/v1/cluster/history", &v); err != nil {
			return err
		}
		if len(v.Shares) == 0 || v.Shares[0].From != dead.Name || v.Shares[0].Count != len(lost) || !slices.Equal(v.Shares[0].LoadBalancers, lost) || !strings.HasPrefix(v.Shares[0].Why, "the ") {
			return errorf("%v of %s: %+v", lost, dead.Name, v.Shares)
		}
		return nil
	})
	status, b, err := by.API("GET", "/metrics", nil)
	for _, want := range []string{fmt.Sprintf("lbd_spread_given{node=%q} 0\n", dead.Name), fmt.Sprintf("lbd_spread_held{node=%q} 0\n", dead.Name), fmt.Sprintf("lbd_spread_held{node=%q} ", by.Name)} {
		if status != 200 || !strings.Contains(string(b), want) {
			t.Errorf("the metrics lack %q (%d, %v)", want, status, err)
		}
	}
	if out := by.CLI("status"); !strings.Contains(out, "spread: of the load balancers ") || !strings.Contains(out, dead.Name+" holds 0") {
		t.Errorf("the status does not tell of the shares:\n%s", out)
	}
}

// leader is the living node that leads, by the word of any of them.
func (sw *spreadWorld) leader() (found *harness.Node) {
	w := sw.w
	w.T.Helper()
	w.Until(10*time.Second, "there is a leader", func() error {
		for _, n := range w.Nodes {
			if !n.Alive() {
				continue
			}
			v, err := n.ClusterView()
			if err != nil {
				return err
			}
			for _, o := range v.Nodes {
				i := slices.IndexFunc(w.Nodes, func(x *harness.Node) bool { return x.Name == o.Name && x.Alive() })
				if o.ID == v.Leader && i >= 0 {
					found = w.Nodes[i]
					return nil
				}
			}
		}
		return errorf("none")
	})
	return found
}

// strike lets act take a node out of service under load, the leader or a follower, while
// each node has its share: what it held must be served by others within that time, and
// what others held must stay, and be served on. It returns the node, and who held what.
func (sw *spreadWorld) strike(what, role string, within time.Duration, act func(*harness.Node)) (victim *harness.Node, owners map[string]*harness.Node) {
	w, t := sw.w, sw.w.T
	t.Helper()
	probes := map[string]*harness.Probe{}
	for _, lb := range sw.lbs {
		probes[lb.vip] = w.StartProbe(w.Observer, lb.vip+":80")
	}
	w.Until(20*time.Second, "the clients have begun", func() error {
		for vip, p := range probes {
			if len(p.Shots()) < 100 {
				return errorf("%s: %d requests", vip, len(p.Shots()))
			}
		}
		return nil
	})
	// At the last moment: on a machine that is overloaded a node may have been silent
	// for long enough, since the last time this was so, to lose its share.
	owners = sw.balanced(w.Nodes[0], even(1, 1, 1))
	victim = sw.leader()
	if role == "follower" {
		victim = w.Nodes[(slices.Index(w.Nodes, victim)+1)%3]
	}
	began := harness.Now()
	act(victim)
	// What the machine does to requests without any fault is not the fault's.
	var starved time.Duration
	for _, p := range probes {
		before := p.Shots()
		before = before[:len(before)-len(harness.Since(before, began))]
		starved = max(starved, harness.Slowest(before))
		for _, s := range harness.Failed(before) {
			starved = max(starved, s.End-s.Start)
		}
	}
	starved = min(starved, maxBlackout/2)
	t.Logf("%s: before, requests took up to %s", what, starved.Round(time.Millisecond))
	after := sw.shares("after: "+what, victim, even(2, 1, 0))
	for vip, p := range probes {
		shots := harness.Since(p.Stop(), began)
		gap, failed, own := harness.Blackout(shots), len(harness.Failed(shots)), owners[vip] == victim
		t.Logf("%s: %s was not served for %s, %d of %d requests failed; its own: %v", what, vip, gap.Round(time.Millisecond), failed, len(shots), own)
		switch {
		case !own && (after[vip] != owners[vip] || gap > maxBlackout/2+2*starved):
			t.Errorf("%s: %s was another node's, and was not served for %s; it was moved: %v", what, vip, gap, after[vip] != owners[vip])
		case own && gap > within+2*starved:
			t.Errorf("%s: %s was not served for %s", what, vip, gap)
		}
	}
	return victim, owners
}

// TestSpreadFaults: a follower, and then the leader, is cut off from the others while its
// clients still reach it, is frozen, or is off the network altogether. The others have its
// share within the bound, nobody answers for what another one has, and who is back has
// nothing until the shares are balanced.
func TestSpreadFaults(t *testing.T) {
	for _, victim := range []string{"follower", "leader"} {
		t.Run(victim, func(t *testing.T) {
			sw := newSpreadWorld(t, 3, harness.Options{Nodes: 3})
			w := sw.w
			arp := sw.watchARP()
			w.Nodes[0].CLI("profile", "calm") // nothing is to move for want of a processor
			w.Nodes[0].CLI("spread", "on")
			sw.shares("after it is on", nil, even(1, 1, 1))
			within := 5 * maxBlackout // on a busy machine an election may take several rounds
			if victim == "follower" {
				within = 2 * maxBlackout // silence is waited for, twice
			}
			for _, fault := range []struct {
				name     string
				act, end func(*harness.Node)
			}{
				{"cut off", func(n *harness.Node) { n.Management("down") }, func(n *harness.Node) { n.Management("up") }},
				{"frozen", func(n *harness.Node) { n.Signal(syscall.SIGSTOP) }, func(n *harness.Node) { n.Signal(syscall.SIGCONT) }},
				{"off", func(n *harness.Node) { n.Management("down"); n.Unplug() }, nil},
			} {
				n, _ := sw.strike(fault.name, victim, within, fault.act)
				if fault.end == nil {
					break
				}
				fault.end(n)
				sw.shares("after "+n.Name+" is back", nil, even(2, 1, 0))
			}
			arp.check()
		})
	}
}

// TestSpread distributes three load balancers over three nodes under load, kills a
// follower and the leader, and takes all of it back.
func TestSpread(t *testing.T) {
	sw := newSpreadWorld(t, 3, harness.Options{Nodes: 3})
	w := sw.w
	cli := func(args ...string) string { return w.Nodes[0].CLI("spread", args...) }
	if out := cli(); !strings.Contains(out, "spread is off") {
		t.Errorf("lbd spread: %q", out)
	}
	if out, err := w.Nodes[0].TryCLI(10*time.Second, "spread", "balance"); err == nil || !strings.Contains(out+err.Error(), "Spread is off") {
		t.Errorf("balance while it is off: %q, %v", out, err)
	}

	loads := sw.startLoads(sw.lbs[1:])
	arp := sw.watchARP()
	loads.passed("before")
	cli("on")
	sw.shares("after it is on", nil, even(1, 1, 1))
	loads.passed("after it is on")
	loads.check()

	for _, victim := range []string{"follower", "leader"} {
		within := maxBlackout
		if victim == "leader" {
			within = 5 * maxBlackout // on a busy machine an election may take several rounds
		}
		dies, owners := sw.strike(victim+" dead", victim, within, (*harness.Node).Kill)
		sw.told(dies, owners)
		dies.Start()
		sw.shares("after the "+victim+" is back", nil, even(2, 1, 0))
	}

	cli("off")
	sw.shares("after it is off", nil, even(3, 0, 0))
	dies := sw.leader()
	dies.Kill()
	sw.shares("after a takeover", dies, even(3, 0, 0))
	arp.check()
}

// TestSpreadRestartAndFailover has two data nodes and a witness: both are
// restarted in turn under load, a load balancer is moved by Octavia's failover, and no
// request fails. Without a witness Spread is refused.
func TestSpreadRestartAndFailover(t *testing.T) {
	sw := newSpreadWorld(t, 2, harness.Options{Nodes: 2, Witness: true})
	w := sw.w
	w.Nodes[1].CLI("spread", "on")
	sw.shares("after it is on", nil, even(1, 1))
	arp, loads := sw.watchARP(), sw.startLoads(sw.lbs)
	loads.passed("before")
	for _, n := range w.Nodes {
		began := time.Now()
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
		stopped := time.Since(began)
		n.Start()
		sw.shares("after "+n.Name+" is back", nil, even(2, 0))
		t.Logf("%s stopped in %s", n.Name, stopped.Round(time.Millisecond))
		sw.balanced(n, even(1, 1))
		loads.passed("after " + n.Name + " is back")
	}
	owners, err := sw.owners(nil)
	if err != nil {
		t.Fatal(err)
	}
	moved := sw.lbs[0]
	if status, b, err := w.Nodes[0].API("PUT", harness.Octavia+"loadbalancers/"+moved.id+"/failover", nil); status != 202 || err != nil {
		t.Fatalf("failover: %d %s %v", status, b, err)
	}
	after := sw.shares("after a failover", nil, even(2, 0))
	if after[moved.vip] == owners[moved.vip] {
		t.Errorf("the load balancer is still on %s", owners[moved.vip].Name)
	}
	w.Nodes[0].CLI("switchover")
	if again := sw.shares("after a switchover", nil, even(2, 0)); again[moved.vip] != after[moved.vip] {
		t.Error("a switchover moved a load balancer")
	}
	loads.passed("at the end")
	loads.check()
	if out, err := w.Nodes[0].TryCLI(10*time.Second, "remove", w.Witness.Name); err == nil || !strings.Contains(out+err.Error(), "keeps three voters") {
		t.Errorf("removing the witness: %q, %v", out, err)
	}
	arp.check()
}
