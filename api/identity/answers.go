package identity

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// examples are objects by the name of their collection, with what they are called alone.
func (p *Part) examples() map[string]struct {
	one string
	of  map[string]any
} {
	type example = struct {
		one string
		of  map[string]any
	}
	c := blank()
	first := func(entries func(echo.Context, *store.State) []entry) (body map[string]any) {
		p.read.Read(func(st *store.State) {
			if all := entries(c, st); len(all) > 0 {
				body = all[0].body
			}
		})
		return body
	}
	var credential map[string]any
	p.read.Read(func(st *store.State) { credential = appCredentialBody(c, st, &model.AppCredential{}) })
	return map[string]example{
		"domains":                 {"domain", domainBody(c, &model.Domain{})},
		"projects":                {"project", projectBody(c, &model.Project{})},
		"users":                   {"user", userBody(c, &model.User{Email: "e", DefaultProject: "p", Record: model.Record{Description: "d"}})},
		"roles":                   {"role", roleBody(c, &model.Role{})},
		"groups":                  {"group", groupBody(c, &model.Group{})},
		"application_credentials": {"application_credential", credential},
		"services":                {"service", first(serviceEntries)},
		"endpoints":               {"endpoint", first(endpointEntries)},
		"regions":                 {"region", first(regionEntries)},
	}
}

// Answer implements api.Answering.
func (p *Part) Answer(method, path string) *openapi.Schema {
	c := blank()
	if method == http.MethodDelete || method == http.MethodHead {
		return nil
	}
	if path == "/identity" {
		return openapi.Wrap("versions", openapi.Wrap("values", openapi.List(openapi.Example(versionBody(c)))))
	}
	tail, ok := strings.CutPrefix(strings.TrimPrefix(path, "/identity"), "/v3")
	switch {
	case !ok:
		return nil
	case tail == "":
		return openapi.Wrap("version", openapi.Example(versionBody(c)))
	}
	tail = strings.TrimPrefix(tail, "/")
	if s := p.answerOfCollections(method, tail); s != nil {
		return s
	}
	return p.answerOfRest(c, tail)
}

// answerOfCollections is for the collections and their objects.
func (p *Part) answerOfCollections(method, tail string) *openapi.Schema {
	parts := strings.Split(tail, "/")
	item := len(parts)%2 == 0
	collection := parts[len(parts)-1]
	if item {
		collection = parts[len(parts)-2]
	}
	// users/{id}/projects and the like are lists of that, too; roles of a grant are not.
	if method == http.MethodPut || len(parts) > 2 && !slices.Contains([]string{"projects", "groups", "users", "application_credentials"}, collection) {
		return nil
	}
	x, ok := p.examples()[collection]
	switch {
	case !ok || len(parts) > 4 || item && collection == "users" && len(parts) > 2: // is a user in a group?
		return nil
	case item || method == http.MethodPost:
		return openapi.Wrap(x.one, openapi.Example(x.of))
	}
	return linked(collection, openapi.List(openapi.Example(x.of)))
}

// linked is an answer with links beside what it is about.
func linked(key string, s *openapi.Schema) *openapi.Schema {
	out := openapi.Wrap(key, s)
	out.Add("links", &openapi.Schema{Type: "object"})
	return out
}

// answerOfRest is for tokens, grants, tags, and what is always empty.
func (p *Part) answerOfRest(c echo.Context, tail string) *openapi.Schema {
	role := roleBody(c, &model.Role{})
	switch tail {
	case "auth/tokens":
		of := &session{user: &model.User{}, project: &model.Project{}, app: &model.AppCredential{}, names: map[model.DomainID]string{}}
		return openapi.Example(tokenBody(c, of))
	case "auth/projects":
		return linked("projects", openapi.List(openapi.Example(projectBody(c, &model.Project{}))))
	case "auth/domains":
		return linked("domains", openapi.List(openapi.Example(domainBody(c, &model.Domain{}))))
	case "auth/system":
		return linked("system", openapi.List(nil))
	case "auth/catalog":
		return linked("catalog", openapi.List(openapi.Example(catalog(c)[0])))
	case "projects/:id/tags":
		return linked("tags", openapi.List(openapi.Text(maxTag)))
	case "users/:id/access_rules":
		return linked("access_rules", openapi.List(nil))
	case "role_assignments":
		return linked("role_assignments", openapi.List(assignmentSchema()))
	case "role_inferences":
		return linked("role_inferences", openapi.List(inferenceSchema(c, true)))
	case "roles/:id/implies":
		return linked("role_inference", inferenceSchema(c, true))
	case "roles/:id/implies/:implied":
		return linked("role_inference", inferenceSchema(c, false))
	}
	if strings.HasSuffix(tail, "/roles") || strings.HasSuffix(tail, "/roles/inherited_to_projects") {
		return linked("roles", openapi.List(openapi.Example(role)))
	}
	for _, a := range absents() {
		if tail == a.path {
			return linked(a.many, openapi.List(nil))
		}
	}
	return nil
}

// inferenceSchema is a role with all that it implies, or with one.
func inferenceSchema(c echo.Context, all bool) *openapi.Schema {
	ref := openapi.Example(roleRef(c, &model.Role{}))
	s := openapi.Object()
	s.Add("prior_role", ref)
	if all {
		ref = openapi.List(ref)
	}
	s.Add("implies", ref)
	return s
}

// assignmentSchema is a role assignment: to a user or a group, on a project or a domain.
func assignmentSchema() *openapi.Schema {
	ref := func() *openapi.Schema {
		return openapi.Example(map[string]any{"id": "", "name": "", "domain": map[string]any{"id": "", "name": ""}})
	}
	s, scope := openapi.Object(), openapi.Object()
	for _, key := range []string{"user", "group", "role"} {
		s.Add(key, ref())
	}
	scope.Add("project", ref())
	scope.Add("domain", ref())
	s.Add("scope", scope)
	s.Add("links", &openapi.Schema{Type: "object"})
	return s
}

// blank is a request, for examples of what is answered.
func blank() echo.Context {
	return echo.New().NewContext(&http.Request{URL: &url.URL{}, Header: http.Header{}}, nil)
}
