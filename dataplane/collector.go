package dataplane

import (
	"bytes"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"lbd/dataplane/live"
	"lbd/dataplane/table"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// collector shows the counters to Prometheus when asked; nothing is counted twice.
type collector struct {
	e *Engine
	// only, where set, is the load balancer whose series are shown, and no others.
	only *table.Scope

	bytesIn, bytesOut, active, total, requests, errors, full *prometheus.Desc
	memberUp, memberActive                                   *prometheus.Desc
	sessions, evicted                                        *prometheus.Desc
	latency, quantile, memberLatency, memberQuantile         *prometheus.Desc
	applied, failures, fds, fdsMax, refused, panics          *prometheus.Desc
	handshakes, handshakeFailures, expiry, waiting           *prometheus.Desc
	stale, memberStale                                       *prometheus.Desc
	streams, streamEnds, connEnds, lines                     *prometheus.Desc
	logged                                                   *prometheus.Desc
	dropped, flowsEvicted                                    *prometheus.Desc
	policyRequests, policyLatency, policyQuantile            *prometheus.Desc
}

func newCollector(e *Engine) *collector {
	listener := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("lbd_listener_"+name, help, []string{"listener"}, nil)
	}
	member := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("lbd_member_"+name, help, []string{"pool", "member"}, nil)
	}
	plain := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("lbd_dataplane_"+name, help, nil, nil)
	}
	return &collector{
		e:            e,
		bytesIn:      listener("received_bytes_total", "Bytes read from clients."),
		bytesOut:     listener("sent_bytes_total", "Bytes written to clients."),
		active:       listener("active_connections", "Client connections open now."),
		total:        listener("connections_total", "Client connections taken."),
		requests:     listener("requests_total", "HTTP requests answered."),
		errors:       listener("request_errors_total", "Requests that were malformed or aborted by the client."),
		full:         listener("full", "1 while the connection limit is reached."),
		memberUp:     member("up", "1 while the member may take new traffic."),
		memberActive: member("active_connections", "Connections to the member that carry work now."),
		latency:      listener("request_seconds", "Time from the last byte of a request's head to the last byte of its answer."),
		quantile: prometheus.NewDesc("lbd_listener_request_quantile_seconds",
			"Quantiles of lbd_listener_request_seconds since the listener was made, within 3.2 %.", []string{"listener", "quantile"}, nil),
		memberLatency: member("answer_seconds", "Time from sending a request to the head of the member's answer."),
		memberQuantile: prometheus.NewDesc("lbd_member_answer_quantile_seconds",
			"Quantiles of lbd_member_answer_seconds since the member was made, within 3.2 %.", []string{"pool", "member", "quantile"}, nil),
		policyRequests: prometheus.NewDesc("lbd_policy_requests_total", "Requests about which an L7 policy decided.", []string{"policy"}, nil),
		policyLatency: prometheus.NewDesc("lbd_policy_request_seconds", "As lbd_listener_request_seconds, of the requests about which an L7 policy decided.",
			[]string{"policy"}, nil),
		policyQuantile: prometheus.NewDesc("lbd_policy_request_quantile_seconds",
			"Quantiles of lbd_policy_request_seconds since the policy was made, within 3.2 %.", []string{"policy", "quantile"}, nil),
		sessions: prometheus.NewDesc("lbd_pool_sessions", "Sessions that persistence has learned and keeps in a table.", []string{"pool"}, nil),
		evicted:  prometheus.NewDesc("lbd_pool_sessions_evicted_total", "Live sessions that had to make room in a full table.", []string{"pool"}, nil),
		applied:  plain("applied_index", "Index of the configuration in service."),
		failures: plain("failures", "Objects that could not be put into service."),
		fds:      plain("descriptors", "File descriptors set aside for clients and sockets."),
		fdsMax:   plain("descriptors_max", "Bound of lbd_dataplane_descriptors."),
		refused:  plain("refused_connections_total", "Connections refused because descriptors ran out."),
		handshakes: prometheus.NewDesc("lbd_tls_handshakes_total", "Handshakes with clients that succeeded, by whether a session was resumed.",
			[]string{"listener", "resumed"}, nil),
		handshakeFailures: prometheus.NewDesc("lbd_tls_handshake_failures_total", "Handshakes with clients that failed, by reason.",
			[]string{"listener", "reason"}, nil),
		expiry: prometheus.NewDesc("lbd_tls_certificate_expiry_days", "Days until the first of a listener's certificates expires; negative after.",
			[]string{"listener"}, nil),
		stale: prometheus.NewDesc("lbd_tls_stale", "1 while a listener uses certificates or authorities of before, because those it refers to cannot be loaded or have expired.",
			[]string{"listener"}, nil),
		memberStale: prometheus.NewDesc("lbd_tls_member_stale", "As lbd_tls_stale, of what a pool uses towards its members.", []string{"pool"}, nil),
		waiting:     prometheus.NewDesc("lbd_tls_handshakes_waiting", "Handshakes that wait for their turn.", nil, nil),
		lines:       plain("http2_member_connections", "Connections that carry HTTP/2 to members."),
		streams:     prometheus.NewDesc("lbd_http2_streams_total", "Requests that came over HTTP/2.", nil, nil),
		streamEnds: prometheus.NewDesc("lbd_http2_streams_ended_early_total", "Streams that were refused beyond the bound, or reset by the client.",
			[]string{"reason"}, nil),
		connEnds: prometheus.NewDesc("lbd_http2_connections_ended_total", "Connections ended for what the client sent: a flood, or a protocol error.",
			[]string{"reason"}, nil),
		logged: prometheus.NewDesc("lbd_access_log_lines_total", "Lines of the access log, by what became of them: written, dropped (the buffer was full), lost (the destination failed), sampled_out.",
			[]string{"result"}, nil),
		dropped: prometheus.NewDesc("lbd_listener_datagrams_dropped_total", "Datagrams of a UDP listener that went no further, by reason.",
			[]string{"listener", "reason"}, nil),
		flowsEvicted: listener("flows_evicted_total", "UDP flows that had to make room for others."),
		panics:       plain("panics_total", "Connection handlers that panicked."),
	}
}

