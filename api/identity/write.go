package identity

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/store"
)

// newID is 32 hex digits, as Keystone's ids: the node that is asked mints it,
// so that every node applies the same.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func caller(c echo.Context) *auth.Caller { return auth.From(c.Request().Context()) }

// apply proposes a command in the caller's name.
func (p *Part) apply(c echo.Context, kind store.CommandKind, payload any) error {
	actor := ""
	if self := caller(c); self != nil {
		actor = string(self.UserID)
	}
	_, err := p.write.Apply(c.Request().Context(), store.Command{
		Kind: kind, At: p.now().UTC(), Actor: actor, RequestID: api.RequestID(c), Payload: payload,
	})
	return err
}

// done proposes a command and answers 204.
func (p *Part) done(c echo.Context, kind store.CommandKind, payload any) error {
	if err := p.apply(c, kind, payload); err != nil {
		return fault(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}

// admin lets a handler run for cloud admins only; rule is Keystone's name of
// what is done.
func admin(rule string, h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !caller(c).IsCloudAdmin() {
			return fault(c, forbidden(rule))
		}
		return h(c)
	}
}

// forbidden is Keystone's refusal of a policy check.
func forbidden(rule string) error {
	return store.Errorf(store.Forbidden, "You are not authorized to perform the requested action: %s.", rule)
}

func noSuch(noun, id string) error {
	return store.Errorf(store.NotFound, "Could not find %s: %s.", noun, id)
}

func invalid(format string, args ...any) error { return store.Errorf(store.Invalid, format, args...) }

// fault answers a store.Error in Keystone's form; everything else goes up.
func fault(c echo.Context, err error) error {
	if kind := store.KindOf(err); kind != "" {
		return refuse(c, api.StatusOf(kind), err.Error())
	}
	return err
}

// refuse answers in Keystone's form.
func refuse(c echo.Context, status int, message string) error {
	if status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", baseURL(c)+"/identity"))
	}
	return c.JSON(status, api.NewKeystoneFault(status, message))
}
