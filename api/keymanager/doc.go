// Package keymanager is the Barbican-shaped face of the API: secrets, containers
// of secrets, their access lists and consumers. Orders are refused: lbd makes no
// keys in others' names.
//
//	POST payload ─ shape ─ deps.Sealer.Seal ─ store.Command ─ deps.Writer
//	GET payload  ─ may the caller? ─ deps.Sealer.Open ─ bytes
//
// A payload is sealed here, before it enters a command: nothing behind this
// package but Open's callers sees it in clear. It appears in no log and no error.
package keymanager
