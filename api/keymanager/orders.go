package keymanager

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store/model"
)

// mountOrders answers for what is asked of Barbican and not done here: orders
// have keys and certificates made. And it tells the quotas.
func (p *Part) mountOrders(r *api.Router, base string) {
	handle(r, "GET", base+"/orders", "Orders(s) retrieval", func(c echo.Context) error {
		if !mayList(caller(c)) {
			return errForbidden
		}
		return c.JSON(http.StatusOK, map[string]any{"orders": []any{}, "total": 0})
	})
	handleRefused(r, "POST", base+"/orders", "Order creation", func(c echo.Context) error {
		if !mayCreate(caller(c)) {
			return errForbidden
		}
		return refuse(http.StatusNotImplemented, "Orders are not served: make the key or certificate yourself and store it as a secret.")
	})
	for _, m := range []string{"GET", "PUT", "DELETE"} {
		handleRefused(r, m, base+"/orders/:id", "Order retrieval", func(echo.Context) error {
			return refuse(http.StatusNotFound, "Order not found.")
		})
	}
	handle(r, "GET", base+"/quotas", "Quotas retrieval", func(c echo.Context) error {
		if !mayList(caller(c)) {
			return errForbidden
		}
		return c.JSON(http.StatusOK, map[string]any{"quotas": map[string]any{
			"secrets": model.MaxSecrets, "containers": model.MaxContainers, "consumers": model.MaxConsumers, "orders": 0, "cas": 0,
		}})
	})
}
