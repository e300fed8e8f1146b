package network

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// kind is what reading one sort of object needs.
type kind[T any] struct {
	one, many string // keys of the answers
	noun      string // in messages: "Network"
	typ       string // in errors: "NetworkNotFound" without "NotFound"
	all       func(*store.State) []*T
	get       func(*store.State, string) (*T, bool)
	// visible: who may see it; others are told it does not exist.
	visible func(*store.State, *auth.Caller, *T) bool
	view    func(*store.State, *auth.Caller, *T) map[string]any
}

func (k *kind[T]) missing(id string) error {
	return &fault{store.Errorf(store.NotFound, "%s %s could not be found.", k.noun, id), k.typ + "NotFound"}
}

// list answers with everything that the caller may see and the query selects.
func (k *kind[T]) list(p *Part) echo.HandlerFunc {
	return func(c echo.Context) error {
		var views []map[string]any
		p.read.Read(func(st *store.State) {
			for _, x := range k.all(st) {
				if k.visible(st, caller(c), x) {
					views = append(views, k.view(st, caller(c), x))
				}
			}
		})
		q := c.QueryParams()
		page, err := paged(c, k.many, filtered(views, q))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, page)
	}
}

func (k *kind[T]) show(p *Part) echo.HandlerFunc {
	return func(c echo.Context) error { return k.answer(c, p, http.StatusOK, c.Param("id")) }
}

// answer writes the object as it is now.
func (k *kind[T]) answer(c echo.Context, p *Part, status int, id string) error {
	var view map[string]any
	p.read.Read(func(st *store.State) {
		if x, ok := k.get(st, id); ok && k.visible(st, caller(c), x) {
			view = k.view(st, caller(c), x)
		}
	})
	if view == nil {
		return k.missing(id)
	}
	return c.JSON(status, map[string]any{k.one: only(view, c.QueryParams()["fields"])})
}

// writable finds an object that the caller may change.
func (k *kind[T]) writable(c echo.Context, p *Part, id string, project func(*T) model.ProjectID) (*T, error) {
	var x *T
	p.read.Read(func(st *store.State) {
		if y, ok := k.get(st, id); ok && k.visible(st, caller(c), y) {
			x = y
		}
	})
	if x == nil {
		return nil, k.missing(id)
	}
	if !mayWrite(caller(c), project(x)) {
		return nil, forbidden("Policy does not allow %s %s to be changed by this caller.", k.one, id)
	}
	return x, nil
}

// find is a visible object, for references to it.
func (k *kind[T]) find(c echo.Context, p *Part, id string) (*T, error) {
	var x *T
	p.read.Read(func(st *store.State) {
		if y, ok := k.get(st, id); ok && k.visible(st, caller(c), y) {
			x = y
		}
	})
	if x == nil {
		return nil, k.missing(id)
	}
	return x, nil
}

// owns reports whether an object of project is c's to see.
func owns(c *auth.Caller, project model.ProjectID) bool {
	return c.IsCloudAdmin() || c != nil && c.Project != "" && c.Project == project
}

// mayWrite reports whether c may make and change objects of project.
func mayWrite(c *auth.Caller, project model.ProjectID) bool {
	return c.IsCloudAdmin() || owns(c, project) && c.Has(auth.RoleMember, auth.RoleLBMember, auth.RoleLBAdmin)
}

// mayCreate is the check before making something for project.
func mayCreate(c echo.Context, what string, project model.ProjectID) error {
	if project == "" {
		return badRequest("The token is not scoped to a project, and the request names none.")
	}
	if !mayWrite(caller(c), project) {
		return forbidden("Policy does not allow this caller to create a %s.", what)
	}
	return nil
}
