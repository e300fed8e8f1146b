package identity

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// version is GET /identity/v3: what discovery of keystoneauth reads.
func (p *Part) version(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"version": versionBody(c)})
}

// versions is GET /identity, answered with 300 as Keystone does.
func (p *Part) versions(c echo.Context) error {
	return c.JSON(http.StatusMultipleChoices, map[string]any{"versions": map[string]any{"values": []any{versionBody(c)}}})
}

func versionBody(c echo.Context) map[string]any {
	return map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{map[string]any{"rel": "self", "href": baseURL(c) + "/identity/v3/"}},
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}
