package raft

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are read from the node when they are asked for.
type metrics struct {
	reg       prometheus.Registerer // nil: none
	elections prometheus.Counter
	renewed   prometheus.Counter
	replaced  prometheus.Counter
	all       []prometheus.Collector
}

func newMetrics(n *Node, reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{elections: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "lbd_raft_elections_total", Help: "Times this node stood for leader.",
	}), renewed: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "lbd_raft_certificates_renewed_total", Help: "Certificates this node replaced before they ended.",
	}), replaced: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "lbd_raft_nodes_replaced_total", Help: "Lost data nodes whose place this node, leading, gave to a spare.",
	})}
	if reg == nil {
		return m, nil
	}
	m.reg = reg
	m.all = append(m.all, m.elections, m.renewed, m.replaced, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lbd_raft_certificate_left_seconds", Help: "How long this node's certificate is still good; it is replaced in time.",
	}, func() float64 { return n.certificateLeft(time.Now()).Seconds() }))
	for _, g := range []struct {
		name, help string
		value      func(State) float64
	}{
		{"term", "Current term.", func(s State) float64 { return float64(s.Term) }},
		{"is_leader", "1 while this node leads.", func(s State) float64 { return float64(btoi(s.IsLeader)) }},
		{"lease_left_seconds", "How long this leader may still hold the VIPs.", func(s State) float64 {
			return max(0, time.Until(s.LeaseUntil).Seconds())
		}},
		{"last_index", "Newest entry in this node's log.", func(s State) float64 { return float64(s.LastIndex) }},
		{"commit_index", "Newest entry known to be committed.", func(s State) float64 { return float64(s.Commit) }},
		{"applied_index", "Newest entry applied to the store.", func(s State) float64 { return float64(s.Applied) }},
		{"slowed", "1 while this node asks for a longer lease than the cluster's profile says, because it cannot keep the beat.", func(s State) float64 {
			return float64(btoi(s.Slowed != Timing{}))
		}},
		{"quorum_held_by_arbiter", "1 while writes are closed because the arbiter stands in for the peer.", func(s State) float64 {
			return float64(btoi(s.Quorum == QuorumArbiter))
		}},
	} {
		m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lbd_raft_" + g.name, Help: g.help},
			func() float64 { return g.value(n.State()) }))
	}
	for i, c := range m.all {
		if err := reg.Register(c); err != nil {
			for _, done := range m.all[:i] {
				reg.Unregister(done)
			}
			m.reg = nil
			return m, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) close() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all {
		m.reg.Unregister(c)
	}
}
