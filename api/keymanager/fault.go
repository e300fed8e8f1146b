package keymanager

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
)

// fault is a refusal with a status of its own.
type fault struct {
	status int
	text   string
}

func (f *fault) Error() string { return f.text }

func refuse(status int, format string, args ...any) error {
	return &fault{status, fmt.Sprintf(format, args...)}
}

// badShape is a refusal of one property of a request.
func badShape(schema, property, format string, args ...any) error {
	return refuse(http.StatusBadRequest, "Provided object does not match schema '%s': %s. Invalid property: '%s'",
		schema, fmt.Sprintf(format, args...), property)
}

var errForbidden = errors.New("the caller may not")

// answerFault writes a refusal in Barbican's form; other errors are the server's.
func answerFault(c echo.Context, operation string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault](err); ok {
		return c.JSON(f.status, api.NewRouteFault(f.status, f.text))
	}
	if errors.Is(err, errForbidden) {
		return c.JSON(http.StatusForbidden, api.NewRouteFault(http.StatusForbidden,
			operation+" attempt not allowed - please review your user/project privileges"))
	}
	if se, ok := errors.AsType[*store.Error](err); ok {
		status := api.StatusOf(se.Kind)
		return c.JSON(status, api.NewRouteFault(status, se.Message))
	}
	return err
}

func secretNotFound() error    { return refuse(http.StatusNotFound, "Secret not found.") }
func containerNotFound() error { return refuse(http.StatusNotFound, "Secrets container not found.") }
