// Package identity is the Keystone-shaped face of the API: login, tokens, and the
// directory of domains, projects, users, roles, assignments and application
// credentials.
//
// Any node answers for any token: a token carries who, where and until when,
// signed with a key that all nodes share. The roles are looked up in the store at
// each use, so that a role taken away is gone at once; so are tokens that were
// revoked one by one (audit ids, kept until the token expires) or all together
// (epochs of user, project and domain, raised by a new password or by disabling).
//
//	POST /v3/auth/tokens ── limiter ── password (argon2id) or secret ── token
//	X-Auth-Token ── signature, expiry ── store: revoked? user, scope, roles, epochs ── auth.Caller
//	POST, PATCH, PUT, DELETE ── Keystone's default policy ── store.Command ── answer from the store
package identity
