package identity

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// mountDirectory serves the nouns: what Keystone's default policy asks of a
// caller is beside each route.
func (p *Part) mountDirectory(m mount, base string) {
	self := func(h echo.HandlerFunc) echo.HandlerFunc { return h } // the handler judges
	for _, rt := range []struct {
		method, path string
		h            echo.HandlerFunc
	}{
		{"GET", "/domains", admin("identity:list_domains", p.list("domains", domainEntries))},
		{"POST", "/domains", admin("identity:create_domain", p.createDomain)},
		{"GET", "/domains/:id", self(p.showDomain)},
		{"PATCH", "/domains/:id", admin("identity:update_domain", p.updateDomain)},
		{"DELETE", "/domains/:id", admin("identity:delete_domain", p.deleteDomain)},

		{"GET", "/projects", admin("identity:list_projects", p.list("projects", projectEntries))},
		{"POST", "/projects", admin("identity:create_project", p.createProject)},
		{"GET", "/projects/:id", self(p.showProject)},
		{"PATCH", "/projects/:id", admin("identity:update_project", p.updateProject)},
		{"DELETE", "/projects/:id", admin("identity:delete_project", p.deleteProject)},
		{"GET", "/projects/:id/tags", self(p.showTags)},
		{"PUT", "/projects/:id/tags", admin("identity:update_project_tags", p.putTags)},
		{"DELETE", "/projects/:id/tags", admin("identity:delete_project_tags", p.dropTags)},
		{"GET", "/projects/:id/tags/:tag", self(p.showTag)},
		{"PUT", "/projects/:id/tags/:tag", admin("identity:create_project_tag", p.putTag)},
		{"DELETE", "/projects/:id/tags/:tag", admin("identity:delete_project_tag", p.dropTag)},

		{"GET", "/users", admin("identity:list_users", p.list("users", userEntries))},
		{"POST", "/users", admin("identity:create_user", p.createUser)},
		{"GET", "/users/:id", self(p.showUser)},
		{"PATCH", "/users/:id", admin("identity:update_user", p.updateUser)},
		{"DELETE", "/users/:id", admin("identity:delete_user", p.deleteUser)},
		{"GET", "/users/:id/projects", self(p.userProjects)},
		{"GET", "/users/:id/groups", self(p.userGroups)},

		{"GET", "/users/:id/application_credentials", self(p.listAppCredentials)},
		{"POST", "/users/:id/application_credentials", self(p.createAppCredential)},
		{"GET", "/users/:id/application_credentials/:credential", self(p.showAppCredential)},
		{"DELETE", "/users/:id/application_credentials/:credential", self(p.deleteAppCredential)},
		{"GET", "/users/:id/access_rules", self(p.listAccessRules)},

		{"GET", "/roles", admin("identity:list_roles", p.list("roles", roleEntries))},
		{"POST", "/roles", admin("identity:create_role", p.createRole)},
		{"GET", "/roles/:id", admin("identity:get_role", p.one("role", roleEntries))},
		{"PATCH", "/roles/:id", admin("identity:update_role", p.updateRole)},
		{"DELETE", "/roles/:id", admin("identity:delete_role", p.deleteRole)},
		{"GET", "/roles/:id/implies", admin("identity:list_implied_roles", p.implies)},
		{"GET", "/roles/:id/implies/:implied", admin("identity:get_implied_role", p.implied)},
		{"PUT", "/roles/:id/implies/:implied", admin("identity:create_implied_role", p.putImplied)},
		{"DELETE", "/roles/:id/implies/:implied", admin("identity:delete_implied_role", p.dropImplied)},
		{"GET", "/role_inferences", admin("identity:list_role_inference_rules", p.inferences)},
		{"GET", "/role_assignments", admin("identity:list_role_assignments", p.assignments)},

		{"GET", "/services", admin("identity:list_services", p.list("services", serviceEntries))},
		{"GET", "/services/:id", admin("identity:get_service", p.one("service", serviceEntries))},
		{"GET", "/endpoints", admin("identity:list_endpoints", p.list("endpoints", endpointEntries))},
		{"GET", "/endpoints/:id", admin("identity:get_endpoint", p.one("endpoint", endpointEntries))},
		{"GET", "/regions", self(p.list("regions", regionEntries))},
		{"GET", "/regions/:id", self(p.one("region", regionEntries))},

		{"GET", "/groups", admin("identity:list_groups", p.list("groups", groupEntries))},
		{"POST", "/groups", admin("identity:create_group", p.createGroup)},
		{"GET", "/groups/:id", admin("identity:get_group", p.one("group", groupEntries))},
		{"PATCH", "/groups/:id", admin("identity:update_group", p.updateGroup)},
		{"DELETE", "/groups/:id", admin("identity:delete_group", p.deleteGroup)},
		{"GET", "/groups/:id/users", admin("identity:list_users_in_group", p.groupUsers)},
		{"GET", "/groups/:id/users/:user", self(p.checkMember)},
		{"PUT", "/groups/:id/users/:user", admin("identity:add_user_to_group", p.putMember)},
		{"DELETE", "/groups/:id/users/:user", admin("identity:remove_user_from_group", p.dropMember)},
	} {
		m.add(rt.method, base+rt.path, rt.h)
	}
	for _, to := range []string{"projects/:id/users/:user", "domains/:id/users/:user", "projects/:id/groups/:group", "domains/:id/groups/:group"} {
		path := base + "/" + to + "/roles"
		m.add("GET", path, admin("identity:list_grants", p.grants))
		m.add("GET", path+"/:role", admin("identity:check_grant", p.grant))
		m.add("PUT", path+"/:role", admin("identity:create_grant", p.putGrant))
		m.add("DELETE", path+"/:role", admin("identity:revoke_grant", p.dropGrant))
	}
	for _, kind := range []string{"services", "endpoints", "regions"} {
		h := admin("identity:update_"+kind, func(c echo.Context) error {
			return fault(c, unsupported("services, endpoints and regions: the catalog is made from the address that a client uses"))
		})
		m.refuse("POST", base+"/"+kind, h)
		m.refuse("PATCH", base+"/"+kind+"/:id", h)
		m.refuse("DELETE", base+"/"+kind+"/:id", h)
	}
}

