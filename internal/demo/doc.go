// Package demo runs the whole story of lbd on one machine without touching its
// network: namespaces for a client, two nodes, a witness and two web servers; a
// load balancer made step by step; answers in turn; the active node killed;
// traffic back; the role column true.
//
// It prints every command before it runs it, so that a reader can repeat it.
// Where namespaces are not permitted it runs one node on loopback instead.
package demo
