package octavia

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// wrap turns refusals into Octavia's faults (contract 6.1). What is no refusal
// goes up to the server, which logs it.
func wrap(h handler) handler {
	return func(c echo.Context) error {
		err := h(c)
		if err == openapi.ErrSketched {
			return err
		}
		if r, ok := errors.AsType[*routeFault](err); ok {
			return c.JSON(r.status, api.RouteFault{Code: r.status, Title: "Bad Request", Description: r.text})
		}
		if kind := store.KindOf(err); kind != "" {
			status := api.StatusOf(kind)
			return c.JSON(status, api.NewFault(status, err.Error()))
		}
		return err
	}
}

// routeFault is answered in the form of errors that Octavia's router raises:
// an unknown parent in a path, bad paging arguments (contract 6.1, form 2).
type routeFault struct {
	status int
	text   string
}

func (f *routeFault) Error() string { return f.text }

func badPaging(format string, args ...any) error {
	return &routeFault{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// parentNotFound is about an object named in the middle of a path.
func parentNotFound(noun, id string) error {
	return &routeFault{http.StatusNotFound, fmt.Sprintf("%s %s not found.", noun, shorten(id))}
}

func notFound[I ~string](noun string, id I) error {
	return store.Errorf(store.NotFound, "%s %s not found.", noun, shorten(string(id)))
}

func invalid(format string, args ...any) error {
	return store.Errorf(store.Invalid, format, args...)
}

func validation(format string, args ...any) error {
	return store.Errorf(store.Invalid, "Validation failure: "+format, args...)
}

func notValidOption(value, option string) error {
	return invalid("%s is not a valid option for %s", value, option)
}

// unsupported refuses what Octavia knows and this provider does not have.
func unsupported(format string, args ...any) error {
	return store.Errorf(store.Unsupported, "Provider 'lbd' does not support a requested option: "+format, args...)
}

func caller(c echo.Context) *auth.Caller { return auth.From(c.Request().Context()) }

func mayRead(c echo.Context, project model.ProjectID) error {
	if !caller(c).CanRead(project) {
		return auth.Forbidden()
	}
	return nil
}

func mayWrite(c echo.Context, project model.ProjectID) error {
	if !caller(c).CanWrite(project) {
		return auth.Forbidden()
	}
	return nil
}

func mustAdmin(c echo.Context) error {
	if !caller(c).IsAdmin() {
		return auth.Forbidden()
	}
	return nil
}

// noArguments refuses what actions do not take: query arguments, and a body that
// has anything in it (contract 1.4).
func noArguments(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return errNotJSON
	}
	if len(fields) == 0 {
		return nil
	}
	return invalid("Unknown argument: \"%s\"", shorten(strings.Join(sortedKeys(fields), ", ")))
}

// noQuery refuses query arguments other than those known (contract 1.4).
func noQuery(c echo.Context, known ...string) error {
	unknown := slices.DeleteFunc(sortedKeys(c.QueryParams()), func(k string) bool { return contains(known, k) })
	if len(unknown) == 0 {
		return nil
	}
	return invalid("Unknown argument: \"%s\"", shorten(strings.Join(unknown, ", ")))
}
