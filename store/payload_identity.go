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
	Extra       model.Extra    `json:"extra,omitempty"` // set beside those that are there
}

// ProjectPatch changes a project. Disabling it ends the tokens on it.
type ProjectPatch struct {
	ID          model.ProjectID `json:"id"`
	Name        *string         `json:"name,omitempty"`
	Description *string         `json:"description,omitempty"`
	Enabled     *bool           `json:"enabled,omitempty"`
	Tags        *[]string       `json:"tags,omitempty"`
	Extra       model.Extra     `json:"extra,omitempty"` // set beside those that are there
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
	Extra          model.Extra      `json:"extra,omitempty"` // set beside those that are there
}

// GroupPatch changes a group of users.
type GroupPatch struct {
	ID          model.GroupID `json:"id"`
	Name        *string       `json:"name,omitempty"`
	Description *string       `json:"description,omitempty"`
	Extra       model.Extra   `json:"extra,omitempty"` // set beside those that are there
}

// DirectoryPut is a creation or change with attributes of a client's own (Extra), which
// builds before level 4 cannot read. One field is set.
type DirectoryPut struct {
	Domain       *model.Domain  `json:"domain,omitempty"`
	DomainPatch  *DomainPatch   `json:"domain_patch,omitempty"`
	Project      *model.Project `json:"project,omitempty"`
	ProjectPatch *ProjectPatch  `json:"project_patch,omitempty"`
	User         *model.User    `json:"user,omitempty"`
	UserPatch    *UserPatch     `json:"user_patch,omitempty"`
	Group        *model.Group   `json:"group,omitempty"`
	GroupPatch   *GroupPatch    `json:"group_patch,omitempty"`
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
