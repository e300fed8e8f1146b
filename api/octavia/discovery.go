package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
)

// versions are the API versions up to the highest whose features clients may
// rely on here; the next, v2.6, promises flavors. The cloud provider of
// Kubernetes takes the last one and turns features on by it.
var versions = [...]struct{ id, updated string }{
	{"v2.0", "2016-12-11T00:00:00Z"},
	{"v2.1", "2018-04-20T00:00:00Z"},
	{"v2.2", "2018-07-31T00:00:00Z"},
	{"v2.3", "2018-12-18T00:00:00Z"},
	{"v2.4", "2018-12-19T00:00:00Z"},
	{"v2.5", "2019-01-21T00:00:00Z"},
}

// discovery lists the versions (contract 1.2). A browser is led to the web UI.
func discovery(c echo.Context) error {
	path := c.Request().URL.Path
	if path == "/" && api.WantsPage(c) {
		return c.Redirect(http.StatusFound, "/ui/")
	}
	for _, k := range sortedKeys(c.QueryParams()) {
		return c.JSON(http.StatusBadRequest, api.NewFault(http.StatusBadRequest, "Unknown argument: \""+shorten(k)+"\""))
	}
	if path != "/" {
		path += "/"
	}
	href := api.BaseURL(c) + path + "v2"
	out := make([]doc, 0, len(versions))
	for i, v := range versions {
		status := "SUPPORTED"
		if i == len(versions)-1 {
			status = "CURRENT"
		}
		out = append(out, doc{
			{"id", v.id},
			{"status", status},
			{"updated", v.updated},
			{"links", []doc{{{"href", href}, {"rel", "self"}}}},
		})
	}
	return c.JSON(http.StatusOK, doc{{"versions", out}})
}
