// Package role decides, as a pure function, whether this node holds the VIPs.
//
// Raft leadership decides, always: the leader of the current term with a lease
// that has not run out holds them. The rest of the input only makes a leader
// that cannot serve hand its leadership over.
package role
