package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// TestBenchAPI measures the API of a real cluster at size: two data nodes and a
// witness, each in a namespace of its own, VIPs local everywhere. It runs only
// when asked (make bench-api) and prints the table of docs/benchmarks.md;
// LBD_BENCH_LBS and LBD_BENCH_MEMBERS (per load balancer) change the size.
func TestBenchAPI(t *testing.T) {
	if os.Getenv("LBD_BENCH_API") == "" {
		t.Skip("SKIP TestBenchAPI: set LBD_BENCH_API=1")
	}
	b := &apiBench{T: t, lbs: number(t, "LBD_BENCH_LBS", 10_000), each: number(t, "LBD_BENCH_MEMBERS", 10)}
	b.start()
	b.idle("small")
	b.createMembers()
	before := b.memory()
	b.trees()
	bare := b.memory()
	b.batches()
	full := b.memory()
	b.row("live heap, empty / load balancers / all, MiB", fmt.Sprintf("%.0f / %.0f / %.0f", mib(before), mib(bare), mib(full)), "")
	b.row("live heap per member, bytes", fmt.Sprint((full-bare)/int64(b.lbs*b.each)), "< 1024")
	b.idle("full")
	b.reads()
	b.restart()
	t.Log("\n" + b.table())
	if out := os.Getenv("LBD_BENCH_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(b.table()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func number(t *testing.T, name string, def int) int {
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

type apiBench struct {
	*testing.T
	lbs, each int // load balancers, members of each
	w         *harness.World
	hc        *http.Client // of the first node, with connections kept
	subnet    string
	pools     []string // of the load balancers, by number
	ids       []string // load balancers
	vips      []string
	rows      []string
}

func (b *apiBench) row(what, value, target string) {
	b.rows = append(b.rows, fmt.Sprintf("| %s | %s | %s |", what, value, target))
	b.Logf("%s: %s", what, value)
}

func (b *apiBench) table() string {
	head := fmt.Sprintf("%d load balancers, each with a listener and a pool of %d members.\n\n| measure | value | target |\n|---|---|---|\n", b.lbs, b.each)
	return head + strings.Join(b.rows, "\n") + "\n"
}

// benchNet is local on every data node: VIPs are at its beginning, members from
// 10.48.0.0 on. Nobody listens there, so that they refuse connections at once; an
// address that swallows them would hold up the last step of restart.
const benchNet = "10.32.0.0/11"

func (b *apiBench) start() {
	b.w = harness.New(b.T, harness.Options{Nodes: 2, Witness: true})
	first := b.w.Nodes[0]
	first.Start("--no-vip", "--log-level", "warn", "--detect", "3s")
	token := filepath.Join(b.TempDir(), "token")
	if err := os.WriteFile(token, []byte(first.CLI("token")), 0o600); err != nil {
		b.Fatal(err)
	}
	b.w.Nodes[1].Start("--no-vip", "--log-level", "warn", "--detect", "3s", "--join", first.Mgmt, "--token-file", token)
	b.w.Witness.Start("--log-level", "warn", "--detect", "3s", "--join", first.Mgmt, "--token-file", token)
	for _, n := range b.w.Nodes {
		if _, err := n.Run(context.Background(), "ip", "route", "add", "local", benchNet, "dev", "lo"); err != nil {
			b.Fatal(err)
		}
	}
	b.w.Until(20*time.Second, "the cluster is whole", func() error {
		v, err := first.ClusterView()
		if err == nil && (len(v.Nodes) != 3 || v.Quorum != "ok") {
			err = fmt.Errorf("%d nodes, quorum %s", len(v.Nodes), v.Quorum)
		}
		return err
	})
	b.hc = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(first.Dir, "lbd.sock"))
		},
	}}
	network := b.ask(201, "POST", harness.Networking+"networks", `{"network":{"name":"bench"}}`)["network"].(map[string]any)
	subnet := b.ask(201, "POST", harness.Networking+"subnets", fmt.Sprintf(
		`{"subnet":{"network_id":"%s","ip_version":4,"cidr":"%s"}}`, network["id"], benchNet))["subnet"].(map[string]any)
	b.subnet = subnet["id"].(string)
}

// ask makes a request to the first node, which must be answered with status.
func (b *apiBench) ask(status int, method, path, body string) map[string]any {
	req, err := http.NewRequest(method, "http://lbd"+path, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.hc.Do(req)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		b.Errorf("%s %s: %d %.300s %v", method, path, resp.StatusCode, raw, err)
		return nil
	}
	out := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			b.Error(err)
		}
	}
	return out
}

