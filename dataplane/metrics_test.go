package dataplane

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

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
