package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// listProviders knows fields= and ignores all other arguments (contract 3.9).
func listProviders(c echo.Context) error {
	if err := mayRead(c, caller(c).Project); err != nil {
		return err
	}
	out := []doc{}
	for _, p := range providers {
		out = append(out, described(p.name, p.description, c.QueryParams()["fields"]))
	}
	return c.JSON(http.StatusOK, doc{{"providers", out}})
}

// described is a pair of a name and what it means, with the fields asked for;
// none means all.
func described(name, description string, fields []string) doc {
	d := doc{}
	for _, e := range (doc{{"name", name}, {"description", description}}) {
		if len(fields) == 0 || contains(fields, e.key) {
			d = append(d, e)
		}
	}
	return d
}

// listCapabilities shows what the data of a profile may hold, filtered by name
// and description.
func listCapabilities(key string, list []capability) handler {
	return func(c echo.Context) error {
		if err := mustAdmin(c); err != nil {
			return err
		}
		if name := c.Param("name"); !isProvider(name) {
			return invalid("Provider '%s' is not enabled.", shorten(name))
		}
		query := c.QueryParams()
		for k, v := range query {
			if !contains([]string{"name", "description", "fields"}, k) || k != "fields" && len(v) != 1 {
				return errFilter
			}
		}
		out := []doc{}
		for _, x := range list {
			if (!query.Has("name") || query.Get("name") == x.name) && (!query.Has("description") || query.Get("description") == x.description) {
				out = append(out, described(x.name, x.description, query["fields"]))
			}
		}
		return c.JSON(http.StatusOK, doc{{key, out}})
	}
}
