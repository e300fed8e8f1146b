package model

import "time"

// Base is what every load-balancing object carries.
type Base struct {
	Project      ProjectID `json:"project,omitempty"`
	Name         string    `json:"name,omitempty"`
	Description  string    `json:"description,omitempty"`
	AdminStateUp bool      `json:"admin_state_up"`
	Tags         []string  `json:"tags,omitempty"`

	Provisioning Provisioning `json:"provisioning_status"`
	// Reason says why Provisioning is ERROR; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Pending is the Raft index of the write that made the object PENDING_*;
	// a settle entry for this index or a later one ends it. Zero when settled.
	Pending uint64 `json:"pending,omitempty"`

	Created time.Time `json:"created_at"`
	// Updated is zero until the object first becomes ACTIVE or ERROR: the end of
	// a creation counts as a change (decision 0014).
	Updated time.Time `json:"updated_at,omitzero"`
	// Revision is the Raft index that last changed the object.
	Revision uint64 `json:"revision"`
}

// Provisioning is what control did with an object (Octavia provisioning_status).
type Provisioning string

const (
	Active        Provisioning = "ACTIVE"
	PendingCreate Provisioning = "PENDING_CREATE"
	PendingUpdate Provisioning = "PENDING_UPDATE"
	PendingDelete Provisioning = "PENDING_DELETE"
	Error         Provisioning = "ERROR"
)

// IsPending reports whether the data planes have yet to acknowledge the object.
func (p Provisioning) IsPending() bool {
	return p == PendingCreate || p == PendingUpdate || p == PendingDelete
}

// Operating is what is true of an object now (Octavia operating_status). It is
// computed from observations when asked, never stored.
type Operating string

const (
	Online    Operating = "ONLINE"
	Offline   Operating = "OFFLINE"
	Degraded  Operating = "DEGRADED"
	Failing   Operating = "ERROR"
	Draining  Operating = "DRAINING"
	NoMonitor Operating = "NO_MONITOR"
)
