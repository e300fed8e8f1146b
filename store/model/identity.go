package model

import (
	"encoding/json"
	"time"
)

// DefaultDomain is the id of the domain that every cluster has.
const DefaultDomain DomainID = "default"

// Domain is a name space for users and projects.
type Domain struct {
	ID DomainID `json:"id"`
	Record
	Enabled bool `json:"enabled"`
	// Epoch is the Raft index at which all tokens of its users and on its
	// projects ended last; zero: never.
	Epoch uint64 `json:"epoch,omitempty"`
	Extra Extra  `json:"extra,omitempty"`
}

// Project owns objects. ID is 32 hex digits.
type Project struct {
	ID ProjectID `json:"id"`
	Record
	// Domain is never empty in the store; "" in a command is the default one.
	Domain  DomainID `json:"domain,omitempty"`
	Enabled bool     `json:"enabled"`
	// Epoch is the Raft index at which all tokens on it ended last; zero: never.
	Epoch uint64 `json:"epoch,omitempty"`
	Extra Extra  `json:"extra,omitempty"`
}

// User can log in.
type User struct {
	ID UserID `json:"id"`
	Record
	// Domain is never empty in the store; "" in a command is the default one.
	Domain  DomainID `json:"domain,omitempty"`
	Enabled bool     `json:"enabled"`
	Email   string   `json:"email,omitempty"`
	// PasswordHash is argon2id in PHC string form ($argon2id$v=19$m=...,t=...,p=...$salt$hash).
	// Empty: no password logs this user in.
	PasswordHash   string    `json:"password_hash,omitempty"`
	DefaultProject ProjectID `json:"default_project,omitempty"`
	// Epoch is the Raft index at which all of the user's tokens ended last
	// (new password, disabled); zero: never.
	Epoch uint64 `json:"epoch,omitempty"`
	Extra Extra  `json:"extra,omitempty"`
}

// Role is a name that policy knows: admin, member, reader, load-balancer_*.
type Role struct {
	ID RoleID `json:"id"`
	Record
}

// Group is a set of users that are given roles together.
type Group struct {
	ID GroupID `json:"id"`
	Record
	// Domain is never empty in the store; "" in a command is the default one.
	Domain DomainID `json:"domain,omitempty"`
	Extra  Extra    `json:"extra,omitempty"`
}

// Membership says that a user is in a group.
type Membership struct {
	Group GroupID `json:"group"`
	User  UserID  `json:"user"`
}

// Assignment gives a user, or all users of a group, a role on a project, or on a
// domain: one of each two is set.
type Assignment struct {
	User    UserID    `json:"user"`
	Group   GroupID   `json:"group,omitempty"`
	Project ProjectID `json:"project,omitempty"`
	Domain  DomainID  `json:"domain,omitempty"`
	Role    RoleID    `json:"role"`
}

// AppCredential lets a program log in as a user on one project, with some of
// the user's roles there. It goes with the user, the project, and the first
// role that the user loses on the project.
type AppCredential struct {
	ID     AppCredentialID `json:"id"`
	Record                 // Record.Project is where it logs in; the name is unique per user
	User   UserID          `json:"user"`
	// SecretHash is "sha256$" and hex of a secret that the server made, or
	// argon2id in PHC form of one that the user chose.
	SecretHash string   `json:"secret_hash"`
	Roles      []RoleID `json:"roles"`
	// Expires is zero for never.
	Expires time.Time `json:"expires_at,omitzero"`
	// Unrestricted lets its tokens make and delete application credentials.
	Unrestricted bool `json:"unrestricted,omitempty"`
}

// Revocation is a token that was ended before its time. It is kept until the
// token would have ended by itself.
type Revocation struct {
	Audit   AuditID   `json:"audit"`
	User    UserID    `json:"user"`
	Expires time.Time `json:"expires_at"`
}

// Extra are the attributes of a client's own: JSON values by name, kept and shown as
// they came. MaxExtra entries of MaxExtraName characters at most, and MaxExtraBytes of
// all names and values together.
type Extra map[string]json.RawMessage

// Bounds of Extra, of one object.
const (
	MaxExtra      = 64
	MaxExtraName  = 255     // characters
	MaxExtraBytes = 8 << 10 // a thousand such users are 8 MiB in every node's memory
)
