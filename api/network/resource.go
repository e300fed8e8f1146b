package network

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// resource says how one sort of object is found, shown, made and changed.
type resource[T any] struct {
	one, many string // keys of bodies and answers
	path      string // of the collection, where it is not many
	noun      string // in messages: "Network"
	typ       string // in faults: "NetworkNotFound" without "NotFound"
	absent    string // what a fault says of one that is not there; "could not be found." unless set
	unnamed   bool   // Neutron's have no name

	all    func(*store.State) []*T
	get    func(*store.State, string) (*T, bool)
	record func(*T) *model.Record
	// visible: who may see it; others are told it does not exist.
	visible func(*store.State, *auth.Caller, *T) bool
	view    func(*store.State, *auth.Caller, *T) map[string]any

	// before runs before a listing; keep may refuse a removal.
	before func(*Part, echo.Context)
	keep   func(*auth.Caller, *T) error

	// create and update read a body to its end; their refusals leave no trace.
	create func(*Part, echo.Context, *body) (change, error)
	update func(*Part, echo.Context, *body, *T) (change, error)
	// retag is an update of nothing but what RecordPatch has.
	retag  func(*T, store.RecordPatch) change
	remove func(*T) change
}

// change is what a handler proposes, and the id of the object it is about.
type change struct {
	kind    store.CommandKind
	payload any
	id      string
}

// mount serves the collection, its objects and their tags below base.
func (k *resource[T]) mount(r *api.Router, p *Part, base string) {
	many := base + "/" + orDefault(k.path, k.many)
	one := many + "/:id"
	handle(r, "GET", many, k.list(p))
	handle(r, "GET", one, func(c echo.Context) error { return k.answer(c, p, http.StatusOK, c.Param("id")) })
	if k.create != nil {
		handleBody(r, "POST", many, k.make(p))
	}
	if k.update != nil {
		handleBody(r, "PUT", one, k.put(p))
	}
	if k.remove != nil {
		handle(r, "DELETE", one, k.drop(p))
	}
	if k.retag != nil {
		k.mountTags(r, p, one+"/tags")
	}
}

// list answers with everything that the caller may see and the query selects.
func (k *resource[T]) list(p *Part) echo.HandlerFunc {
	return func(c echo.Context) error {
		if k.before != nil {
			k.before(p, c)
		}
		var views []map[string]any
		p.read.Read(func(st *store.State) {
			for _, x := range k.all(st) {
				if k.visible(st, caller(c), x) {
					views = append(views, k.view(st, caller(c), x))
				}
			}
		})
		page, err := paged(c, k.many, filtered(views, c.QueryParams()))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, page)
	}
}

func (k *resource[T]) make(p *Part) echo.HandlerFunc {
	return func(c echo.Context) error {
		outer, err := readObject(c)
		if err != nil {
			return err
		}
		if list, ok := outer.m[k.many]; ok && len(outer.m) == 1 {
			return k.makeMany(p, c, list)
		}
		b, err := outer.inside(k.one)
		if err != nil {
			return err
		}
		made, err := k.create(p, c, b)
		if err != nil {
			return err
		}
		if err := p.apply(c, made.kind, made.payload); err != nil {
			return err
		}
		return k.answer(c, p, http.StatusCreated, made.id)
	}
}

func (k *resource[T]) put(p *Part) echo.HandlerFunc {
	return func(c echo.Context) error {
		x, err := k.subject(c, p)
		if err != nil {
			return err
		}
		b, err := readBody(c, k.one)
		if err != nil {
			return err
		}
		changed, err := k.update(p, c, b, x)
		if err != nil {
			return err
		}
		if err := p.apply(c, changed.kind, changed.payload); err != nil {
			return err
		}
		return k.answer(c, p, http.StatusOK, changed.id)
	}
}

func (k *resource[T]) drop(p *Part) echo.HandlerFunc {
	return func(c echo.Context) error {
		x, err := k.writable(c, p, c.Param("id"))
		if err != nil {
			return err
		}
		if k.keep != nil {
			if err := k.keep(caller(c), x); err != nil {
				return err
			}
		}
		gone := k.remove(x)
		if err := p.apply(c, gone.kind, gone.payload); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}

func (k *resource[T]) missing(id string) error {
	return &fault{store.Errorf(store.NotFound, "%s %s %s", k.noun, id, orDefault(k.absent, "could not be found.")), k.typ + "NotFound"}
}

func missing(noun, typ, id string) error {
	return &fault{store.Errorf(store.NotFound, "%s %s could not be found.", noun, id), typ + "NotFound"}
}

// answer writes the object as it is now.
func (k *resource[T]) answer(c echo.Context, p *Part, status int, id string) error {
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

// find is a visible object, for references to it.
func (k *resource[T]) find(c echo.Context, p *Part, id string) (x *T, err error) {
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

// subject is the object in the path, to be changed by what a body says; any, where the
// body is only to be described.
func (k *resource[T]) subject(c echo.Context, p *Part) (*T, error) {
	if openapi.From(c.Request().Context()) != nil {
		return new(T), nil
	}
	return k.writable(c, p, c.Param("id"))
}

// writable finds an object that the caller may change.
func (k *resource[T]) writable(c echo.Context, p *Part, id string) (*T, error) {
	x, err := k.find(c, p, id)
	if err != nil {
		return nil, err
	}
	if !mayWrite(caller(c), k.record(x).Project) {
		return nil, forbidden("Policy does not allow %s %s to be changed by this caller.", k.one, id)
	}
	return x, nil
}

// born reads what all new objects have, and checks that the caller may make
// one for its project.
func (k *resource[T]) born(c echo.Context, b *body) (r model.Record) {
	r.Description, r.Tags, r.Project = or(b.text("description"), ""), or(b.tags("tags"), nil), b.project(c)
	if !k.unnamed {
		r.Name = or(b.text("name"), "")
	}
	if r.Project == "" {
		b.fail(badRequest("The token is not scoped to a project, and the request names none."))
	} else if !mayWrite(caller(c), r.Project) {
		b.fail(forbidden("Policy does not allow this caller to create a %s.", k.one))
	}
	return r
}

// revised reads what all objects can change, and the revision in If-Match that
// the caller wants to change.
func (k *resource[T]) revised(c echo.Context, b *body) (p store.RecordPatch) {
	p.Description, p.Tags = b.text("description"), b.tags("tags")
	if !k.unnamed {
		p.Name = b.text("name")
	}
	if n, ok := strings.CutPrefix(c.Request().Header.Get("If-Match"), "revision_number="); ok {
		var err error
		if p.Match, err = strconv.ParseUint(n, 10, 64); err != nil || p.Match == 0 {
			b.fail(badRequest("Bad If-Match: '%s' is not a revision number.", n))
		}
	}
	return p
}
