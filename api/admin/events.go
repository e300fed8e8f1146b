package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/store"
)

const (
	// maxStreams bounds the open event streams: each holds one of the API's
	// connections for as long as somebody looks.
	maxStreams = 64
	// publishEvery is the least time between two events of a stream.
	publishEvery = 250 * time.Millisecond
	// heartbeat keeps proxies and dead clients honest.
	heartbeat = 15 * time.Second
	// writeWithin is how long a client may take nothing.
	writeWithin = 10 * time.Second
)

// note is what a stream is told: read again, and who does what now.
type note struct {
	index uint64
	roles []roleView
}

// hub looks for changes on behalf of all streams, while there are any: its
// goroutine starts with the first stream and ends with the last.
type hub struct {
	read deps.Reader
	// look returns the roles, and a number that changes with anything that a
	// reader of the topology or the cluster would see, counters excepted.
	look func() ([]roleView, uint64)

	mu      sync.Mutex
	streams map[chan note]struct{} // guarded by mu; channels of size 1, the newest note counts
	stop    context.CancelFunc     // guarded by mu; ends the goroutine
}

func newHub(read deps.Reader, look func() ([]roleView, uint64)) *hub {
	return &hub{read: read, look: look, streams: map[chan note]struct{}{}}
}

// join adds a stream; leave ends it.
func (h *hub) join() (notes <-chan note, leave func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.streams) >= maxStreams {
		return nil, nil, store.Errorf(store.Unavailable, "Too many event streams are open on this node, at most %d are.", maxStreams)
	}
	ch := make(chan note, 1)
	h.streams[ch] = struct{}{}
	if len(h.streams) == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		h.stop = cancel
		// From here on nothing is missed: the stream reads what there is after this.
		watch := h.read.Watch()
		_, before := h.look()
		go h.run(ctx, watch, before)
	}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.streams, ch)
		if len(h.streams) == 0 {
			h.stop()
		}
	}, nil
}

func (h *hub) run(ctx context.Context, watch *store.Watch, before uint64) {
	defer watch.Close()
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	stored := false
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-watch.C():
			stored = true
			if time.Since(last) < publishEvery {
				continue // the tick takes it along
			}
		case <-tick.C:
		}
		index := h.read.Index()
		roles, now := h.look()
		if !stored && now == before {
			continue
		}
		stored, before, last = false, now, time.Now()
		h.publish(note{index, roles})
	}
}

func (h *hub) publish(n note) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.streams {
		select {
		case <-ch: // an older note that nobody took
		default:
		}
		ch <- n
	}
}

// fingerprint is the hub's look.
func (p *Part) fingerprint() ([]roleView, uint64) {
	v := p.look()
	h := fnv.New64a()
	for _, n := range v.Nodes {
		fmt.Fprintln(h, v.Leader, v.Term, v.Quorum, n.ID, n.Role, n.Term, n.Since.UnixNano(), n.Ready, n.VIPs, n.Problems)
	}
	var sum uint64 // independent of the order in which maps are walked
	for _, r := range p.observe.Reports() {
		for id, m := range r.Members {
			f := fnv.New64a()
			fmt.Fprint(f, r.Node, id, m.Status, m.Since.UnixNano())
			sum += f.Sum64()
		}
		for id, l := range r.Listeners {
			f := fnv.New64a()
			fmt.Fprint(f, r.Node, id, l.Full)
			sum += f.Sum64()
		}
	}
	return v.roles(), h.Sum64() + sum
}

// stream is GET /v1/events: server-sent events until the client leaves, the
// token expires or the server stops. "changed" carries the store's index and
// means: read again. Admins get "roles" as well.
func (p *Part) stream(c echo.Context) error {
	caller := auth.From(c.Request().Context())
	if !mayLook(caller) {
		return auth.Forbidden()
	}
	notes, leave, err := p.events.join()
	if err != nil {
		return err
	}
	defer leave()
	c.Response().Header().Set("Content-Type", "text/event-stream")
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().WriteHeader(http.StatusOK)
	w := &eventWriter{c: c, ctl: http.NewResponseController(c.Response())}

	var expired <-chan time.Time
	if !caller.ExpiresAt.IsZero() {
		t := time.NewTimer(time.Until(caller.ExpiresAt))
		defer t.Stop()
		expired = t.C
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	roles, _ := p.fingerprint()
	n := note{p.read.Index(), roles}
	for {
		w.event("changed", map[string]any{"index": n.index})
		if caller.IsCloudAdmin() {
			w.event("roles", map[string]any{"roles": n.roles})
		}
		for waiting := true; waiting; {
			if w.flush() != nil {
				return nil // the client left
			}
			select {
			case <-c.Request().Context().Done():
				return nil
			case <-expired:
				return nil
			case <-beat.C:
				w.comment("alive")
			case n = <-notes:
				waiting = false
			}
		}
	}
}

// mayLook: whoever may read load balancers of the own project, or all.
func mayLook(c *auth.Caller) bool {
	return c != nil && (c.ReadsAll() || c.CanRead(c.Project))
}

// eventWriter collects a message and sends it within writeWithin.
type eventWriter struct {
	c   echo.Context
	ctl *http.ResponseController
	buf strings.Builder
}

func (w *eventWriter) event(name string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		b = []byte("{}") // plain values always encode
	}
	fmt.Fprintf(&w.buf, "event: %s\ndata: %s\n\n", name, b)
}

func (w *eventWriter) comment(text string) { fmt.Fprintf(&w.buf, ": %s\n\n", text) }

func (w *eventWriter) flush() error {
	if w.buf.Len() == 0 {
		return nil
	}
	if err := w.ctl.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := w.c.Response().Write([]byte(w.buf.String()))
	w.buf.Reset()
	return errors.Join(err, w.ctl.Flush())
}
