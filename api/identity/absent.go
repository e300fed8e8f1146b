package identity

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// absent is a collection of Keystone's of which there is never an element here:
// empty to read, for the clients that list everything, and refused to fill.
type absent struct{ path, many, one string }

func absents() []absent {
	return []absent{
		{"credentials", "credentials", "credential"},
		{"policies", "policies", "policy"},
		{"limits", "limits", "limit"},
		{"registered_limits", "registered_limits", "registered limit"},
		{"users/:user/credentials/OS-EC2", "credentials", "credential"},
		{"OS-TRUST/trusts", "trusts", "trust"},
		{"OS-OAUTH1/consumers", "consumers", "consumer"},
		{"OS-EP-FILTER/endpoint_groups", "endpoint_groups", "endpoint group"},
		{"OS-FEDERATION/identity_providers", "identity_providers", "identity provider"},
		{"OS-FEDERATION/mappings", "mappings", "mapping"},
		{"OS-FEDERATION/service_providers", "service_providers", "service provider"},
	}
}

// mountAbsent serves what Keystone has and lbd has not.
func (p *Part) mountAbsent(m mount, base string) {
	for _, a := range absents() {
		a.mount(m, base+"/"+a.path)
	}
	for _, on := range []string{"system", "OS-INHERIT/projects/:id", "OS-INHERIT/domains/:id"} {
		for _, to := range []string{"/users/:to", "/groups/:to"} {
			mountNoGrants(m, base+"/"+on+to+"/roles", on == "system")
		}
	}
}

func (a absent) mount(m mount, path string) {
	list := admin("identity:list_"+a.many, func(c echo.Context) error {
		return c.JSON(http.StatusOK, listBody(c, a.many, []any{}))
	})
	create := admin("identity:create_"+a.many, func(c echo.Context) error { return fault(c, unsupported(a.many)) })
	missing := func(c echo.Context) error { return fault(c, noSuch(a.one, c.Param("id"))) }
	m.add("GET", path, list)
	m.refuse("POST", path, create)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		m.refuse(method, path+"/:id", missing)
	}
}

// mountNoGrants serves the grants on the system, or those that projects inherit:
// nobody has any, and nobody can be given one.
func mountNoGrants(m mount, roles string, system bool) {
	what, list, one := "inherited roles", roles+"/inherited_to_projects", roles+"/:role/inherited_to_projects"
	if system {
		what, list, one = "roles on the system", roles, roles+"/:role"
	}
	m.add("GET", list, admin("identity:list_grants", func(c echo.Context) error {
		return c.JSON(http.StatusOK, listBody(c, "roles", []any{}))
	}))
	missing := admin("identity:check_grant", func(c echo.Context) error {
		return fault(c, noSuch("role assignment", c.Param("role")))
	})
	m.refuse("GET", one, missing)
	m.refuse("DELETE", one, missing)
	m.refuse("PUT", one, admin("identity:create_grant", func(c echo.Context) error { return fault(c, unsupported(what)) }))
}
