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
	Weight int      `json:"weight"` // 0..256; 0 drains
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

// AddrPort is where traffic goes.
func (m *Member) AddrPort() netip.AddrPort { return netip.AddrPortFrom(m.Address, m.Port) }

// ProbeAddrPort is where the monitor looks.
func (m *Member) ProbeAddrPort() netip.AddrPort {
	a, p := m.Address, m.Port
	if m.MonitorAddress.IsValid() {
		a = m.MonitorAddress
	}
	if m.MonitorPort != 0 {
		p = m.MonitorPort
	}
	return netip.AddrPortFrom(a, p)
}
