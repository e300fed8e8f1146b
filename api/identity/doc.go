// Package identity is the Keystone-shaped face of the API: login, tokens, and a
// directory of projects, users and roles, as far as OpenStack clients ask.
//
// Any node answers for any token: a token carries who, where and until when,
// signed with a key that all nodes share, and the roles are looked up in the
// store at each use, so that a role taken away is gone at once.
//
// A token that is deleted is refused by the node that was asked, at once, and by
// the others when it expires: the list of revoked tokens is in memory.
//
//	POST /v3/auth/tokens ── limiter ── password (argon2id) ── token
//	X-Auth-Token ── signature, expiry, revocation ── store: user, project, roles ── auth.Caller
package identity
