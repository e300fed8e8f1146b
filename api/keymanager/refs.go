package keymanager

import (
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
