package store

import (
	"time"

	"lbd/store/model"
)

// DomainPatch changes a domain. Disabling it ends the tokens of its users and
// on its projects.
type DomainPatch struct {
	ID          model.DomainID `json:"id"`
	Name        *string        `json:"name,omitempty"`
	Description *string        `json:"description,omitempty"`
	Enabled     *bool          `json:"enabled,omitempty"`
	Tags        *[]string      `json:"tags,omitempty"`
}

// ProjectPatch changes a project. Disabling it ends the tokens on it.
type ProjectPatch struct {
	ID          model.ProjectID `json:"id"`
	Name        *string         `json:"name,omitempty"`
	Description *string         `json:"description,omitempty"`
	Enabled     *bool           `json:"enabled,omitempty"`
	Tags        *[]string       `json:"tags,omitempty"`
}

// UserPatch changes a user. Disabling it and a new password end its tokens.
type UserPatch struct {
	ID             model.UserID     `json:"id"`
	Name           *string          `json:"name,omitempty"`
	Description    *string          `json:"description,omitempty"`
	Email          *string          `json:"email,omitempty"`
	Enabled        *bool            `json:"enabled,omitempty"`
	PasswordHash   *string          `json:"password_hash,omitempty"`
	DefaultProject *model.ProjectID `json:"default_project,omitempty"`
}

// GroupPatch changes a group of users.
type GroupPatch struct {
	ID          model.GroupID `json:"id"`
	Name        *string       `json:"name,omitempty"`
	Description *string       `json:"description,omitempty"`
}

// GroupRef names a group to delete, with its memberships and roles.
type GroupRef struct {
	ID model.GroupID `json:"id"`
}

// RolePatch changes a role.
type RolePatch struct {
	ID          model.RoleID `json:"id"`
	Name        *string      `json:"name,omitempty"`
	Description *string      `json:"description,omitempty"`
}

// DomainRef names a domain to delete, with all its users and projects.
type DomainRef struct {
	ID model.DomainID `json:"id"`
}

// ProjectRef names a project to delete, with the assignments on it.
type ProjectRef struct {
	ID model.ProjectID `json:"id"`
}

// UserRef names a user to delete, with assignments and application credentials.
type UserRef struct {
	ID model.UserID `json:"id"`
}

// RoleRef names a role to delete, with all assignments of it.
type RoleRef struct {
	ID model.RoleID `json:"id"`
}

// AppCredentialRef names an application credential to delete.
type AppCredentialRef struct {
	ID   model.AppCredentialID `json:"id"`
	User model.UserID          `json:"user"`
}

// TokenPurge forgets revocations of tokens that had ended by Before.
type TokenPurge struct {
	Before time.Time `json:"before"`
}
