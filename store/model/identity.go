package model

// DefaultDomain is the id of the only domain.
const DefaultDomain = "default"

// Project owns objects. ID is 32 hex digits.
type Project struct {
	ID ProjectID `json:"id"`
	Record
	Enabled bool `json:"enabled"`
}

// User can log in.
type User struct {
	ID UserID `json:"id"`
	Record
	Enabled bool `json:"enabled"`
	// PasswordHash is argon2id in PHC string form ($argon2id$v=19$m=...,t=...,p=...$salt$hash).
	PasswordHash   string    `json:"password_hash,omitempty"`
	DefaultProject ProjectID `json:"default_project,omitempty"`
}

// Role is a name that policy knows: admin, member, reader, load-balancer_*.
type Role struct {
	ID RoleID `json:"id"`
	Record
}

// Assignment gives a user a role on a project.
type Assignment struct {
	User    UserID    `json:"user"`
	Project ProjectID `json:"project"`
	Role    RoleID    `json:"role"`
}