// Describe implements prometheus.Collector. All of them, whether there is
// anything to show or not: the registry knows a collector by this set.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.bytesIn, c.bytesOut, c.active, c.total, c.requests, c.errors, c.full,
		c.memberUp, c.memberActive, c.sessions, c.evicted,
		c.latency, c.quantile, c.memberLatency, c.memberQuantile, c.applied, c.failures, c.fds, c.fdsMax, c.refused, c.panics,
		c.handshakes, c.handshakeFailures, c.expiry, c.stale, c.memberStale, c.waiting,
		c.streams, c.streamEnds, c.connEnds, c.lines, c.logged, c.dropped, c.flowsEvicted, c.policyRequests, c.policyLatency, c.policyQuantile,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	st := c.e.state.Load()
	if c.only == nil {
		c.collectProcess(st, counter, gauge)
		h2 := c.e.http.Streams()
		counter(c.streams, h2.Streams.Load())
		gauge(c.lines, int64(c.e.http.Lines()))
		counter(c.streamEnds, h2.Refused.Load(), "refused")
		counter(c.streamEnds, h2.Resets.Load(), "reset")
		counter(c.connEnds, h2.Floods.Load(), "flood")
		counter(c.connEnds, h2.Protocol.Load(), "protocol error")
	}
	c.e.survivors.tls.Served(func(id model.ListenerID, n *tlsterm.Counters, days float64, stale bool) {
		if c.only != nil && !c.only.Listeners[id] {
			return
		}
		counter(c.handshakes, n.Full.Load(), string(id), "false")
		counter(c.handshakes, n.Resumed.Load(), string(id), "true")
		n.Failed(func(reason string, v int64) { counter(c.handshakeFailures, v, string(id), reason) })
		ch <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, days, string(id))
		gauge(c.stale, flag(stale), string(id))
	})
	c.e.survivors.tls.Spoken(func(id model.PoolID, stale bool) {
		if c.only == nil || c.only.Pools[id] {
			gauge(c.memberStale, flag(stale), string(id))
		}
	})
	if st == nil {
		return
	}
	for _, sv := range st.table.Services {
		c.service(sv, ch, counter, gauge)
	}
}