const lbaas = "/v2.0/lbaas/"

// parallel calls do for 0 to n-1 from 32 clients and returns how many a second,
// and the processor time (user and system) that the three nodes spent on each.
func (b *apiBench) parallel(n int, do func(i int)) (rate float64, cpu time.Duration) {
	var next atomic.Int64
	var all sync.WaitGroup
	began, spent := time.Now(), b.cpu()
	for range 32 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !b.Failed(); i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return float64(n) / time.Since(began).Seconds(), (b.cpu() - spent) / time.Duration(n)
}

// cpu is the processor time that all nodes have used so far.
func (b *apiBench) cpu() (sum time.Duration) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	for _, n := range append(slices.Clone(b.w.Nodes), b.w.Witness) {
		for _, pid := range n.Pids() {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				b.Fatal(err)
			}
			_, after, _ := strings.Cut(string(raw), ") ") // the name may hold spaces
			f := strings.Fields(after)
			for _, s := range f[11:13] { // utime and stime, proc(5)
				t, err := strconv.ParseInt(s, 10, 64)
				if err != nil {
					b.Fatal(err)
				}
				sum += time.Duration(t) * tick
			}
		}
	}
	return sum
}

// perObject shows a processor time.
func perObject(cpu time.Duration, objects int) string {
	return fmt.Sprintf("%.2f", float64(cpu.Microseconds())/1000/float64(objects))
}

func (b *apiBench) tree(i int) string {
	return fmt.Sprintf(`{"loadbalancer":{"name":"lb%05d","vip_subnet_id":"%s","tags":["t%d"],
		"listeners":[{"protocol":"HTTP","protocol_port":80,"default_pool":{"name":"p","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}]}}`, i, b.subnet, i%10)
}

// createMembers makes single members of one pool.
func (b *apiBench) createMembers() {
	lb := b.ask(201, "POST", lbaas+"loadbalancers", b.tree(99_999))["loadbalancer"].(map[string]any)
	pool := lb["pools"].([]any)[0].(map[string]any)["id"].(string)
	const n = 2000
	rate, cpu := b.parallel(n, func(i int) {
		b.ask(201, "POST", lbaas+"pools/"+pool+"/members", fmt.Sprintf(`{"member":{"address":"10.1.%d.%d","protocol_port":80}}`, i/250, i%250+1))
	})
	b.row("members created one by one, 32 clients, per second", fmt.Sprintf("%.0f", rate), ">= 500")
	b.row("processor time for each, three nodes, ms", perObject(cpu, 1), "")
	b.ask(204, "DELETE", lbaas+"loadbalancers/"+lb["id"].(string)+"?cascade=true", "")
}

func (b *apiBench) trees() {
	b.pools, b.ids, b.vips = make([]string, b.lbs), make([]string, b.lbs), make([]string, b.lbs)
	rate, cpu := b.parallel(b.lbs, func(i int) {
		out := b.ask(201, "POST", lbaas+"loadbalancers", b.tree(i))
		if out == nil {
			return
		}
		lb := out["loadbalancer"].(map[string]any)
		b.ids[i], b.vips[i] = lb["id"].(string), lb["vip_address"].(string)
		b.pools[i] = lb["pools"].([]any)[0].(map[string]any)["id"].(string)
	})
	b.row("trees of 3 objects created, 32 clients, objects per second", fmt.Sprintf("%.0f", 3*rate), ">= 500")
	b.row("processor time for an object, three nodes, ms", perObject(cpu, 3), "")
	b.settled()
}

func (b *apiBench) batches() {
	rate, cpu := b.parallel(b.lbs, func(i int) {
		var members []string
		for m := range b.each {
			members = append(members, fmt.Sprintf(`{"address":"10.%d.%d.%d","protocol_port":%d}`, 48+i>>16, i>>8&255, i&255, 8000+m))
		}
		b.ask(202, "PUT", lbaas+"pools/"+b.pools[i]+"/members", `{"members":[`+strings.Join(members, ",")+`]}`)
	})
	b.row("members created in batches, 32 clients, per second", fmt.Sprintf("%.0f", float64(b.each)*rate), "")
	b.row("processor time for each, three nodes, ms", perObject(cpu, b.each), "")
	b.settled()
}

// settled waits until the newest objects are ACTIVE on the first node.
func (b *apiBench) settled() {
	b.w.Until(time.Minute, "all is ACTIVE", func() error {
		for _, status := range []string{"PENDING_CREATE", "PENDING_UPDATE", "ERROR"} {
			out := b.ask(200, "GET", lbaas+"loadbalancers?limit=1&fields=id&provisioning_status="+status, "")
			if rows, _ := out["loadbalancers"].([]any); len(rows) > 0 {
				return fmt.Errorf("%v is %s", rows[0], status)
			}
		}
		return nil
	})
}

