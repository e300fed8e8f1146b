package network

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/store"
)

// maxBulk bounds the objects of one bulk create.
const maxBulk = 256

// makeMany creates what a list asks for, in its order: all, or nothing. Each
// object is an entry of its own; what was made before one is refused is removed
// again, newest first (as Neutron's emulated bulk does).
func (k *resource[T]) makeMany(p *Part, c echo.Context, list json.RawMessage) error {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil || len(items) == 0 {
		return badRequest("Resources required")
	}
	if len(items) > maxBulk {
		return badRequest("%d %s in one request are more than %d.", len(items), k.many, maxBulk)
	}
	// All are read before the first is made.
	all := make([]change, 0, len(items))
	for _, item := range items {
		m, err := object(item)
		if err != nil {
			return err
		}
		one, err := k.create(p, c, &body{m: m})
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	for i, one := range all {
		if err := p.apply(c, one.kind, one.payload); err != nil {
			k.unmake(p, c, all[:i])
			return err
		}
	}
	views := []map[string]any{}
	p.read.Read(func(st *store.State) {
		for _, one := range all {
			if x, ok := k.get(st, one.id); ok && k.visible(st, caller(c), x) {
				views = append(views, only(k.view(st, caller(c), x), c.QueryParams()["fields"]))
			}
		}
	})
	return c.JSON(http.StatusCreated, map[string]any{k.many: views})
}

// unmake removes what makeMany made. What cannot be removed (somebody uses it
// already, or there is no quorum any more) stays.
func (k *resource[T]) unmake(p *Part, c echo.Context, made []change) {
	for _, one := range slices.Backward(made) {
		var gone change
		p.read.Read(func(st *store.State) {
			if x, ok := k.get(st, one.id); ok {
				gone = k.remove(x)
			}
		})
		if gone.id != "" {
			_ = p.apply(c, gone.kind, gone.payload)
		}
	}
}
