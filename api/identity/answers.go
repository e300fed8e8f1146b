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
	c := echo.New().NewContext(&http.Request{URL: &url.URL{}, Header: http.Header{}}, nil)
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

// Answer implements api.Answering for the collections and their objects.
func (p *Part) Answer(method, path string) *openapi.Schema {
	tail, ok := strings.CutPrefix(path, "/identity")
	if !ok {
		tail = path
	}
	tail, ok = strings.CutPrefix(tail, "/v3/")
	parts := strings.Split(tail, "/")
	if !ok || method == http.MethodDelete || method == http.MethodHead || method == http.MethodPut {
		return nil
	}
	item := len(parts)%2 == 0
	collection := parts[len(parts)-1]
	if item {
		collection = parts[len(parts)-2]
	}
	// users/{id}/projects and the like are lists of that, too; roles of a grant are not.
	if len(parts) > 2 && !slices.Contains([]string{"projects", "groups", "users", "application_credentials"}, collection) {
		return nil
	}
	x, ok := p.examples()[collection]
	switch {
	case !ok || len(parts) > 4:
		return nil
	case item || method == http.MethodPost:
		return openapi.Wrap(x.one, openapi.Example(x.of))
	}
	page := openapi.Wrap(collection, openapi.List(openapi.Example(x.of)))
	page.Add("links", &openapi.Schema{Type: "object"})
	return page
}
