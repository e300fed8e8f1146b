package network

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
	"lbd/store/model"
)

// maxTag bounds one tag, in bytes (Neutron's limit).
const maxTag = 60

// mountTags serves the tags of one kind of object. write proposes a new list; a
// nil write refuses, for kinds whose tags are set when they are made only.
func mountTags[T any](r *api.Router, p *Part, base string, k *kind[T], project func(*T) model.ProjectID, write func(*T, []string) (store.CommandKind, any)) {
	one := base + "/" + k.many + "/:id/tags"
	tags := func(c echo.Context, x *T) (have []string) {
		p.read.Read(func(st *store.State) { have, _ = k.view(st, caller(c), x)["tags"].([]string) })
		return have
	}
	set := func(c echo.Context, x *T, list []string) error {
		for _, t := range list {
			if t == "" || len(t) > maxTag {
				return badInput("tags", "'%s' is no tag of 1 to %d bytes.", t, maxTag)
			}
		}
		if write == nil {
			return unsupported("The tags of a %s cannot be changed.", k.one)
		}
		slices.Sort(list)
		kind, payload := write(x, slices.Compact(list))
		return p.apply(c, kind, payload)
	}

	handle(r, "GET", one, func(c echo.Context) error {
		x, err := k.find(c, p, c.Param("id"))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"tags": orEmpty(tags(c, x))})
	})
	handle(r, "PUT", one, func(c echo.Context) error {
		x, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		b, err := readObject(c)
		if err != nil {
			return err
		}
		list := or(b.texts("tags"), []string{})
		if err := b.done(); err != nil {
			return err
		}
		if err := set(c, x, list); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"tags": list})
	})
	handle(r, "DELETE", one, func(c echo.Context) error {
		x, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		if err := set(c, x, []string{}); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	handle(r, "GET", one+"/:tag", func(c echo.Context) error {
		x, err := k.find(c, p, c.Param("id"))
		if err != nil {
			return err
		}
		if !slices.Contains(tags(c, x), c.Param("tag")) {
			return tagMissing(c)
		}
		return c.NoContent(http.StatusNoContent)
	})
	handle(r, "PUT", one+"/:tag", func(c echo.Context) error {
		x, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		if err := set(c, x, append(slices.Clone(tags(c, x)), c.Param("tag"))); err != nil {
			return err
		}
		return c.NoContent(http.StatusCreated)
	})
	handle(r, "DELETE", one+"/:tag", func(c echo.Context) error {
		x, err := k.writable(c, p, c.Param("id"), project)
		if err != nil {
			return err
		}
		have := tags(c, x)
		if !slices.Contains(have, c.Param("tag")) {
			return tagMissing(c)
		}
		left := slices.DeleteFunc(slices.Clone(have), func(t string) bool { return t == c.Param("tag") })
		if err := set(c, x, left); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

func tagMissing(c echo.Context) error {
	k := kind[struct{}]{noun: "Tag", typ: "Tag"}
	return k.missing(c.Param("tag"))
}