// timed calls do n times, one after the other, and gives median and 99th percentile.
func timed(n int, do func(i int)) (p50, p99 time.Duration) {
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		do(i)
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

// idle measures single creates by one client: the answer shows ACTIVE.
func (b *apiBench) idle(size string) {
	lb := b.ask(201, "POST", lbaas+"loadbalancers", b.tree(99_998))["loadbalancer"].(map[string]any)
	pool := lb["pools"].([]any)[0].(map[string]any)["id"].(string)
	late := 0
	p50, p99 := timed(300, func(i int) {
		out := b.ask(201, "POST", lbaas+"pools/"+pool+"/members", fmt.Sprintf(`{"member":{"address":"10.2.%d.%d","protocol_port":80}}`, i/250, i%250+1))
		if m, _ := out["member"].(map[string]any); m["provisioning_status"] != "ACTIVE" {
			late++
		}
	})
	b.row("create to ACTIVE, one client, cluster "+size+", ms, median / p99 (not ACTIVE in the answer)", fmt.Sprintf("%s / %s (%d of 300)", ms(p50), ms(p99), late), "p99 < 50")
	b.ask(204, "DELETE", lbaas+"loadbalancers/"+lb["id"].(string)+"?cascade=true", "")
	b.settled()
}

func (b *apiBench) reads() {
	p50, p99 := timed(1000, func(i int) {
		b.ask(200, "GET", lbaas+"loadbalancers/"+b.ids[i*7919%b.lbs], "")
	})
	b.row("show of a load balancer, ms, median / p99", ms(p50)+" / "+ms(p99), "p99 < 5")
	for _, x := range []struct{ what, query string }{
		{"first page of 100", "limit=100"},
		{"page of 100 from the middle", "limit=100&marker=" + b.ids[b.lbs/2]},
		{"page of 100 by name, descending", "limit=100&sort=name:desc"},
		{"page of 100 by a tag", "limit=100&tags=t7"},
		{"one by name", "name=lb00042"},
	} {
		p50, p99 := timed(100, func(int) { b.ask(200, "GET", lbaas+"loadbalancers?"+x.query, "") })
		b.row("list: "+x.what+", ms, median / p99", ms(p50)+" / "+ms(p99), "< 50")
	}
	p50, p99 = timed(100, func(i int) { b.ask(200, "GET", lbaas+"pools?limit=100", "") })
	b.row("list: first 100 pools, ms, median / p99", ms(p50)+" / "+ms(p99), "< 50")
}

// restart stops the second data node and starts it again: until its API shows
// the last load balancer and a request to that one's VIP is answered.
func (b *apiBench) restart() {
	n, last := b.w.Nodes[1], b.lbs-1
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	n.Start("--no-vip", "--log-level", "warn", "--detect", "3s")
	up := time.Since(began)
	b.w.Until(2*time.Minute, "the node serves again", func() error {
		var out map[string]any
		if err := n.Get(lbaas+"loadbalancers/"+b.ids[last], &out); err != nil {
			return err
		}
		status, err := n.Run(context.Background(), "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5", "http://"+b.vips[last]+"/")
		if err == nil && status != "502" && status != "503" && status != "504" { // the members are not there
			err = fmt.Errorf("answered %q", status)
		}
		return err
	})
	b.row("restart of a data node: API up / serving, s", fmt.Sprintf("%.1f / %.1f", up.Seconds(), time.Since(began).Seconds()), "< 10")
}

// memory is the live heap of the first node, in bytes: half of what the next
// collection waits for, the least of some collections, because reports and the last good
// configuration are there only while they are written. They are to happen during lists,
// not while the metrics of all members are written, which are tens of megabytes.
func (b *apiBench) memory() int64 {
	least := int64(0)
	for range 5 {
		for range 100 {
			b.ask(200, "GET", lbaas+"loadbalancers?limit=1000", "") // makes garbage
		}
		resp, err := b.hc.Get("http://lbd/metrics")
		if err != nil {
			b.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
		for l := range bytes.Lines(raw) {
			if v, ok := strings.CutPrefix(string(l), "go_memstats_next_gc_bytes "); ok {
				f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
				if err != nil {
					b.Fatal(err)
				}
				if n := int64(f / 2); least == 0 || n < least {
					least = n
				}
			}
		}
	}
	return least
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