// service shows what belongs to one load balancer.
func (c *collector) service(sv *table.Service, ch chan<- prometheus.Metric, counter, gauge func(*prometheus.Desc, int64, ...string)) {
	for _, counted := range sv.Listeners {
		if c.only != nil && !c.only.Listeners[counted.ID] {
			continue
		}
		l := counted.Live
		v, label := l.Counters(), string(counted.ID)
		spread(ch, c.latency, c.quantile, l.Latency(), label)
		counter(c.bytesIn, v.BytesIn, label)
		counter(c.bytesOut, v.BytesOut, label)
		gauge(c.active, v.ActiveConnections, label)
		counter(c.total, v.TotalConnections, label)
		counter(c.requests, v.Requests, label)
		counter(c.errors, v.RequestErrors, label)
		gauge(c.full, flag(v.Full), label)
		if counted.UDP {
			for _, why := range live.Drops() {
				counter(c.dropped, l.Datagrams.Dropped[why].Load(), label, why.String())
			}
			counter(c.flowsEvicted, l.Datagrams.Evicted.Load(), label)
		}
	}
	for id, p := range sv.Policies {
		if c.only != nil && !c.only.Policies[id] {
			continue
		}
		counter(c.policyRequests, p.Requests.Load(), string(id))
		var answers live.Spread
		answers.Read(&p.Latency)
		spread(ch, c.policyLatency, c.policyQuantile, &answers, string(id))
	}
	for key, t := range sv.Sessions {
		if c.only != nil && !c.only.Pools[key.Pool] {
			continue
		}
		gauge(c.sessions, int64(t.Len()), string(key.Pool))
		counter(c.evicted, t.Evicted(), string(key.Pool))
	}
	for _, p := range sv.Pools {
		if c.only != nil && !c.only.Pools[p.ID] {
			continue
		}
		for i := range p.Members {
			m, member := &p.Members[i], p.Members[i].ID()
			var answers live.Spread
			answers.Read(&m.Live.Latency)
			spread(ch, c.memberLatency, c.memberQuantile, &answers, string(p.ID), string(member))
			h := m.Live.Health()
			gauge(c.memberUp, flag(m.Live.Up()), string(p.ID), string(member))
			gauge(c.memberActive, h.ActiveConnections, string(p.ID), string(member))
		}
	}
}

// collectProcess shows what belongs to no load balancer.
func (c *collector) collectProcess(st *state, counter, gauge func(*prometheus.Desc, int64, ...string)) {
	gauge(c.fds, c.e.clients.Used())
	gauge(c.fdsMax, c.e.clients.Max())
	counter(c.refused, c.e.clients.Refused())
	counter(c.panics, c.e.panics.Load())
	gauge(c.waiting, c.e.survivors.tls.Gate.Waiting())
	if c.e.cfg.Access != nil {
		n := c.e.cfg.Access.Counts()
		counter(c.logged, n.Written, "written")
		counter(c.logged, n.Dropped, "dropped")
		counter(c.logged, n.Lost, "lost")
		counter(c.logged, n.SampledOut, "sampled_out")
	}
	if st == nil {
		gauge(c.applied, 0)
		gauge(c.failures, 0)
		return
	}
	gauge(c.applied, int64(st.applied))
	gauge(c.failures, int64(len(st.failures)))
}

// Classic buckets: from 2^firstOctave µs to 2^lastOctave µs, every second octave.
const (
	firstOctave = 7  // 128 µs
	lastOctave  = 25 // 34 s
)

// spread shows what a histogram holds: coarse buckets, which can be summed over
// nodes and subtracted over time, and quantiles that are exact to 3.2 %.
func spread(ch chan<- prometheus.Metric, buckets, quantile *prometheus.Desc, s *live.Spread, labels ...string) {
	if s.Count == 0 {
		return
	}
	below := make(map[float64]uint64, (lastOctave-firstOctave)/2+1)
	for o := firstOctave; o <= lastOctave; o += 2 {
		below[(time.Microsecond << o).Seconds()] = s.Below(o)
	}
	ch <- prometheus.MustNewConstHistogram(buckets, s.Count, s.Sum.Seconds(), below, labels...)
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
		name := strconv.FormatFloat(q, 'f', -1, 64)
		ch <- prometheus.MustNewConstMetric(quantile, prometheus.GaugeValue, s.Quantile(q).Seconds(), append(labels[:len(labels):len(labels)], name)...)
	}
}

// renderMetrics is what a PROMETHEUS listener answers: the series of its load
// balancer in Prometheus' text format.
func (e *Engine) renderMetrics(of *table.Scope) []byte {
	c := newCollector(e)
	c.only = of
	r := prometheus.NewPedanticRegistry()
	var b bytes.Buffer
	if err := r.Register(c); err != nil {
		e.log.Error("metrics of a load balancer cannot be shown", "err", err)
		return b.Bytes()
	}
	families, err := r.Gather()
	if err != nil {
		e.log.Error("metrics of a load balancer cannot be shown", "err", err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			e.log.Error("metrics of a load balancer cannot be shown", "err", err)
		}
	}
	if b.Len() == 0 {
		b.WriteByte('\n') // not nil: there is an answer, and nothing in it
	}
	return b.Bytes()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
