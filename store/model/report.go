package model

import (
	"net/netip"
	"time"
)

// Report is the soft state of one node: what it observes and does right now.
// It never enters the Raft log. One writer (the node itself), pushed to the
// peers; the newest (Epoch, Seq) wins. Sizes are bounded by the configuration:
// one entry per member and listener.
type Report struct {
	Node  NodeID `json:"node"`
	Epoch int64  `json:"epoch"` // grows with each start of the node (wall clock, ns)
	Seq   uint64 `json:"seq"`   // grows with each report of an epoch

	// Applied is the newest config index the data plane serves; zero on a witness.
	Applied uint64 `json:"applied"`
	// Failures are the objects this node could not put into service.
	Failures []Failure `json:"failures,omitempty"`

	Members   map[MemberID]MemberHealth       `json:"members,omitempty"`
	Listeners map[ListenerID]ListenerCounters `json:"listeners,omitempty"`

	Role RoleReport `json:"role"`
	Raft RaftReport `json:"raft"`

	Version string    `json:"version"`
	Started time.Time `json:"started_at"`
	PID     int       `json:"pid,omitempty"`
	// Draining are earlier processes of the node that still serve connections.
	Draining []DrainingProcess `json:"draining,omitempty"`
	// RestartFailed is why the binary that was to take over did not; then the one
	// before runs on.
	RestartFailed string `json:"restart_failed,omitempty"`
}

// DrainingProcess has handed the node over to another process and only serves
// connections that it has.
type DrainingProcess struct {
	PID         int       `json:"pid"`
	Version     string    `json:"version"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"` // the rest is cut then
	Connections int64     `json:"connections"`
}

// Failure says why an object is not served on a node as it is configured.
type Failure struct {
	Object string `json:"object"` // its id
	Reason string `json:"reason"`
}

// MemberHealth is a monitor's verdict on one member.
type MemberHealth struct {
	// Status is Online, Failing, NoMonitor, or Offline before the first verdict.
	Status Operating `json:"status"`
	// Reason in words: "connect 10.0.0.3:80: connection refused, 3 of 3".
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	// ActiveConnections is how many server-side connections carry work now.
	ActiveConnections int64 `json:"active_connections"`
}

// ListenerCounters are exact and only grow, except ActiveConnections: see status.Ledger.
type ListenerCounters struct {
	BytesIn           int64 `json:"bytes_in"`  // from clients
	BytesOut          int64 `json:"bytes_out"` // to clients
	ActiveConnections int64 `json:"active_connections"`
	TotalConnections  int64 `json:"total_connections"`
	RequestErrors     int64 `json:"request_errors"` // malformed or aborted by the client
	Requests          int64 `json:"requests"`       // answered HTTP requests
	// Full is set while the connection limit is reached (operating status DEGRADED).
	Full bool `json:"full,omitempty"`
}

// RoleReport is what the node does about the VIPs, as its holder process sees
// it in the kernel: observed, never assumed.
type RoleReport struct {
	Role RoleName `json:"role"`
	// Term under which the VIPs are held; zero on a standby.
	Term  uint64    `json:"term,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// LeaseLeft when the report was made; the gate closes by itself when it runs out.
	LeaseLeft time.Duration `json:"lease_left,omitempty"`
	// VIPs that are configured on this node and let through by its gate.
	VIPs []netip.Addr `json:"vips,omitempty"`
	// Ready says the node serves, or could serve at once if it became active:
	// newest configuration loaded, links up, log caught up.
	Ready bool `json:"ready"`
	// Why in words: "leader of term 7", "data plane not ready".
	Why string `json:"why,omitempty"`
	// Problems keep a VIP from being served: "10.0.0.9 is answered by 02:..".
	Problems []Failure `json:"problems,omitempty"`
	// Interface that carries the node's VIPs by default.
	Interface string `json:"interface,omitempty"`
	// VRRP is what this node advertises to foreign VRRP speakers.
	VRRP []VirtualRouter `json:"vrrp,omitempty"`
	// VirtualMACs are the virtual hardware addresses at which the VIPs are; none: they
	// are at the links' own.
	VirtualMACs []VirtualMAC `json:"virtual_macs,omitempty"`
	// Share: the node holds what the table of Spread gives it, by a lease of its own,
	// whoever leads. Term is no claim to everything then.
	Share bool `json:"share,omitempty"`
	// Table is the version of Spread's table that all this rests on; 0: never used.
	Table uint64 `json:"table,omitempty"`
	// Leaving: the node ends, and its share is to go to others.
	Leaving bool `json:"leaving,omitempty"`
	// Holder is the node's VIP holder; 0: none.
	Holder uint64 `json:"holder,omitempty"`
}

// VirtualMAC is the hardware address of VIPs on a link.
type VirtualMAC struct {
	Link   string `json:"link"`
	Family string `json:"family"` // IPv4 or IPv6
	MAC    string `json:"mac"`
}

// VirtualRouter is what VRRP adverts are sent for on a link.
type VirtualRouter struct {
	Link   string `json:"link"`
	Family string `json:"family"` // IPv4 or IPv6
	VRID   uint8  `json:"vrid"`   // 0: others use them all
	// Sending is false while the node listens whether somebody else uses the VRID.
	Sending bool `json:"sending"`
}

// RoleName of a node. RoleUnknown is what others say about a node that is silent.
type RoleName string

const (
	RoleActive  RoleName = "active"
	RoleStandby RoleName = "standby"
	RoleWitness RoleName = "witness"
	RoleUnknown RoleName = "unknown"
)

// RaftReport is a node's own view of consensus.
type RaftReport struct {
	State     string `json:"state"` // leader, follower, candidate
	Term      uint64 `json:"term"`
	Leader    NodeID `json:"leader,omitempty"`
	LastIndex uint64 `json:"last_index"`
	Commit    uint64 `json:"commit_index"`
	Applied   uint64 `json:"applied_index"`
	// Quorum in words: "ok", "held by arbiter, writes closed", "lost".
	Quorum string `json:"quorum"`
}

// Heard is a report as another node has it: how old it is, by this node's
// monotonic clock.
type Heard struct {
	Report
	Age time.Duration `json:"age"`
}
