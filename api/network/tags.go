package network

import (
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
)

// maxTag bounds one tag, in characters (Neutron's limit with tags of 255).
const maxTag = 255

// mountTags serves the tags of one object at path. Single tags are added and
// dropped by the store, so that parallel callers do not undo each other.
func (k *resource[T]) mountTags(r *api.Router, p *Part, path string) {
	change := func(c echo.Context, patch store.RecordPatch, status int) error {
		x, err := k.writable(c, p, c.Param("id"))
		if err != nil {
			return err
		}
		ch := k.retag(x, patch)
		if err := p.apply(c, ch.kind, ch.payload); err != nil {
			return err
		}
		return c.NoContent(status)
	}
	tags := func(c echo.Context) ([]string, error) {
		x, err := k.find(c, p, c.Param("id"))
		if err != nil {
			return nil, err
		}
		return orEmpty(k.record(x).Tags), nil
	}

	handle(r, "GET", path, func(c echo.Context) error {
		have, err := tags(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"tags": have})
	})
	handleBody(r, "PUT", path, func(c echo.Context) error {
		x, err := k.subject(c, p)
		if err != nil {
			return err
		}
		b, err := readObject(c)
		if err != nil {
			return err
		}
		list := b.tags("tags")
		if err := b.done(); err != nil {
			return err
		}
		if list == nil {
			return badRequest("Invalid input for operation: Missing required attribute 'tags'.")
		}
		ch := k.retag(x, store.RecordPatch{Tags: list})
		if err := p.apply(c, ch.kind, ch.payload); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"tags": *list})
	})
	handle(r, "DELETE", path, func(c echo.Context) error {
		return change(c, store.RecordPatch{Tags: &[]string{}}, http.StatusNoContent)
	})
	has := func(c echo.Context) error {
		have, err := tags(c)
		if err != nil {
			return err
		}
		if !slices.Contains(have, c.Param("tag")) {
			return missing("Tag", "Tag", c.Param("tag"))
		}
		return c.NoContent(http.StatusNoContent)
	}
	handle(r, "GET", path+"/:tag", has)
	handle(r, "HEAD", path+"/:tag", has)
	handle(r, "PUT", path+"/:tag", func(c echo.Context) error {
		if err := checkTag(c.Param("tag")); err != nil {
			return err
		}
		return change(c, store.RecordPatch{AddTag: c.Param("tag")}, http.StatusCreated)
	})
	handle(r, "DELETE", path+"/:tag", func(c echo.Context) error {
		return change(c, store.RecordPatch{DropTag: c.Param("tag")}, http.StatusNoContent)
	})
}

// tags is a list of tags, sorted and each once.
func (b *body) tags(key string) *[]string {
	list := b.texts(key)
	if list == nil {
		return nil
	}
	for _, t := range *list {
		if err := checkTag(t); err != nil {
			b.fail(err)
		}
	}
	slices.Sort(*list)
	*list = slices.Compact(*list)
	return list
}

func checkTag(t string) error {
	if n := utf8.RuneCountInString(t); n == 0 || n > maxTag || !utf8.ValidString(t) {
		return badInput("tags", "'%s' is no tag of 1 to %d characters.", t, maxTag)
	}
	return nil
}
