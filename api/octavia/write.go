package octavia

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
	"lbd/store/model"
)

// settleWithin is how long a write waits for its object to settle before it
// answers. On an idle cluster that takes a few milliseconds, so that a client
// rarely sees PENDING; a busy one answers with what is true then.
const settleWithin = 100 * time.Millisecond

// newID mints the id of a new object: the node that is asked does, so that
// every node applies the same.
func newID() string { return uuid.NewString() }

// newMAC is a locally chosen hardware address in the range that OpenStack uses.
func newMAC() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", b[0], b[1], b[2])
}

// apply proposes a command in the caller's name, and then waits a moment until
// pending says that its object has settled.
func (p *Part) apply(c echo.Context, kind store.CommandKind, payload any, pending func(*store.State) bool) error {
	ctx := c.Request().Context()
	watch := p.read.Watch()
	defer watch.Close()
	if err := p.propose(c, kind, payload); err != nil {
		return err
	}
	p.await(ctx, watch, pending)
	return nil
}

// propose applies a command of which nothing has to settle.
func (p *Part) propose(c echo.Context, kind store.CommandKind, payload any) error {
	_, err := p.write.Apply(c.Request().Context(), store.Command{
		Kind: kind, At: time.Now().UTC(), Actor: string(caller(c).UserID), RequestID: api.RequestID(c), Unmetered: caller(c).Unmetered, Payload: payload,
	})
	return err
}

func (p *Part) await(ctx context.Context, watch *store.Watch, pending func(*store.State) bool) {
	limit := time.NewTimer(settleWithin)
	defer limit.Stop()
	for {
		wait := false
		p.read.Read(func(st *store.State) { wait = pending(st) })
		if !wait {
			return
		}
		select {
		case <-watch.C():
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// unsettled makes apply's condition for the object that get finds.
func unsettled[I ~string, T any](get func(*store.State, I) (*T, bool), base func(*T) *model.Base, id I) func(*store.State) bool {
	return func(st *store.State) bool {
		x, ok := get(st, id)
		return ok && base(x).Pending != 0
	}
}

// changed answers a write with what the store now shows of the object.
func changed[T any](p *Part, c echo.Context, r *resource[T], status int, find func(*seen) (T, error)) error {
	var err error
	var body doc
	p.look(func(s *seen) {
		var x T
		if x, err = find(s); err == nil {
			body = doc{{r.one, r.shown(s, x, nil)}}
		}
	})
	if err != nil {
		return err
	}
	return c.JSON(status, body)
}

func noContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }

// idPatch is Opt.Patch for references.
func idPatch[I ~string](o Opt[string]) *I {
	s := o.Patch("")
	if s == nil {
		return nil
	}
	id := I(*s)
	return &id
}
