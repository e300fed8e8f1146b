package octavia

import (
	"net"
	"net/netip"
	"slices"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// amphora is how Octavia's clients see a node: one row per data node and load
// balancer. What it does is never stored; the row says what the node's own VIP
// holder observed, and nothing when the node is silent. A row that was deleted then is
// not shown until the node is heard again.
type amphora struct {
	id   string
	node *model.Node
	lb   *model.LoadBalancer
	row  *model.Heard // nil when the node is silent
	solo bool         // the cluster's only data node
}

// amphoraSpace is the name space of the ids of amphorae and of their ports: the
// same node and load balancer have the same id on every node, and for ever.
var amphoraSpace = uuid.MustParse("6f6a3c5e-5d0a-4c0e-9a53-0d9a4c6f1b7e")

func amphoraID(node model.NodeID, lb model.LoadBalancerID) string {
	return uuid.NewSHA1(amphoraSpace, []byte(string(node)+"/"+string(lb))).String()
}

func amphoraResource() resource[*amphora] {
	type amp = *amphora
	of := func(get func(amp) any) func(*seen, amp) any { return func(_ *seen, x amp) any { return get(x) } }
	always := func(v any) func(*seen, amp) any { return func(*seen, amp) any { return v } }
	r := resource[amp]{
		noun: "Amphora", one: "amphora", many: "amphorae", links: "amphorae_links",
		id: func(x amp) string { return x.id }, project: func(x amp) model.ProjectID { return x.lb.Project },
		attrs: []attr[amp]{
			{name: "id", get: of(func(x amp) any { return x.id })},
			{name: "loadbalancer_id", get: of(func(x amp) any { return string(x.lb.ID) })},
			{name: "compute_id", get: of(func(x amp) any { return string(x.node.ID) })},
			{name: "lb_network_ip", get: of(func(x amp) any { return hostOf(x.node.Cluster) })},
			{name: "vrrp_ip", get: of(amphoraAddress)},
			{name: "ha_ip", get: of(func(x amp) any { return text(x.lb.VIP.String()) })},
			{name: "vrrp_port_id", get: of(func(x amp) any { return amphoraID(x.node.ID, "port/"+x.lb.ID) })},
			{name: "ha_port_id", get: of(func(x amp) any { return text(x.lb.VIP.Port) })},
			{name: "cert_expiration", get: always(nil)},
			{name: "cert_busy", get: always(false)},
			{name: "role", get: of(func(x amp) any { return text(x.role()) })},
			{name: "status", get: of(func(x amp) any { return x.status() })},
			{name: "vrrp_interface", get: of(func(x amp) any {
				if x.row == nil {
					return nil
				}
				return text(x.row.Role.Interface)
			})},
			{name: "vrrp_id", get: always(1)},
			{name: "vrrp_priority", get: of(amphoraPriority)},
			{name: "cached_zone", get: always(nil)},
			{name: "created_at", get: of(func(x amp) any { return timestamp(x.lb.Created) })},
			{name: "updated_at", get: of(func(x amp) any {
				if x.row == nil {
					return nil
				}
				return timestamp(x.row.Role.Since)
			})},
			{name: "image_id", get: always(nil)},
			{name: "compute_flavor", get: always(nil)},
			// lbd's own, so that nobody has to guess what a row means.
			{name: "node", get: of(func(x amp) any { return x.node.Name })},
			{name: "role_reason", get: of(func(x amp) any {
				if x.row == nil {
					return "the node is silent"
				}
				return text(x.row.Role.Why)
			})},
			{name: "observed_age_ms", get: of(func(x amp) any {
				if x.row == nil {
					return nil
				}
				return x.row.Age.Milliseconds()
			})},
		},
	}
	return r
}

// role follows the kernel of the node: MASTER is who has the VIP, whatever
// else it says of itself. A node without a holder (--no-vip) serves alone where
// the machine has the addresses.
func (x *amphora) role() string {
	switch {
	case x.row == nil:
		return ""
	case x.solo && x.row.Role.Holder == 0 && x.row.Role.Role == model.RoleActive:
		return "STANDALONE"
	case slices.Contains(x.row.Role.VIPs, x.lb.VIP.Address):
		if x.solo {
			return "STANDALONE"
		}
		return "MASTER"
	case x.row.Role.Role == model.RoleStandby, x.row.Role.Share:
		return "BACKUP" // of this load balancer, where shares are held
	}
	return ""
}

func (x *amphora) status() string {
	if x.row == nil {
		return "ERROR"
	}
	return "ALLOCATED"
}

func amphoraPriority(x *amphora) any {
	switch x.role() {
	case "MASTER", "STANDALONE":
		return 100
	case "BACKUP":
		return 90
	}
	return nil
}

// amphoraAddress is the node's own address in the VIP's network.
func amphoraAddress(x *amphora) any {
	for _, p := range x.node.Addresses {
		if p.Contains(x.lb.VIP.Address) {
			return p.Addr().String()
		}
	}
	return hostOf(x.node.API)
}

func hostOf(hostPort string) any {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil
	}
	if a, err := netip.ParseAddr(host); err != nil || a.IsUnspecified() {
		return nil
	}
	return host
}

// amphoraRows are the rows of the load balancers, by load balancer, then node.
func (s *seen) amphoraRows(lbs []*model.LoadBalancer) []*amphora {
	data := slices.DeleteFunc(s.st.Nodes(), func(n *model.Node) bool { return n.Kind != model.DataNode })
	out := make([]*amphora, 0, len(lbs)*len(data))
	for _, lb := range lbs {
		for _, n := range data {
			x := &amphora{id: amphoraID(n.ID, lb.ID), node: n, lb: lb, solo: len(data) == 1}
			if row, ok := s.Row(n.ID); ok {
				x.row = row
			} else if s.st.Dismissed(model.Dismissal{Node: n.ID, LoadBalancer: lb.ID}) {
				continue
			}
			out = append(out, x)
		}
	}
	return out
}

func (p *Part) listAmphorae(c echo.Context) error {
	if err := mustAdmin(c); err != nil {
		return err
	}
	return listAll(p, c, &p.amphorae, func(s *seen) ([]*amphora, error) {
		if id := c.QueryParam("loadbalancer_id"); id != "" { // the usual question
			lb, ok := s.st.LoadBalancer(model.LoadBalancerID(id))
			if !ok {
				return nil, nil
			}
			return s.amphoraRows([]*model.LoadBalancer{lb}), nil
		}
		return s.amphoraRows(s.st.LoadBalancers()), nil
	})
}

func (s *seen) amphora(id string) (*amphora, error) {
	for _, x := range s.amphoraRows(s.st.LoadBalancers()) {
		if x.id == id {
			return x, nil
		}
	}
	return nil, notFound("Amphora", id)
}

// dataNodes are those that may hold VIPs.
func dataNodes(st *store.State) (n int) {
	for _, x := range st.Nodes() {
		if x.Kind == model.DataNode {
			n++
		}
	}
	return n
}
