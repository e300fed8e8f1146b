// Package octavia is the Octavia v2 face of the API: load balancers, listeners,
// pools, members, health monitors, amphorae, statistics and the status tree.
//
//	POST ─ object (strict, typed) ─ store.Command ─ deps.Writer ─ settle ─ resource
//	GET  ─ rows ─ scope ─ filter ─ sort ─ page ─ fields ─ links
//
// Handlers check shape and policy. What depends on other objects is decided in
// the store, whose refusals already have Octavia's wording. Operating status is
// computed from the nodes' reports at the time of asking, and never stored.
//
// One file per resource has its attributes (what is shown, filtered and sorted)
// and its five verbs; body.go and types.go read requests, list.go, filter.go,
// sort.go and page.go serve collections of any resource. Options whose function
// the data plane does not have are refused with 501, never taken silently.
package octavia
