package identity

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/store"
)

// metrics of the part (docs/metrics.md).
type metrics struct {
	logins *prometheus.CounterVec
}

func newMetrics(p *Part, reg *prometheus.Registry) *metrics {
	m := &metrics{logins: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lbd_identity_logins_total", Help: "Passwords and secrets checked: accepted, refused, limited.",
	}, []string{"result"})}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	if reg != nil {
		reg.MustRegister(m.logins,
			gauge("lbd_identity_limiter_entries", "Entries of the limit on failed logins.", func() float64 { return float64(p.limit.size()) }),
			gauge("lbd_identity_hashes_waiting", "Password checks that run or wait for their turn.", func() float64 { return float64(p.check.waiting.Load()) }),
			gauge("lbd_identity_revoked_tokens", "Revoked tokens not yet forgotten.", func() float64 {
				n := 0
				p.read.Read(func(st *store.State) { n, _ = st.Revocations(time.Time{}) })
				return float64(n)
			}),
		)
	}
	return m
}
