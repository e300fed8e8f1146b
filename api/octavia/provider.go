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
	fields := c.QueryParams()["fields"]
	out := []doc{}
	for _, p := range providers {
		d := doc{}
		for _, e := range (doc{{"name", p.name}, {"description", p.description}}) {
			if len(fields) == 0 || contains(fields, e.key) {
				d = append(d, e)
			}
		}
		out = append(out, d)
	}
	return c.JSON(http.StatusOK, doc{{"providers", out}})
}

// listCapabilities: flavors and zones have nothing to choose here.
func listCapabilities(key string) handler {
	return func(c echo.Context) error {
		if err := mustAdmin(c); err != nil {
			return err
		}
		if name := c.Param("name"); !isProvider(name) {
			return invalid("Provider '%s' is not enabled.", shorten(name))
		}
		return c.JSON(http.StatusOK, doc{{key, []doc{}}})
	}
}
