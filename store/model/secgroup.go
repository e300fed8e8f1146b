package model

import "net/netip"

// SecurityGroup is a named set of rules that ports refer to. What its rules
// mean here: decision 0016.
type SecurityGroup struct {
	ID SecurityGroupID `json:"id"`
	Record
	// Default marks the one group of a project that new ports get.
	Default   bool `json:"default,omitempty"`
	Stateless bool `json:"stateless,omitempty"`
}

// SecurityGroupRule allows what it describes; a group without rules allows
// nothing. Rules never change.
type SecurityGroupRule struct {
	ID SecurityGroupRuleID `json:"id"`
	Record
	Group        SecurityGroupID `json:"group"`
	Egress       bool            `json:"egress,omitempty"`
	IPv6         bool            `json:"ipv6,omitempty"`
	Protocol     string          `json:"protocol,omitempty"` // as the client wrote it, lower case; "" for any
	PortMin      *int            `json:"port_min,omitempty"` // for ICMP: type and code
	PortMax      *int            `json:"port_max,omitempty"`
	RemotePrefix netip.Prefix    `json:"remote_prefix,omitzero"`
	RemoteGroup  SecurityGroupID `json:"remote_group,omitempty"`
}

// Equals reports whether r allows exactly what o allows.
func (r *SecurityGroupRule) Equals(o *SecurityGroupRule) bool {
	same := func(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
	return r.Group == o.Group && r.Egress == o.Egress && r.IPv6 == o.IPv6 && r.Protocol == o.Protocol &&
		same(r.PortMin, o.PortMin) && same(r.PortMax, o.PortMax) && r.RemotePrefix == o.RemotePrefix && r.RemoteGroup == o.RemoteGroup
}

// Admits reports whether an ingress rule covers connections to port over a
// transport (TCP, UDP or SCTP).
func (r *SecurityGroupRule) Admits(transport Protocol, port uint16) bool {
	names := map[Protocol][2]string{TCP: {"tcp", "6"}, UDP: {"udp", "17"}, SCTP: {"sctp", "132"}}[transport]
	if r.Egress || r.Protocol != "" && r.Protocol != names[0] && r.Protocol != names[1] {
		return false
	}
	if r.Protocol == "" || r.PortMin == nil {
		return true
	}
	high := *r.PortMin
	if r.PortMax != nil {
		high = *r.PortMax
	}
	return int(port) >= *r.PortMin && int(port) <= high
}
