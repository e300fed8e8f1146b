// Package keystone lets an external Keystone say who is asking.
//
// A token is validated with itself (X-Auth-Token and X-Subject-Token are the
// same; Keystone's default policy lets a token's user do that), so that lbd needs
// no account there and holds no secret of that cloud. Answers are kept for a
// short while, questions about the same token are asked once, and everything has
// a bound and a deadline.
//
//	X-Auth-Token ── cache ── one flight per token ── GET {keystone}/v3/auth/tokens ── auth.Caller
//	/identity/...  ── discovery names the external Keystone; auth/tokens is passed on; the rest is redirected
package keystone
