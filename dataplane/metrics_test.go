package dataplane

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"lbd/internal/testutil/pki"
	lbd "lbd/store/model"
)

// TestPrometheusListener shows the series of its own load balancer and no others.
func TestPrometheusListener(t *testing.T) {
	addr, other := freeAddr(t), freeAddr(t)
	const slow = 40 * time.Millisecond
	member := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for head(r) != "" {
			time.Sleep(slow) // the latency that is measured
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	svc := web(addr, member.addr)
	scrape := netip.AddrPortFrom(addr.Addr(), freeAddr(t).Port())
	l := *svc.Listeners[0]
	l.ID, l.Protocol, l.Port, l.DefaultPool = "metrics", lbd.Prometheus, scrape.Port(), ""
	svc.Listeners = append(svc.Listeners, &l)
	theirs := web(other, member.addr)
	theirs.LoadBalancer.ID, theirs.Listeners[0].ID, theirs.Pools[0].Pool.ID = "theirs", "their-listener", "their-pool"
	theirs.Listeners[0].DefaultPool, theirs.Pools[0].Members[0].ID = "their-pool", "their-member"
	n := start(t, Config{}, svc, theirs)
	if f := n.Report().Failures; len(f) > 0 {
		t.Fatalf("failures %+v", f)
	}
	w := dial(t, addr)
	for range 3 {
		w.get("/")
	}
	dial(t, other).get("/")
	n.counters("l", "the requests are counted", func(c lbd.ListenerCounters) bool { return c.Requests == 3 })

	w = dial(t, scrape)
	resp, body := w.get("/metrics")
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain; version=0.0.4") || resp.Close {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	if strings.Contains(body, "their") || strings.Contains(body, "lbd_dataplane") {
		t.Errorf("it shows what is not the load balancer's own:\n%s", body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if v := families["lbd_listener_requests_total"]; v == nil || len(v.Metric) != 2 {
		t.Errorf("requests: %v", v)
	}
	for _, name := range []string{"lbd_listener_request_seconds", "lbd_member_answer_seconds"} {
		f := families[name]
		if f == nil || len(f.Metric) != 1 || f.Metric[0].Histogram.GetSampleCount() != 3 || f.Metric[0].Histogram.GetSampleSum() < 3*slow.Seconds() {
			t.Errorf("%s: %v", name, f)
		}
	}
	if q := families["lbd_listener_request_quantile_seconds"]; q == nil || q.Metric[0].Gauge.GetValue() < 0.96*slow.Seconds() {
		t.Errorf("quantiles: %v", q)
	}
	for _, tc := range []struct {
		request string
		code    int
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404},
		{"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 405},
		{"HEAD /metrics?x HTTP/1.1\r\nHost: a\r\n\r\n", 200},
		{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 200},
	} {
		w.send("%s", tc.request)
		if resp, _ := w.answer(strings.Fields(tc.request)[0]); resp.StatusCode != tc.code || resp.Close {
			t.Errorf("%q: %s, close %v", tc.request, resp.Status, resp.Close)
		}
	}
}

// TestPolicyMetrics: what each policy decided, kept when the configuration changes.
func TestPolicyMetrics(t *testing.T) {
	addr := freeAddr(t)
	up := lbd.Base{AdminStateUp: true, Provisioning: lbd.Active}
	policy := func(id lbd.L7PolicyID, path string, p lbd.L7Policy) *lbd.RuledPolicy {
		p.ID, p.Base, p.Listener = id, up, "l"
		return &lbd.RuledPolicy{Policy: &p, Rules: []*lbd.L7Rule{{
			ID: lbd.L7RuleID("r" + id), Base: up, Policy: id, Type: lbd.L7Path, Compare: lbd.L7StartsWith, Value: path,
		}}}
	}
	svc := web(addr, page(t, "x").addr)
	svc.Policies = []*lbd.RuledPolicy{
		policy("no", "/no", lbd.L7Policy{Action: lbd.L7Reject, Position: 1}),
		policy("pool", "/pool", lbd.L7Policy{Action: lbd.L7RedirectPool, RedirectPool: "p", Position: 2}),
		policy("never", "/never", lbd.L7Policy{Action: lbd.L7Reject, Position: 3}),
	}
	n := start(t, Config{}, svc)
	w := dial(t, addr)
	for _, path := range []string{"/no", "/pool", "/", "/pool"} {
		w.get(path)
	}
	n.apply(edit(svc, func(l *lbd.Listener) { l.ConnectionLimit = 5 }))
	want := map[string][2]float64{"no": {1, 1}, "pool": {2, 2}, "never": {0, 0}} // decided, answered
	n.until("the policies' counters", func() bool {
		families, err := n.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string][2]float64)
		for _, f := range families {
			for _, m := range f.Metric {
				if len(m.Label) == 0 || m.Label[0].GetName() != "policy" {
					continue
				}
				v := got[m.Label[0].GetValue()]
				switch f.GetName() {
				case "lbd_policy_requests_total":
					v[0] = m.Counter.GetValue()
				case "lbd_policy_request_seconds":
					v[1] = float64(m.Histogram.GetSampleCount())
				}
				got[m.Label[0].GetValue()] = v
			}
		}
		return maps.Equal(got, want)
	})
	n.apply(web(addr))
	families, _ := n.registry.Gather()
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "lbd_policy_") {
			t.Errorf("%s of policies that are gone", f.GetName())
		}
	}
}

// With a certificate a PROMETHEUS listener speaks TLS, and only that.
func TestPrometheusListenerOverTLS(t *testing.T) {
	ca, addr := pki.NewCA(t, "ca"), freeAddr(t)
	svc := https(keep(web(addr), ca.ECDSA("metrics.example").PKCS12(t, "")), nil)
	svc.Listeners[0].Protocol, svc.Listeners[0].DefaultPool = lbd.Prometheus, ""
	n := start(t, Config{Keys: clear{}}, svc)
	if f := n.Report().Failures; len(f) > 0 {
		t.Fatalf("failures %+v", f)
	}
	resp, err := browser(t, addr, &tls.Config{RootCAs: ca.Pool()}).Get("https://metrics.example/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.Contains(string(b), `lbd_listener_connections_total{listener="l"}`) {
		t.Errorf("%s, %v: %.200s", resp.Status, err, b)
	}
	if _, _, err := dial(t, addr).tryAnswer("GET"); err == nil {
		t.Error("it answers in clear")
	}
	// Without its certificates it answers in clear, and has nothing to tell of TLS.
	n.apply(edit(svc, func(l *lbd.Listener) { l.TLS = nil }))
	if _, body := dial(t, addr).get("/metrics"); strings.Contains(body, "lbd_tls_") {
		t.Errorf("series of TLS that is gone:\n%s", body)
	}
}
