package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// events is one open stream.
type events struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Scanner
}

func (w *world) serve(t *testing.T) *httptest.Server {
	srv := httptest.NewServer(w.h)
	t.Cleanup(srv.Close)
	return srv
}

func open(t *testing.T, srv *httptest.Server, token string) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &events{t, resp, bufio.NewScanner(resp.Body)}
}

// next is the next event's name and data; "" at the end of the stream.
func (e *events) next() (name string, data obj) {
	e.t.Helper()
	for e.in.Scan() {
		line := e.in.Text()
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			name = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(v), &data); err != nil {
				e.t.Fatalf("%v in %s", err, v)
			}
			return name, data
		}
	}
	return "", nil
}

// until reads on to an event called name that ok accepts.
func (e *events) until(name string, ok func(obj) bool) {
	e.t.Helper()
	for {
		got, data := e.next()
		if got == "" {
			e.t.Fatalf("the stream ended before a fitting %q", name)
		}
		if got == name && ok(data) {
			return
		}
	}
}

func index(want uint64) func(obj) bool {
	return func(o obj) bool { return o["index"] == float64(want) }
}

func role(node int, want string) func(obj) bool {
	return func(o obj) bool { return o["roles"].([]any)[node].(obj)["role"] == want }
}

func TestEventsTellOfChangesAndRoles(t *testing.T) {
	w := newWorld(t)
	w.see(active("n1", 0), standby("n2", 0))
	srv := w.serve(t)
	e := open(t, srv, "admin")
	if ct := e.resp.Header.Get("Content-Type"); ct != "text/event-stream" || e.resp.StatusCode != 200 {
		t.Fatalf("%d %s", e.resp.StatusCode, ct)
	}
	e.until("changed", index(3))
	e.until("roles", role(0, "active"))
	w.apply(store.NetworkCreate, &model.Network{ID: "net"})
	e.until("changed", index(4))
	w.see(standby("n1", 0), active("n2", 0))
	e.until("roles", role(1, "active"))
	w.see(standby("n1", 0), active("n2", time.Minute))
	e.until("roles", role(1, "unknown"))
}

func TestEventsForAReaderHaveNoRoles(t *testing.T) {
	w := newWorld(t)
	w.see(active("n1", 0))
	srv := w.serve(t)
	e := open(t, srv, "p1:reader")
	e.until("changed", index(3))
	w.see(standby("n1", 0)) // told as a change, without saying what
	w.apply(store.NetworkCreate, &model.Network{ID: "net"})
	for {
		name, data := e.next()
		if name != "changed" || len(data) != 1 {
			t.Fatalf("%s %v", name, data)
		}
		if index(4)(data) {
			return
		}
	}
}

func TestEventsAreBoundedInNumberAndPace(t *testing.T) {
	w := newWorld(t)
	srv := w.serve(t)
	var all []*events
	for range 64 {
		e := open(t, srv, "admin")
		if e.resp.StatusCode != 200 {
			t.Fatalf("stream %d: %d", len(all), e.resp.StatusCode)
		}
		all = append(all, e)
	}
	if e := open(t, srv, "admin"); e.resp.StatusCode != 503 {
		t.Errorf("one too many: %d", e.resp.StatusCode)
	}
	begun := time.Now()
	for i := range 200 {
		w.apply(store.NetworkCreate, &model.Network{ID: model.NetworkID(rune('a' + i))})
	}
	e := all[63]
	n := 0
	e.until("changed", func(o obj) bool { n++; return index(203)(o) })
	if most := 3 + int(time.Since(begun)/(250*time.Millisecond)); n > most {
		t.Errorf("%d events within %s", n, time.Since(begun))
	}
	all[0].resp.Body.Close()
	deadline := time.Now().Add(10 * time.Second)
	for open(t, srv, "admin").resp.StatusCode != 200 {
		if time.Now().After(deadline) {
			t.Fatal("no place after a client left")
		}
	}
}

func TestEventsEndWithTheTokenAndTheServer(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewUnstartedServer(w.h)
	ctx, stop := context.WithCancel(context.Background())
	srv.Config.BaseContext = nil
	srv.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		w.h.ServeHTTP(rw, r.WithContext(rctx))
	})
	srv.Start()
	t.Cleanup(srv.Close)
	ends := func(e *events) {
		t.Helper()
		for {
			if name, _ := e.next(); name == "" {
				break
			}
		}
		if err := e.in.Err(); err != nil {
			t.Errorf("the stream broke: %v", err)
		}
	}
	ends(open(t, srv, "short"))
	e := open(t, srv, "admin")
	e.until("changed", index(3))
	stop()
	ends(e)
}
