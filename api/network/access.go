package network

import (
	"lbd/api/auth"
	"lbd/store/model"
)

// owns reports whether an object of project is c's to see.
func owns(c *auth.Caller, project model.ProjectID) bool {
	return c.IsCloudAdmin() || c != nil && c.Project != "" && c.Project == project
}

// mayWrite reports whether c may make and change objects of project.
func mayWrite(c *auth.Caller, project model.ProjectID) bool {
	return c.IsCloudAdmin() || owns(c, project) && c.Has(auth.RoleMember, auth.RoleLBMember, auth.RoleLBAdmin)
}
