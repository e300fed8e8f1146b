package model

import "net/netip"

// Config is what a data plane needs to know, taken from the store at one
// index. Objects that are PENDING_DELETE are already left out.
type Config struct {
	Index    uint64     `json:"index"`
	Services []*Service `json:"services"`
}

// Service is one load balancer with everything below it.
type Service struct {
	LoadBalancer *LoadBalancer `json:"load_balancer"`
	// Addresses to listen on: the VIPs, then the floating IPs bound to their ports.
	Addresses []netip.Addr `json:"addresses"`
	// Prefixes are the subnets the addresses belong to, in the same order: they
	// say which of a node's interfaces carries an address.
	Prefixes  []netip.Prefix `json:"prefixes"`
	Listeners []*Listener    `json:"listeners"`
	Pools     []*Backends    `json:"pools"`
	// Secrets and Containers are what the TLS refs of listeners and pools lead to,
	// by id. Payloads are sealed.
	Secrets    []*Secret    `json:"secrets,omitempty"`
	Containers []*Container `json:"containers,omitempty"`
	// Policies of all listeners, ordered by listener and position.
	Policies []*RuledPolicy `json:"policies,omitempty"`
}

// RuledPolicy is one L7 policy with its rules, in the order of their creation.
type RuledPolicy struct {
	Policy *L7Policy `json:"policy"`
	Rules  []*L7Rule `json:"rules"`
}

// Backends is one pool with its members and its monitor, where it has one. Members
// are values of their own: a hundred thousand versions that the store has replaced
// would be kept otherwise.
type Backends struct {
	Pool    *Pool          `json:"pool"`
	Members []Server       `json:"members"`
	Monitor *HealthMonitor `json:"monitor,omitempty"`
}
