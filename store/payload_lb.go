package store

import (
	"net/netip"

	"lbd/store/model"
)

// In every patch a nil pointer means "leave alone". The API has already turned
// a JSON null into the value it stands for (contract 2.4), so a pointer to a
// zero value clears or resets.

// LoadBalancerCreatePayload carries the new object. In LoadBalancer.VIP the
// caller sets what the client gave of Port, Network, Subnet, Address and Text;
// apply resolves the rest (contract 3.1, "VIP resolution order") and allocates
// an address where none was given. NewPort (and NewPort.MAC) is the identity of
// the VIP port to make when the client named no port.
type LoadBalancerCreatePayload struct {
	LoadBalancer model.LoadBalancer `json:"load_balancer"`
	NewPort      model.Port         `json:"new_port"`
	// Groups become the security groups of the VIP port; none leaves it alone.
	Groups []model.SecurityGroupID `json:"groups,omitempty"`
}

// LoadBalancerPatch changes a load balancer.
type LoadBalancerPatch struct {
	ID           model.LoadBalancerID `json:"id"`
	Name         *string              `json:"name,omitempty"`
	Description  *string              `json:"description,omitempty"`
	AdminStateUp *bool                `json:"admin_state_up,omitempty"`
	Tags         *[]string            `json:"tags,omitempty"`
	QoSPolicy    *string              `json:"qos_policy,omitempty"`
	// Groups replace those of the VIP port; an empty list takes away what was
	// given here before.
	Groups *[]model.SecurityGroupID `json:"groups,omitempty"`
}

// LoadBalancerDeletePayload deletes a load balancer, with all below it when Cascade.
type LoadBalancerDeletePayload struct {
	ID      model.LoadBalancerID `json:"id"`
	Cascade bool                 `json:"cascade,omitempty"`
}

// ListenerPatch changes a listener.
type ListenerPatch struct {
	ID                   model.ListenerID   `json:"id"`
	Name                 *string            `json:"name,omitempty"`
	Description          *string            `json:"description,omitempty"`
	AdminStateUp         *bool              `json:"admin_state_up,omitempty"`
	Tags                 *[]string          `json:"tags,omitempty"`
	ConnectionLimit      *int               `json:"connection_limit,omitempty"`
	DefaultPool          *model.PoolID      `json:"default_pool,omitempty"`
	InsertHeaders        *map[string]string `json:"insert_headers,omitempty"`
	TimeoutClientData    *int               `json:"timeout_client_data,omitempty"`
	TimeoutMemberConnect *int               `json:"timeout_member_connect,omitempty"`
	TimeoutMemberData    *int               `json:"timeout_member_data,omitempty"`
	TimeoutTCPInspect    *int               `json:"timeout_tcp_inspect,omitempty"`
	AllowedCIDRs         *[]netip.Prefix    `json:"allowed_cidrs,omitempty"`

	TLS *ListenerTLSPatch `json:"tls,omitempty"`
}

// PoolCreatePayload makes a pool. Pool.LoadBalancer may be empty when Listener
// is given; with Listener the pool becomes that listener's default pool.
type PoolCreatePayload struct {
	Pool     model.Pool       `json:"pool"`
	Listener model.ListenerID `json:"listener,omitempty"`
}

// PoolPatch changes a pool.
type PoolPatch struct {
	ID           model.PoolID         `json:"id"`
	Name         *string              `json:"name,omitempty"`
	Description  *string              `json:"description,omitempty"`
	AdminStateUp *bool                `json:"admin_state_up,omitempty"`
	Tags         *[]string            `json:"tags,omitempty"`
	Algorithm    *model.Algorithm     `json:"algorithm,omitempty"`
	Persistence  *PersistenceOverride `json:"persistence,omitempty"`

	TLS *PoolTLSPatch `json:"tls,omitempty"`
}

// PersistenceOverride replaces a pool's persistence; a nil Value removes it.
type PersistenceOverride struct {
	Value *model.Persistence `json:"value"`
}

// MemberPatch changes a member; Pool must be the pool it is in.
type MemberPatch struct {
	ID             model.MemberID `json:"id"`
	Pool           model.PoolID   `json:"pool"`
	Name           *string        `json:"name,omitempty"`
	AdminStateUp   *bool          `json:"admin_state_up,omitempty"`
	Tags           *[]string      `json:"tags,omitempty"`
	Weight         *int           `json:"weight,omitempty"`
	Backup         *bool          `json:"backup,omitempty"`
	MonitorAddress *netip.Addr    `json:"monitor_address,omitempty"`
	MonitorText    *string        `json:"monitor_text,omitempty"`
	MonitorPort    *uint16        `json:"monitor_port,omitempty"`
}

// MonitorPatch changes a health monitor.
type MonitorPatch struct {
	ID             model.HealthMonitorID `json:"id"`
	Name           *string               `json:"name,omitempty"`
	AdminStateUp   *bool                 `json:"admin_state_up,omitempty"`
	Tags           *[]string             `json:"tags,omitempty"`
	Delay          *int                  `json:"delay,omitempty"`
	Timeout        *int                  `json:"timeout,omitempty"`
	MaxRetries     *int                  `json:"max_retries,omitempty"`
	MaxRetriesDown *int                  `json:"max_retries_down,omitempty"`
	HTTPMethod     *string               `json:"http_method,omitempty"`
	URLPath        *string               `json:"url_path,omitempty"`
	ExpectedCodes  *string               `json:"expected_codes,omitempty"`
	HTTPVersion    *string               `json:"http_version,omitempty"`
	DomainName     *string               `json:"domain_name,omitempty"`
}

// References for deletes.
type (
	LoadBalancerRef struct {
		ID model.LoadBalancerID `json:"id"`
	}
	ListenerRef struct {
		ID model.ListenerID `json:"id"`
	}
	PoolRef struct {
		ID model.PoolID `json:"id"`
	}
	MemberRef struct {
		ID   model.MemberID `json:"id"`
		Pool model.PoolID   `json:"pool"`
	}
	MonitorRef struct {
		ID model.HealthMonitorID `json:"id"`
	}
)