// unsupported refuses, with 501, what Keystone has and lbd has not.
func unsupported(what string) error {
	return store.Errorf(store.Unsupported, "lbd does not support changing or using %s.", what)
}

// created answers a POST with the object as the store has it.
func created(c echo.Context, key string, body map[string]any) error {
	if body == nil { // deleted again meanwhile
		return fault(c, noSuch(key, ""))
	}
	return c.JSON(http.StatusCreated, map[string]any{key: body})
}

// shown answers a PATCH or GET with the object as the store has it.
func shown(c echo.Context, key, id string, body map[string]any) error {
	if body == nil {
		return fault(c, noSuch(key, id))
	}
	return c.JSON(http.StatusOK, map[string]any{key: body})
}

// domainAttr resolves a domain_id; absent and null mean the default domain.
func (a *attrs) domainID() string {
	id := or(a.text("domain_id", maxName), "")
	if id == "" {
		return "default"
	}
	return id
}

// assignmentLink is where a grant is.
func assignmentLink(c echo.Context, a model.Assignment) map[string]any {
	kind, on := "projects", string(a.Project)
	if a.Domain != "" {
		kind, on = "domains", string(a.Domain)
	}
	to, id := "users", string(a.User)
	if a.Group != "" {
		to, id = "groups", string(a.Group)
	}
	return map[string]any{"assignment": fmt.Sprintf("%s/identity/v3/%s/%s/%s/%s/roles/%s", baseURL(c), kind, on, to, id, a.Role)}
}
