package app

import (
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/store"
	"lbd/store/model"
)

var (
	spreadGiven = prometheus.NewDesc("lbd_spread_given", "Load balancers that the table of Spread gives to a node; absent while Spread is off.", []string{"node"}, nil)
	spreadHeld  = prometheus.NewDesc("lbd_spread_held", "Load balancers that a node is seen to hold while Spread is on.", []string{"node"}, nil)
)

// spreadMetrics shows the share of every data node, as this node sees it.
type spreadMetrics struct{ s *spreader }

func (m spreadMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- spreadGiven
	ch <- spreadHeld
}

func (m spreadMetrics) Collect(ch chan<- prometheus.Metric) {
	held := map[model.NodeID][]netip.Addr{}
	for _, h := range m.s.obs.board.Reports() {
		if h.Age < silentWithin {
			held[h.Node] = h.Role.VIPs
		}
	}
	m.s.st.Read(func(st *store.State) {
		for id, share := range st.SpreadShares(held) {
			n, ok := st.Node(id)
			if !ok {
				continue
			}
			ch <- prometheus.MustNewConstMetric(spreadGiven, prometheus.GaugeValue, float64(share.Given), n.Name)
			ch <- prometheus.MustNewConstMetric(spreadHeld, prometheus.GaugeValue, float64(share.Held), n.Name)
		}
	})
}
