package model

// HealthMonitor says how the members of a pool are probed.
type HealthMonitor struct {
	ID HealthMonitorID `json:"id"`
	Base
	Pool PoolID `json:"pool"`

	Type           MonitorType `json:"type"`
	Delay          int         `json:"delay"`            // seconds between probes, >= 0 (0 is served as 1)
	Timeout        int         `json:"timeout"`          // seconds one probe may take, >= 0 (0 is served as 1)
	MaxRetries     int         `json:"max_retries"`      // 1..10, successes to go ONLINE (rise)
	MaxRetriesDown int         `json:"max_retries_down"` // 1..10, failures to go ERROR (fall)

	// For HTTP and HTTPS only; empty otherwise.
	HTTPMethod    string `json:"http_method,omitempty"`
	URLPath       string `json:"url_path,omitempty"`
	ExpectedCodes string `json:"expected_codes,omitempty"` // "200", "200,202" or "200-204", as sent
	HTTPVersion   string `json:"http_version,omitempty"`   // "", "1.0", "1.1"; "" probes with 1.0
	DomainName    string `json:"domain_name,omitempty"`
}

// MonitorType is how a member is probed.
type MonitorType string

const (
	MonitorHTTP       MonitorType = "HTTP"
	MonitorHTTPS      MonitorType = "HTTPS"
	MonitorPing       MonitorType = "PING"
	MonitorTCP        MonitorType = "TCP"
	MonitorTLSHello   MonitorType = "TLS-HELLO"
	MonitorUDPConnect MonitorType = "UDP-CONNECT"
	MonitorSCTP       MonitorType = "SCTP"
)
