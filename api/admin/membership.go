package admin

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/deps"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// maxTokenTTL bounds how long a join token admits nodes.
const maxTokenTTL = 30 * 24 * time.Hour

// defaultTokenTTL is for a request that names none.
const defaultTokenTTL = time.Hour

// join is asked by nodes that have no credentials yet. What it may answer holds
// the cluster's keys, so it goes over TLS only: there the node has checked whom
// it talks to.
func (p *Part) join(c echo.Context) error {
	if c.Request().TLS == nil && openapi.From(c.Request().Context()) == nil {
		return store.Errorf(store.Invalid, "A node joins over TLS: use https.")
	}
	if !p.joins.allowed(c.RealIP()) {
		c.Response().Header().Set("Retry-After", "1")
		return c.JSON(http.StatusTooManyRequests, api.NewFault(http.StatusTooManyRequests, "Too many requests to join from this address. Try again in a second."))
	}
	var in deps.JoinRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	out, err := p.cluster.Join(c.Request().Context(), in)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (p *Part) token(c echo.Context) error {
	var in struct {
		TTL *int64 `json:"ttl_seconds"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	ttl := defaultTokenTTL
	if in.TTL != nil {
		if most := int64(maxTokenTTL / time.Second); *in.TTL < 1 || *in.TTL > most {
			return store.Errorf(store.Invalid, "Invalid input for field/attribute ttl_seconds. Value: '%d'. It must be from 1 to %d.", *in.TTL, most)
		}
		ttl = time.Duration(*in.TTL) * time.Second
	}
	token, err := p.cluster.JoinToken(c.Request().Context(), ttl)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]any{"token": token})
}

func (p *Part) pending(c echo.Context) error {
	waiting, err := p.cluster.Pending(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"pending": list(waiting)})
}

func (p *Part) approve(c echo.Context) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.Code == "" {
		return store.Errorf(store.Invalid, "Invalid input for field/attribute code. Value: ''. Mandatory field missing.")
	}
	if err := p.cluster.Approve(c.Request().Context(), in.Code); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) switchover(c echo.Context) error {
	var in struct {
		Node string `json:"node"` // name or id; "": the best standby
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	var to model.NodeID
	if in.Node != "" {
		var err error
		if to, err = p.node(in.Node); err != nil {
			return err
		}
	}
	if err := p.cluster.Switchover(c.Request().Context(), to); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) remove(c echo.Context) error {
	id, err := p.node(c.Param("node"))
	if err != nil {
		return err
	}
	if err := p.cluster.Remove(c.Request().Context(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// restart is accepted once the node has found that its binary starts; it ends and
// comes back after the answer.
func (p *Part) restart(c echo.Context) error {
	id, err := p.node(c.Param("node"))
	if err != nil {
		return err
	}
	version, err := p.cluster.Restart(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]any{"version": version})
}
