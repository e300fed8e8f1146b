package app

import (
	"hash/fnv"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/store"
	"lbd/vrrp"
)

// adverts is how foreign VRRP speakers are told. Without a VRID of the operator's
// all nodes of a cluster begin their choice with the same one, and those of
// another cluster, most likely, with another. While load balancers are distributed
// each node is a virtual router of its own, and an operator's VRID, which can be one
// router's only, is not advertised. Callers hold mu.
//
// A virtual hardware address is for one owner of all the VIPs: not while they are
// distributed. And not with the arbiter seat, whose lock is what the arbiter believes
// about a VIP: which node has it (decision 0020), not which virtual router.
func (r *roles) adverts() vrrp.VRRP {
	if r.vrrp == nil || r.spread && r.vrrp.VRID != 0 {
		return vrrp.VRRP{}
	}
	v := *r.vrrp
	v.VirtualMAC = v.VirtualMAC && !r.spread && !r.seat
	if v.Silent && !v.VirtualMAC {
		return vrrp.VRRP{}
	}
	if v.VRID == 0 {
		h := fnv.New32a()
		r.src.st.Read(func(st *store.State) { _, _ = h.Write([]byte(st.ClusterID())) })
		if r.spread {
			_, _ = h.Write([]byte(r.node.Self()))
		}
		v.VRID = uint8(h.Sum32()%255) + 1
	}
	return v
}

func familyName(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}

var (
	heldDesc      = prometheus.NewDesc("lbd_vip_held", "VIPs that the kernel of this node has and its gate lets through.", nil, nil)
	announcedDesc = prometheus.NewDesc("lbd_vip_announcements_total", "Announcement frames sent since the holder process started.", nil, nil)
	claimsDesc    = prometheus.NewDesc("lbd_vip_foreign_claims_total", "Messages of other machines that claimed a VIP held here.", nil, nil)
	vridDesc      = prometheus.NewDesc("lbd_vrrp_vrid", "VRID that is advertised; 0 when others use them all.", []string{"link", "family"}, nil)
	virtualDesc   = prometheus.NewDesc("lbd_vip_virtual_mac", "1: the VIPs of a link and family are at this virtual hardware address.", []string{"link", "family", "mac"}, nil)
	advertsDesc   = prometheus.NewDesc("lbd_vrrp_foreign_adverts_total", "Adverts of foreign VRRP routers with a VRID of ours.", nil, nil)
)

// holderMetrics shows what the holder last reported.
type holderMetrics struct{ holder *vrrp.Holder }

func (m *holderMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{heldDesc, announcedDesc, claimsDesc, vridDesc, virtualDesc, advertsDesc} {
		ch <- d
	}
}

func (m *holderMetrics) Collect(ch chan<- prometheus.Metric) {
	r := m.holder.Report()
	ch <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, float64(len(r.Holding)))
	ch <- prometheus.MustNewConstMetric(announcedDesc, prometheus.CounterValue, float64(r.Announced))
	ch <- prometheus.MustNewConstMetric(claimsDesc, prometheus.CounterValue, float64(r.ForeignClaims))
	ch <- prometheus.MustNewConstMetric(advertsDesc, prometheus.CounterValue, float64(r.ForeignAdverts))
	for _, v := range r.Virtual {
		ch <- prometheus.MustNewConstMetric(virtualDesc, prometheus.GaugeValue, 1, v.Link, familyName(v.IPv6), v.MAC)
	}
	for _, v := range r.Routers {
		ch <- prometheus.MustNewConstMetric(vridDesc, prometheus.GaugeValue, float64(v.VRID), v.Link, familyName(v.IPv6))
	}
}
