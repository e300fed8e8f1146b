// Package peerca is the cluster's own small certificate authority: one CA made
// with the first node, one certificate per node, and the tokens and codes by
// which a new node and the cluster come to trust each other. It does no I/O.
package peerca
