package dataplane

import (
	"github.com/prometheus/client_golang/prometheus"

	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// collector shows the counters to Prometheus when asked; nothing is counted twice.
type collector struct {
	e *Engine

	bytesIn, bytesOut, active, total, requests, errors, full *prometheus.Desc
	memberUp, memberActive                                   *prometheus.Desc
	sessions, evicted                                        *prometheus.Desc
	applied, failures, fds, fdsMax, refused, panics          *prometheus.Desc
	handshakes, handshakeFailures, expiry, waiting           *prometheus.Desc
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
		sessions:     prometheus.NewDesc("lbd_pool_sessions", "Sessions that persistence has learned and keeps in a table.", []string{"pool"}, nil),
		evicted:      prometheus.NewDesc("lbd_pool_sessions_evicted_total", "Live sessions that had to make room in a full table.", []string{"pool"}, nil),
		applied:      plain("applied_index", "Index of the configuration in service."),
		failures:     plain("failures", "Objects that could not be put into service."),
		fds:          plain("descriptors", "File descriptors set aside for clients and sockets."),
		fdsMax:       plain("descriptors_max", "Bound of lbd_dataplane_descriptors."),
		refused:      plain("refused_connections_total", "Connections refused because descriptors ran out."),
		handshakes: prometheus.NewDesc("lbd_tls_handshakes_total", "Handshakes with clients that succeeded, by whether a session was resumed.",
			[]string{"listener", "resumed"}, nil),
		handshakeFailures: prometheus.NewDesc("lbd_tls_handshake_failures_total", "Handshakes with clients that failed, by reason.",
			[]string{"listener", "reason"}, nil),
		expiry: prometheus.NewDesc("lbd_tls_certificate_expiry_days", "Days until the first of a listener's certificates expires; negative after.",
			[]string{"listener"}, nil),
		waiting: prometheus.NewDesc("lbd_tls_handshakes_waiting", "Handshakes that wait for their turn.", nil, nil),
		panics:  plain("panics_total", "Connection handlers that panicked."),
	}
}

// Describe implements prometheus.Collector. All of them, whether there is
// anything to show or not: the registry knows a collector by this set.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.bytesIn, c.bytesOut, c.active, c.total, c.requests, c.errors, c.full,
		c.memberUp, c.memberActive, c.sessions, c.evicted, c.applied, c.failures, c.fds, c.fdsMax, c.refused, c.panics,
		c.handshakes, c.handshakeFailures, c.expiry, c.waiting,
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
	gauge(c.fds, c.e.clients.Used())
	gauge(c.fdsMax, c.e.clients.Max())
	counter(c.refused, c.e.clients.Refused())
	counter(c.panics, c.e.panics.Load())
	gauge(c.waiting, c.e.survivors.tls.Gate.Waiting())
	c.e.survivors.tls.Served(func(id model.ListenerID, n *tlsterm.Counters, days float64) {
		counter(c.handshakes, n.Full.Load(), string(id), "false")
		counter(c.handshakes, n.Resumed.Load(), string(id), "true")
		n.Failed(func(reason string, v int64) { counter(c.handshakeFailures, v, string(id), reason) })
		ch <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, days, string(id))
	})
	st := c.e.state.Load()
	if st == nil {
		gauge(c.applied, 0)
		gauge(c.failures, 0)
		return
	}
	gauge(c.applied, int64(st.applied))
	gauge(c.failures, int64(len(st.failures)))
	for id, l := range st.table.Listeners {
		v, label := l.Counters(), string(id)
		counter(c.bytesIn, v.BytesIn, label)
		counter(c.bytesOut, v.BytesOut, label)
		gauge(c.active, v.ActiveConnections, label)
		counter(c.total, v.TotalConnections, label)
		counter(c.requests, v.Requests, label)
		counter(c.errors, v.RequestErrors, label)
		gauge(c.full, flag(v.Full), label)
	}
	for key, t := range st.table.Sessions {
		gauge(c.sessions, int64(t.Len()), string(key.Pool))
		counter(c.evicted, t.Evicted(), string(key.Pool))
	}
	for key, m := range st.table.Members {
		h := m.Live.Health()
		gauge(c.memberUp, flag(m.Live.Up()), string(key.Pool), string(key.Member))
		gauge(c.memberActive, h.ActiveConnections, string(key.Pool), string(key.Member))
	}
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
