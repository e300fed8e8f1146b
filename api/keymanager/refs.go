package keymanager

import (
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store/model"
)

func secretRef(c echo.Context, id model.SecretID) string {
	return api.BaseURL(c) + prefix + "/secrets/" + string(id)
}

func containerRef(c echo.Context, id model.ContainerID) string {
	return api.BaseURL(c) + prefix + "/containers/" + string(id)
}

// RefID is the uuid that a ref ends with; host and path before it do not
// matter, since a ref may have been made through another node's address.
func RefID(ref string) (string, bool) {
	ref = strings.TrimSuffix(ref, "/")
	if i := strings.LastIndexByte(ref, '/'); i >= 0 {
		ref = ref[i+1:]
	}
	u, err := uuid.Parse(ref)
	if err != nil || len(ref) != 36 {
		return "", false
	}
	return u.String(), true
}
