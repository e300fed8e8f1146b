package admin

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// nodeView is one node: what the cluster agreed on, and what the node said
// about itself AgeMS ago. A node that is silent has no role.
type nodeView struct {
	ID        model.NodeID   `json:"id"`
	Name      string         `json:"name"`
	Kind      model.NodeKind `json:"kind"`
	API       string         `json:"api"`
	Cluster   string         `json:"cluster"`
	Addresses []netip.Prefix `json:"addresses"`
	Joined    time.Time      `json:"joined_at"`
	Self      bool           `json:"self"`

	Role  model.RoleName `json:"role"`
	Term  uint64         `json:"term,omitempty"` // under which the VIPs are held
	Since time.Time      `json:"since,omitzero"`
	Ready bool           `json:"ready"`
	Why   string         `json:"why"`
	// LeaseLeftMS is what was left when the row was measured.
	LeaseLeftMS int64           `json:"lease_left_ms"`
	VIPs        []netip.Addr    `json:"vips"`
	Interface   string          `json:"interface,omitempty"`
	Problems    []model.Failure `json:"problems"`
	// VRRP is what the node tells foreign VRRP speakers.
	VRRP []model.VirtualRouter `json:"vrrp,omitempty"`
	// VirtualMACs are the virtual hardware addresses at which the VIPs are.
	VirtualMACs []model.VirtualMAC `json:"virtual_macs,omitempty"`
	// Share: the node holds a share of the load balancers, whoever leads.
	Share bool `json:"share,omitempty"`
	// LoadBalancers is the node's share by number; absent while Spread is off.
	LoadBalancers *shareView `json:"load_balancers,omitempty"`
	// AppliedConfig is the newest index that the data plane serves.
	AppliedConfig uint64           `json:"applied_config"`
	Raft          model.RaftReport `json:"raft"`

	// AgeMS is how old the row is by this node's monotonic clock, -1 when the
	// node was never heard.
	AgeMS      int64     `json:"age_ms"`
	MeasuredAt time.Time `json:"measured_at,omitzero"`
	Version    string    `json:"version"`
	Started    time.Time `json:"started_at,omitzero"`

	PID int `json:"pid,omitempty"`
	// Draining are earlier processes of the node that still serve connections.
	Draining []model.DrainingProcess `json:"draining"`
	// RestartFailed is why the newest restart left the node with the binary it had.
	RestartFailed string `json:"restart_failed,omitempty"`
}

// shareView is a data node's share of the load balancers while Spread is on.
type shareView struct {
	Given int `json:"given"` // by the table
	Held  int `json:"held"`  // as observed
}

type clusterView struct {
	ID     string       `json:"cluster_id"`
	Self   model.NodeID `json:"self"`
	Leader model.NodeID `json:"leader"` // "" when this node knows none
	Term   uint64       `json:"term"`
	Quorum string       `json:"quorum"`
	Index  uint64       `json:"index"`
	Nodes  []nodeView   `json:"nodes"`
	// Spread: the load balancers are distributed over the data nodes.
	Spread bool `json:"spread,omitempty"`
}

func (p *Part) showCluster(c echo.Context) error {
	return c.JSON(http.StatusOK, p.look())
}

// look puts the store's nodes and the reports side by side.
func (p *Part) look() clusterView {
	heard := map[model.NodeID]model.Heard{}
	for _, h := range p.observe.Reports() {
		heard[h.Node] = h
	}
	now := time.Now()
	v := clusterView{Self: p.cluster.Self(), Nodes: []nodeView{}, Index: p.read.Index()}
	v.Leader, v.Term, _ = p.cluster.Leader()
	v.Quorum = heard[v.Self].Raft.Quorum
	p.read.Read(func(st *store.State) {
		v.ID = st.ClusterID()
		for _, n := range st.Nodes() {
			h, ok := heard[n.ID]
			v.Nodes = append(v.Nodes, p.view(n, h, ok, n.ID == v.Self, now))
		}
		v.countShares(st)
	})
	return v
}

// countShares fills in what the table gives to each data node, and what it holds.
func (v *clusterView) countShares(st *store.State) {
	held := map[model.NodeID][]netip.Addr{}
	for _, n := range v.Nodes {
		held[n.ID] = n.VIPs
	}
	shares := st.SpreadShares(held)
	v.Spread = shares != nil
	for i := range v.Nodes {
		if s, ok := shares[v.Nodes[i].ID]; ok {
			v.Nodes[i].LoadBalancers = &shareView{s.Given, s.Held}
		}
	}
}

func (p *Part) view(n *model.Node, h model.Heard, ok, self bool, now time.Time) nodeView {
	v := nodeView{
		ID: n.ID, Name: n.Name, Kind: n.Kind, API: n.API, Cluster: n.Cluster, Addresses: list(n.Addresses), Joined: n.Joined, Self: self,
		Role: model.RoleUnknown, VIPs: []netip.Addr{}, Problems: []model.Failure{}, Draining: []model.DrainingProcess{}, AgeMS: -1, Why: "never heard since this node started",
	}
	if !ok {
		return v
	}
	v.AgeMS, v.MeasuredAt, v.Version, v.Started = h.Age.Milliseconds(), now.Add(-h.Age).UTC(), h.Version, h.Started
	if h.Age > p.silent {
		v.Why = "silent for " + h.Age.Round(10*time.Millisecond).String()
		return v
	}
	v.Role, v.Term, v.Since, v.Ready, v.Why = h.Role.Role, h.Role.Term, h.Role.Since, h.Role.Ready, h.Role.Why
	if v.Role == "" {
		v.Role = model.RoleUnknown
	}
	v.LeaseLeftMS = h.Role.LeaseLeft.Milliseconds()
	v.VIPs, v.Interface, v.VRRP, v.VirtualMACs, v.Share = list(h.Role.VIPs), h.Role.Interface, h.Role.VRRP, h.Role.VirtualMACs, h.Role.Share
	v.Problems = append(append(v.Problems, h.Role.Problems...), h.Failures...)
	v.AppliedConfig, v.Raft = h.Applied, h.Raft
	v.PID, v.Draining, v.RestartFailed = h.PID, list(h.Draining), h.RestartFailed
	return v
}

// roleView is the short form: who does what, since when.
type roleView struct {
	ID          model.NodeID   `json:"id"`
	Name        string         `json:"name"`
	Role        model.RoleName `json:"role"`
	Term        uint64         `json:"term,omitempty"`
	Since       time.Time      `json:"since,omitzero"`
	VIPs        []netip.Addr   `json:"vips"`
	LeaseLeftMS int64          `json:"lease_left_ms"`
	AgeMS       int64          `json:"age_ms"`
	Why         string         `json:"why"`
}

func (v clusterView) roles() []roleView {
	out := []roleView{}
	for _, n := range v.Nodes {
		out = append(out, roleView{n.ID, n.Name, n.Role, n.Term, n.Since, n.VIPs, n.LeaseLeftMS, n.AgeMS, n.Why})
	}
	return out
}

func (p *Part) showRoles(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"roles": p.look().roles()})
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
