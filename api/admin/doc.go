// Package admin is lbd's own face of the API, /v1: the cluster and what its
// nodes are doing, joining and leaving, the topology that the web UI draws, and
// a stream of changes.
//
// Everything about roles comes from the nodes' own reports: observed, with its
// age, never from the store.
package admin
