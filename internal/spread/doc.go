// Package spread decides, as pure functions, which data node gets which load
// balancer while load balancers are distributed over the nodes (decision 0049).
//
// It proposes moves; the store's table takes them, and the leases of raft make them
// safe. So what is decided here may be unwise, but never wrong: at worst a load
// balancer goes to a node that cannot serve it, and is moved once more.
package spread
