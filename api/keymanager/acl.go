package keymanager

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// accessRoutes serves the access list of one kind of object.
type accessRoutes struct {
	p    *Part
	noun string
	// find gives the object of a request, its ref, and how to change its list.
	find func(c echo.Context) (o owned, ref string, change func(store.AccessPatch) error, err error)
}

func (p *Part) findAccess(c echo.Context) (owned, string, func(store.AccessPatch) error, error) {
	s, err := p.secret(c)
	if err != nil {
		return owned{}, "", nil, err
	}
	return ofSecret(s), secretRef(c, s.ID), func(a store.AccessPatch) error {
		return p.apply(c, store.SecretUpdate, &store.SecretPatch{ID: s.ID, AccessPatch: a})
	}, nil
}

func (p *Part) findContainerAccess(c echo.Context) (owned, string, func(store.AccessPatch) error, error) {
	x, err := p.container(c)
	if err != nil {
		return owned{}, "", nil, err
	}
	return ofContainer(x), containerRef(c, x.ID), func(a store.AccessPatch) error {
		return p.apply(c, store.ContainerUpdate, &store.ContainerPatch{ID: x.ID, AccessPatch: a})
	}, nil
}

func (a *accessRoutes) mount(r *api.Router, path string) {
	handle(r, "GET", path+"/acl", a.noun+"ACL(s) retrieval", a.show)
	read := func(b *body) { takeACL(b, true) }
	handleBody(r, "PUT", path+"/acl", a.noun+"ACL(s) Update", read, a.change(true))
	handleBody(r, "PATCH", path+"/acl", a.noun+"ACL(s) Update", read, a.change(false))
	handle(r, "DELETE", path+"/acl", a.noun+"ACL(s) deletion", a.remove)
}

func (a *accessRoutes) show(c echo.Context) error {
	o, _, _, err := a.find(c)
	if err != nil {
		return err
	}
	if !o.mayShow(caller(c)) {
		return errForbidden
	}
	acl := o.access.ACL
	if acl == nil {
		return c.JSON(http.StatusOK, map[string]any{"read": map[string]any{"project-access": true}})
	}
	users := acl.Users
	if users == nil {
		users = []model.UserID{}
	}
	return c.JSON(http.StatusOK, map[string]any{"read": map[string]any{
		"project-access": acl.ProjectAccess, "users": users, "created": timestamp(acl.Created), "updated": timestamp(acl.Updated),
	}})
}

// change is PUT (the whole list) or PATCH (what is given of it).
func (a *accessRoutes) change(replace bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		o, ref, change, err := a.find(c)
		if err != nil {
			return err
		}
		if !o.mayChange(caller(c)) {
			return errForbidden
		}
		b, err := readBody(c, "ACL")
		if err != nil {
			return err
		}
		patch := takeACL(b, replace)
		if b.err != nil {
			return b.err
		}
		if patch != nil {
			if err := change(store.AccessPatch{ACL: patch}); err != nil {
				return err
			}
		}
		return c.JSON(http.StatusOK, map[string]any{"acl_ref": ref + "/acl"})
	}
}

// takeACL reads {"read": {"users": [...], "project-access": true}}; nil changes nothing.
func takeACL(b *body, replace bool) *store.ACLPatch {
	of := openapi.Object()
	of.Add("project-access", &openapi.Schema{Type: "boolean"})
	of.Add("users", openapi.List(openapi.Text(255)))
	b.note("read", of)
	raw, ok := b.take("read")
	b.closed()
	if !ok && replace {
		return &store.ACLPatch{Remove: true}
	}
	if !ok || b.err != nil {
		return nil
	}
	in := &body{schema: b.schema}
	if json.Unmarshal(raw, &in.m) != nil || in.m == nil {
		b.fail("read", "%s is not of type 'object'", shown(raw))
		return nil
	}
	patch := &store.ACLPatch{Replace: replace}
	if v, ok := in.take("project-access"); ok {
		var yes bool
		if json.Unmarshal(v, &yes) != nil || string(v) == "null" {
			b.fail("project-access", "%s is not of type 'boolean'", shown(v))
		}
		patch.ProjectAccess = &yes
	}
	if v, ok := in.take("users"); ok {
		var users []*model.UserID
		if json.Unmarshal(v, &users) != nil || string(v) == "null" {
			b.fail("users", "%s is not of type 'array' of strings", shown(v))
			return nil
		}
		out := []model.UserID{}
		for _, u := range users {
			if u == nil || utf8.RuneCountInString(string(*u)) > 255 {
				b.fail("users", "an entry is not a string of at most 255 characters")
				return nil
			}
			out = append(out, *u)
		}
		patch.Users = &out
	}
	in.closed()
	if b.err == nil {
		b.err = in.err
	}
	return patch
}

func (a *accessRoutes) remove(c echo.Context) error {
	o, _, change, err := a.find(c)
	if err != nil {
		return err
	}
	if !o.mayChange(caller(c)) {
		return errForbidden
	}
	if o.access.ACL != nil {
		if err := change(store.AccessPatch{ACL: &store.ACLPatch{Remove: true}}); err != nil {
			return err
		}
	}
	return c.NoContent(http.StatusOK)
}
