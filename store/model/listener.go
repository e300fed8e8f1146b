package model

import "net/netip"

// Listener is a protocol and port on every address of its load balancer.
type Listener struct {
	ID ListenerID `json:"id"`
	Base
	LoadBalancer LoadBalancerID `json:"load_balancer"`

	Protocol Protocol `json:"protocol"`
	Port     uint16   `json:"port"` // 1..65535
	// ConnectionLimit bounds concurrent connections; -1 (default) and 0 mean unlimited.
	ConnectionLimit int    `json:"connection_limit"`
	DefaultPool     PoolID `json:"default_pool,omitempty"`
	// InsertHeaders maps names such as X-Forwarded-For to "true" or "false".
	InsertHeaders map[string]string `json:"insert_headers,omitempty"`
	// Timeouts in milliseconds, 0..2073600000.
	TimeoutClientData    int `json:"timeout_client_data"`
	TimeoutMemberConnect int `json:"timeout_member_connect"`
	TimeoutMemberData    int `json:"timeout_member_data"`
	TimeoutTCPInspect    int `json:"timeout_tcp_inspect"`
	// AllowedCIDRs limits who may connect; empty means everybody.
	AllowedCIDRs []netip.Prefix `json:"allowed_cidrs,omitempty"`

	TLS *ListenerTLS `json:"tls,omitempty"` // nil: all at their defaults
}

// Octavia's defaults, in milliseconds (contract 3.2).
const (
	DefaultTimeoutClientData    = 50000
	DefaultTimeoutMemberConnect = 5000
	DefaultTimeoutMemberData    = 50000
	DefaultTimeoutTCPInspect    = 0
	MaxTimeout                  = 2073600000
)

// Protocol of a listener or pool, spelled as in the API.
type Protocol string

const (
	HTTP            Protocol = "HTTP"
	HTTPS           Protocol = "HTTPS"
	TCP             Protocol = "TCP"
	TerminatedHTTPS Protocol = "TERMINATED_HTTPS"
	UDP             Protocol = "UDP"
	SCTP            Protocol = "SCTP"
	Prometheus      Protocol = "PROMETHEUS"
	Proxy           Protocol = "PROXY"
	ProxyV2         Protocol = "PROXYV2"
)

// Transport is the L4 protocol whose port a listener takes (contract 4.5).
func (p Protocol) Transport() Protocol {
	switch p {
	case UDP, SCTP:
		return p
	default:
		return TCP
	}
}

// Accepts reports whether a listener of protocol p may use a pool of protocol
// pool (contract 4.1).
func (p Protocol) Accepts(pool Protocol) bool {
	switch p {
	case HTTP, TerminatedHTTPS:
		return pool == HTTP || pool == Proxy || pool == ProxyV2
	case HTTPS:
		return pool == HTTPS || pool == TCP || pool == Proxy || pool == ProxyV2
	case TCP:
		return pool == HTTP || pool == HTTPS || pool == TCP || pool == Proxy || pool == ProxyV2
	case UDP, SCTP:
		return pool == p
	default:
		return false
	}
}
