package model

import "time"

// Profile says how soon a silent leader is given up; see raft.TimingOf.
type Profile string

const (
	ProfileFast    Profile = "fast"    // one LAN, machines of their own
	ProfileDefault Profile = "default" // one LAN, virtual machines
	ProfileCalm    Profile = "calm"    // busy hosts, stretched networks
)

// Settings of the whole cluster.
type Settings struct {
	Profile Profile `json:"profile"`
}

// RoleChange is one taking over of the VIPs. It is history: the present role is
// only ever observed.
type RoleChange struct {
	Term     uint64    `json:"term"` // unique: one node is active in a term
	Node     NodeID    `json:"node"`
	Name     string    `json:"name"` // of the node then: it may be gone now
	At       time.Time `json:"at"`   // by the node's own clock
	Why      string    `json:"why"`
	Previous NodeID    `json:"previous,omitempty"`
	// GapMS is for how long no node answered for the VIPs, as the new one
	// measured it from outside while it was standby; -1 when it could not.
	GapMS int64 `json:"gap_ms"`
	// MarginMS lies between the latest end of the lease before, by what the new
	// owner heard, and its claim; absent when it heard no leader before. It is
	// never negative while nobody claims too early.
	MarginMS *int64 `json:"margin_ms,omitempty"`
}

// MaxRoleChanges bounds the history; the oldest go first.
const MaxRoleChanges = 256
