package model

// Ids are opaque strings. Octavia and Neutron objects carry lower-case dashed
// UUIDs (36 bytes); projects, users and roles carry 32 hex digits, as Keystone's do.
// The empty id means "none".
type (
	LoadBalancerID  string
	ListenerID      string
	PoolID          string
	MemberID        string
	HealthMonitorID string
	L7PolicyID      string
	L7RuleID        string

	FlavorID        string
	FlavorProfileID string
	ZoneName        string // an availability zone's name is its id
	ZoneProfileID   string

	NetworkID    string
	SubnetID     string
	PortID       string
	RouterID     string
	FloatingIPID string

	SecurityGroupID     string
	SecurityGroupRuleID string

	DomainID        string
	ProjectID       string
	UserID          string
	GroupID         string
	RoleID          string
	AppCredentialID string
	AuditID         string // of a token

	SecretID    string
	ContainerID string

	// NodeID is a UUID and Raft's server id at the same time.
	NodeID string
)
