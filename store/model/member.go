package model

import "net/netip"

// Member is one server of a pool.
type Member struct {
	ID MemberID `json:"id"`
	Base
	Pool PoolID `json:"pool"`

	Address netip.Addr `json:"address"`
	// Text is Address as the client sent it.
	Text   string   `json:"text,omitempty"`
	Port   uint16   `json:"port"`   // 1..65535
	Weight uint16   `json:"weight"` // 0..256; 0 drains. Small beside small: there are many members
	Backup bool     `json:"backup,omitempty"`
	Subnet SubnetID `json:"subnet,omitempty"`

	// MonitorAddress and MonitorPort, where set, are probed instead of Address and Port.
	MonitorAddress netip.Addr `json:"monitor_address,omitzero"`
	MonitorText    string     `json:"monitor_text,omitempty"`
	MonitorPort    uint16     `json:"monitor_port,omitempty"`
}

// AddressText is the address as the API shows it.
func (m *Member) AddressText() string { return addrText(m.Address, m.Text) }

// MonitorAddressText is the monitor address as the API shows it; "" when unset.
func (m *Member) MonitorAddressText() string { return addrText(m.MonitorAddress, m.MonitorText) }

// Server is m as a data plane needs it.
func (m *Member) Server() Server {
	return Server{
		ID: m.ID, Address: m.Address, MonitorAddress: m.MonitorAddress, Port: m.Port, MonitorPort: m.MonitorPort,
		Weight: m.Weight, AdminStateUp: m.AdminStateUp, Backup: m.Backup,
	}
}

// Server is a member as a data plane needs it. Its JSON is a part of Member's.
type Server struct {
	ID             MemberID   `json:"id"`
	Address        netip.Addr `json:"address"`
	MonitorAddress netip.Addr `json:"monitor_address,omitzero"`
	Port           uint16     `json:"port"`
	MonitorPort    uint16     `json:"monitor_port,omitempty"`
	Weight         uint16     `json:"weight"`
	AdminStateUp   bool       `json:"admin_state_up"`
	Backup         bool       `json:"backup,omitempty"`
}

// AddrPort is where traffic goes.
func (m *Server) AddrPort() netip.AddrPort { return netip.AddrPortFrom(m.Address, m.Port) }

// ProbeAddrPort is where the monitor looks.
func (m *Server) ProbeAddrPort() netip.AddrPort {
	a, p := m.Address, m.Port
	if m.MonitorAddress.IsValid() {
		a = m.MonitorAddress
	}
	if m.MonitorPort != 0 {
		p = m.MonitorPort
	}
	return netip.AddrPortFrom(a, p)
}
