package model

// Pool is a set of members and how to choose among them.
type Pool struct {
	ID PoolID `json:"id"`
	Base
	LoadBalancer LoadBalancerID `json:"load_balancer"`

	Protocol    Protocol     `json:"protocol"`
	Algorithm   Algorithm    `json:"algorithm"`
	Persistence *Persistence `json:"persistence,omitempty"`

	TLS *PoolTLS `json:"tls,omitempty"` // nil: all at their defaults
}

// Algorithm is how a pool picks a member (Octavia lb_algorithm).
type Algorithm string

const (
	RoundRobin       Algorithm = "ROUND_ROBIN"
	LeastConnections Algorithm = "LEAST_CONNECTIONS"
	SourceIP         Algorithm = "SOURCE_IP"
	SourceIPPort     Algorithm = "SOURCE_IP_PORT"
)

// Persistence keeps a client on the member it first met (contract 3.3).
type Persistence struct {
	Type       string `json:"type"` // SOURCE_IP, HTTP_COOKIE, APP_COOKIE
	CookieName string `json:"cookie_name,omitempty"`
	// Timeout in seconds and Granularity (a netmask) are for UDP pools only.
	Timeout     int    `json:"timeout,omitempty"`
	Granularity string `json:"granularity,omitempty"`
}
