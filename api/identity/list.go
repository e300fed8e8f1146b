package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/store"
)

// entry is one object of a listing.
type entry struct {
	id   string
	body map[string]any
}

// list answers with the objects that the query asks for.
func (p *Part) list(key string, entries func(c echo.Context, st *store.State) []entry) echo.HandlerFunc {
	return func(c echo.Context) error {
		var all []entry
		p.read.Read(func(st *store.State) { all = entries(c, st) })
		out := []any{}
		for _, e := range all {
			if e.matches(c.QueryParams()) {
				out = append(out, e.body)
			}
		}
		return c.JSON(http.StatusOK, listBody(c, key, out))
	}
}

// one answers with the object that the path names.
func (p *Part) one(key string, entries func(c echo.Context, st *store.State) []entry) echo.HandlerFunc {
	return func(c echo.Context) error {
		var all []entry
		p.read.Read(func(st *store.State) { all = entries(c, st) })
		for _, e := range all {
			if e.id == c.Param("id") {
				return c.JSON(http.StatusOK, map[string]any{key: e.body})
			}
		}
		return fault(c, noSuch(key, c.Param("id")))
	}
}

// matches applies the query's keys that the objects have as text or boolean, and
// those for tags; other keys are ignored, as clients expect.
func (e entry) matches(q url.Values) bool {
	for key := range q {
		want := q.Get(key)
		switch have := e.body[key].(type) {
		case bool:
			if b, err := strconv.ParseBool(want); err == nil && b != have {
				return false
			}
		case string:
			if want != "" && have != want {
				return false
			}
		}
	}
	tags, _ := e.body["tags"].([]string)
	has := func(t string) bool { return slices.Contains(tags, t) }
	for key, ok := range map[string]func(wanted []string) bool{
		"tags":         func(w []string) bool { return !slices.ContainsFunc(w, func(t string) bool { return !has(t) }) },
		"tags-any":     func(w []string) bool { return slices.ContainsFunc(w, has) },
		"not-tags":     func(w []string) bool { return slices.ContainsFunc(w, func(t string) bool { return !has(t) }) },
		"not-tags-any": func(w []string) bool { return !slices.ContainsFunc(w, has) },
	} {
		if v := q.Get(key); v != "" && !ok(strings.Split(v, ",")) {
			return false
		}
	}
	return true
}

func listBody(c echo.Context, key string, list []any) map[string]any {
	l := selfLink(c)
	l["previous"], l["next"] = nil, nil
	return map[string]any{key: list, "links": l}
}

func selfLink(c echo.Context) map[string]any {
	return map[string]any{"self": baseURL(c) + c.Request().URL.RequestURI()}
}

func link(c echo.Context, kind, id string) map[string]any {
	return map[string]any{"self": fmt.Sprintf("%s/identity/v3/%s/%s", baseURL(c), kind, url.PathEscape(id))}
}

// fixedID is an id that is the same on every node: 32 hex digits of a hash.
func fixedID(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return hex.EncodeToString(h[:16])
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
