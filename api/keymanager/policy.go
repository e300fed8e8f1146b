package keymanager

import (
	"slices"

	"lbd/api/auth"
	"lbd/store/model"
)

// Barbican's own role names, known beside Keystone's and Octavia's.
const (
	roleCreator  = "creator"
	roleObserver = "observer"
	roleAudit    = "audit"
)

// owned is what rights depend on: whose an object is and who else may read it.
type owned struct {
	project model.ProjectID
	creator model.UserID
	access  *model.Access
}

func ofSecret(s *model.Secret) owned       { return owned{s.Project, s.Creator, &s.Access} }
func ofContainer(s *model.Container) owned { return owned{s.Project, s.Creator, &s.Access} }

func inProject(c *auth.Caller, p model.ProjectID) bool {
	return c != nil && c.Project != "" && c.Project == p
}

func (o owned) listed(c *auth.Caller) bool {
	return c != nil && o.access.ACL != nil && slices.Contains(o.access.ACL.Users, c.UserID)
}

// open reports whether the project as such may read, or the caller made it.
func (o owned) open(c *auth.Caller) bool {
	return !o.access.Private() || o.creator == c.UserID || c.Has(auth.RoleAdmin)
}

// mayList: everybody with a role that reads, in their own project.
func mayList(c *auth.Caller) bool {
	return c != nil && c.Project != "" && c.Has(auth.RoleAdmin, auth.RoleMember, auth.RoleReader, auth.RoleLBMember, auth.RoleLBObserver, roleCreator, roleObserver, roleAudit)
}

// mayCreate: members.
func mayCreate(c *auth.Caller) bool {
	return c != nil && c.Project != "" && c.Has(auth.RoleAdmin, auth.RoleMember, auth.RoleLBMember, roleCreator)
}

// mayShow is the right to see an object without its payload.
func (o owned) mayShow(c *auth.Caller) bool {
	return c.IsCloudAdmin() || o.listed(c) || inProject(c, o.project) && mayList(c) && o.open(c)
}

// mayDecrypt is the right to the payload. An admin of the cloud has it in the
// own project only.
func (o owned) mayDecrypt(c *auth.Caller) bool {
	return o.listed(c) || inProject(c, o.project) && mayCreate(c) && o.open(c)
}

// mayChange is the right to delete an object or say who may read it.
func (o owned) mayChange(c *auth.Caller) bool {
	return c.IsCloudAdmin() || inProject(c, o.project) && mayCreate(c) && o.open(c)
}

// MayUse reports whether a caller who configures something of project may have
// it use an object: the payload is the caller's to read, or the project's while
// the caller acts for it.
func mayUse(c *auth.Caller, project model.ProjectID, o owned) bool {
	return o.mayDecrypt(c) || c.IsAdmin() && project == o.project && !o.access.Private()
}

// MayUseSecret is mayUse for a secret.
func MayUseSecret(c *auth.Caller, project model.ProjectID, s *model.Secret) bool {
	return mayUse(c, project, ofSecret(s))
}

// MayUseContainer is mayUse for a container.
func MayUseContainer(c *auth.Caller, project model.ProjectID, x *model.Container) bool {
	return mayUse(c, project, ofContainer(x))
}
