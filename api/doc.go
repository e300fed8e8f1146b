// Package api is the one port that people and tools talk to: TLS and plain
// HTTP told apart by their first byte, limits, request ids, authentication,
// path forms that OpenStack clients use, and errors in the form they read.
//
// It owns no resource. The parts (api/octavia, api/identity, api/network,
// api/admin) bring their routes and see the rest of lbd through api/deps only.
//
//	conn → limit → first byte → net/http → request id → plain-HTTP rule →
//	  normalise path → route → authenticate → body limit → handler of a part
package api
