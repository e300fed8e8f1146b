// Package harness runs real lbd processes in network namespaces and watches
// them from outside: by a client that opens a new connection every 5 ms, and by
// an observer that asks ARP who has the VIP.
//
//	client ───┐ public 203.0.113.0/24, router .1
//	          ├── node1 node2 … ──┬── private 10.0.0.0/24, router .1 ── web1 web2 observer
//	          │                   └── mgmt 192.0.2.0/24 ── witness
//
// Helpers that must live inside a namespace are the test binary itself, started
// again (Main).
package harness
