package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
)

// A collection of the contract that holds nothing here, since its function is
// not there: empty to read, 501 to write, so that no client is left in doubt.
type emptyCollection struct {
	path, many, links, noun string
	admin                   bool // even reading is for admins
}

var emptyCollections = [...]emptyCollection{
	{"flavors", "flavors", "flavors_links", "Flavor", false},
	{"flavorprofiles", "flavorprofiles", "flavorprofile_links", "Flavor Profile", true},
	{"availabilityzones", "availability_zones", "availability_zones_links", "Availability Zone", false},
	{"availabilityzoneprofiles", "availability_zone_profiles", "availability_zone_profile_links", "Availability Zone Profile", true},
}

func mountUnserved(r *api.Router, base string) {
	for _, e := range emptyCollections {
		path := base + "/" + e.path
		r.Handle(http.MethodGet, path, wrap(e.list))
		r.Handle(http.MethodPost, path, wrap(unserved(e.path)))
		for _, m := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			r.Handle(m, path+"/:id", wrap(e.missing))
		}
	}
}

func (e emptyCollection) allowed(c echo.Context) error {
	if e.admin {
		return mustAdmin(c)
	}
	return mayRead(c, caller(c).Project)
}

func (e emptyCollection) list(c echo.Context) error {
	if err := e.allowed(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, doc{{e.many, []doc{}}, {e.links, []doc{}}})
}

func (e emptyCollection) missing(c echo.Context) error {
	if err := e.allowed(c); err != nil {
		return err
	}
	return notFound(e.noun, c.Param("id"))
}

// unserved refuses a function as a whole, once the caller is one who may write.
func unserved(what string) handler {
	return func(c echo.Context) error {
		if me := caller(c); !me.CanWrite(me.Project) {
			return auth.Forbidden()
		}
		return unsupported("%s", what)
	}
}
