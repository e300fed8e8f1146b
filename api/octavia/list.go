package octavia

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store/model"
)

// query is a parsed list request (contract section 7).
type query[T any] struct {
	filters []func(*seen, T) bool
	tags    tagFilter
	order   []sortKey[T]
	page    paging
	fields  []string
	project string // "" when not asked for
}

// listAll serves GET of a collection. rows gives what the caller's role may
// see of it, in order of creation.
func listAll[T any](p *Part, c echo.Context, r *resource[T], rows func(*seen) ([]T, error)) error {
	q, err := parseQuery(r, c.QueryParams())
	if err != nil {
		return err
	}
	var body doc
	p.look(func(s *seen) {
		var all []T
		if all, err = rows(s); err != nil {
			return
		}
		body, err = q.answer(c, s, r, all)
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, body)
}

func parseQuery[T any](r *resource[T], values url.Values) (*query[T], error) {
	q := &query[T]{fields: values["fields"], tags: parseTags(values)}
	var err error
	if q.filters, q.project, err = parseFilters(r, values); err != nil {
		return nil, err
	}
	if q.order, err = parseOrder(r, values); err != nil {
		return nil, err
	}
	q.page, err = parsePaging(values)
	return q, err
}

func (q *query[T]) answer(c echo.Context, s *seen, r *resource[T], all []T) (doc, error) {
	rows := all[:0]
	for _, x := range all {
		if q.match(s, r, x) {
			rows = append(rows, x)
		}
	}
	q.sort(s, rows)
	page, links, err := q.page.cut(c, len(rows), func(i int) string { return r.id(rows[i]) })
	if err != nil {
		return nil, err
	}
	out := make([]doc, 0, page.end-page.begin)
	for _, x := range rows[page.begin:page.end] {
		out = append(out, r.shown(s, x, q.fields))
	}
	return doc{{r.many, out}, {r.links, links}}, nil
}

func (q *query[T]) match(s *seen, r *resource[T], x T) bool {
	if r.tags != nil && !q.tags.match(r.tags(x)) {
		return false
	}
	for _, f := range q.filters {
		if !f(s, x) {
			return false
		}
	}
	return true
}

// scope is whose objects a list shows: everybody's to those who may see all,
// else the caller's own (contract 7.4).
func scope(c echo.Context) (project model.ProjectID, all bool, err error) {
	me := caller(c)
	asked := c.QueryParam("project_id")
	if asked == "" {
		asked = c.QueryParam("tenant_id")
	}
	switch {
	case me.ReadsAll():
		return "", true, nil
	case me == nil || me.Project == "" || asked != "" && asked != string(me.Project):
		return "", false, auth.Forbidden()
	}
	return me.Project, false, mayRead(c, me.Project)
}

// listScoped is listAll for resources that belong to projects.
func listScoped[T any](p *Part, c echo.Context, r *resource[T], rows func(*seen) []T) error {
	project, all, err := scope(c)
	if err != nil {
		return err
	}
	return listAll(p, c, r, func(s *seen) ([]T, error) {
		out := rows(s)
		if all {
			return out, nil
		}
		own := out[:0]
		for _, x := range out {
			if r.project(x) == project {
				own = append(own, x)
			}
		}
		return own, nil
	})
}
