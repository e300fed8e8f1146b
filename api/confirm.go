package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/deps"
	"lbd/store"
)

// confirmWithin bounds how long a read that found nothing waits for the leader's
// word; without it the answer is this node's own, as that of every plain read.
const confirmWithin = time.Second

// confirmRefusals takes back what a node refuses only because it is behind. Each
// node answers from its own copy, which may lack what another one acknowledged a
// moment ago: to change that here must not be answered "there is no such thing".
// So refusals that may depend on the state are held back until this node shows all
// that was committed when the request came, and the request is answered anew if
// that was news. Never once a command of it was done (see NoteWrites): what it then
// finds missing was deleted since, and to do it twice would be worse.
func (s *Server) confirmRefusals(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		f, known := s.flags(c)
		if !known || f.public || s.d.Cluster == nil || s.d.Reader == nil {
			return next(c)
		}
		var body []byte // bounded by checkMedia
		if r := c.Request(); r.Body != nil && r.Body != http.NoBody {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		w := c.Response().Writer
		before := maps.Clone(w.Header())
		index := s.d.Reader.Index()
		reads := c.Request().Method == http.MethodGet || c.Request().Method == http.MethodHead
		wrote := new(atomic.Bool)
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), wroteKey{}, wrote)))
		held := &heldAnswer{ResponseWriter: w, reads: reads}
		c.SetResponse(echo.NewResponse(held, s.echo))
		err := next(c)
		if wrote.Load() || !held.holding && !held.mayDepend(statusOf(err)) {
			held.release()
			c.SetResponse(released(c.Response(), w, s.echo))
			return err
		}
		ctx := c.Request().Context()
		if reads {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, confirmWithin)
			defer cancel()
		}
		berr := s.d.Cluster.Barrier(ctx)
		if berr != nil && (reads || held.status == http.StatusBadRequest || statusOf(err) == http.StatusBadRequest) || berr == nil && s.d.Reader.Index() == index {
			held.release()
			c.SetResponse(released(c.Response(), w, s.echo))
			return err
		}
		clear(w.Header())
		maps.Copy(w.Header(), before)
		c.SetResponse(echo.NewResponse(w, s.echo))
		if berr != nil {
			return berr
		}
		w.Header().Set("X-Lbd-Index", itoa(s.d.Reader.Index()))
		c.Request().Body = io.NopCloser(bytes.NewReader(body))
		return next(c)
	}
}

// wroteKey finds in a request's context whether a command of it was done.
type wroteKey struct{}

// noting is a Writer that notes what was done in the context of the request.
type noting struct{ deps.Writer }

// NoteWrites gives the parts of a Server their Writer.
func NoteWrites(w deps.Writer) deps.Writer { return noting{w} }

func (n noting) Apply(ctx context.Context, cmd store.Command) (uint64, error) {
	index, err := n.Writer.Apply(ctx, cmd)
	if wrote, ok := ctx.Value(wroteKey{}).(*atomic.Bool); ok && err == nil {
		wrote.Store(true)
	}
	return index, err
}

// released is a response that goes on with w as what it has become.
func released(old *echo.Response, w http.ResponseWriter, e *echo.Echo) *echo.Response {
	r := echo.NewResponse(w, e)
	r.Status, r.Size, r.Committed = old.Status, old.Size, old.Committed
	return r
}

// statusOf is what an error of a handler will be answered with, 0 for none that
// may depend on the state.
func statusOf(err error) int {
	if se, ok := errors.AsType[*store.Error](err); ok {
		return StatusOf(se.Kind)
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return he.Code
	}
	return 0
}

// heldAnswer keeps an answer whose status may depend on the state; all others pass.
type heldAnswer struct {
	http.ResponseWriter
	reads   bool
	holding bool
	status  int
	body    bytes.Buffer // a fault: small
}

// mayDepend tells whether more knowledge could make another answer of it.
func (h *heldAnswer) mayDepend(status int) bool {
	if h.reads {
		return status == http.StatusNotFound
	}
	return slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict}, status)
}

func (h *heldAnswer) WriteHeader(status int) {
	if h.holding = h.mayDepend(status); h.holding {
		h.status = status
		return
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	if h.holding {
		return h.body.Write(b)
	}
	return h.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the connection can do.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *heldAnswer) release() {
	if h.holding {
		h.ResponseWriter.WriteHeader(h.status)
		_, _ = h.ResponseWriter.Write(h.body.Bytes()) // the client is gone: net/http notices
	}
}
