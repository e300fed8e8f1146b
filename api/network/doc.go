// Package network is the Neutron-shaped face of the API: networks, subnets,
// ports, routers and floating IPs, exactly as far as load balancing needs them.
// They are real: a subnet maps to interfaces of the nodes, a VIP is a port in
// it, a floating IP is an address that the active node answers for.
//
//	POST {"subnet":{...}} ─ body (strict) ─ store.Command ─ deps.Writer ─ view
//	GET  ?name=a&fields=id ─ filter ─ view
//
// Handlers check shape; what depends on other objects is decided in the store.
package network
