package network_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/api/network"
	"lbd/store"
	"lbd/store/model"
)

// world is the part behind the real server, on a store that applies at once.
type world struct {
	t  testing.TB
	st *store.Store
	h  http.Handler

	mu    sync.Mutex
	index uint64 // guarded by mu
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, st: store.New()}
	w.h = api.New(deps.Config{Plain: true}, api.Deps{Auth: tokens{}, Reader: w.st, Log: slog.New(slog.DiscardHandler)},
		network.New(w, w.st)).Handler()
	return w
}

// Apply implements deps.Writer, through the encoding of the log.
func (w *world) Apply(_ context.Context, cmd store.Command) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, err := cmd.Encode()
	if err != nil {
		return 0, err
	}
	if cmd, err = store.Decode(b); err != nil {
		return 0, err
	}
	w.index++
	return w.index, w.st.Apply(w.index, cmd)
}

// tokens are words: "admin" is the admin of project p0; "PROJECT:ROLE" anybody.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string) (*auth.Caller, error) {
	project, role, ok := strings.Cut(token, ":")
	switch {
	case token == "admin":
		return &auth.Caller{UserID: "u0", UserName: "admin", Project: "p0", Roles: []string{"admin", "member", "reader"}}, nil
	case ok:
		return &auth.Caller{UserID: "u-" + model.UserID(project), Project: model.ProjectID(project), Roles: []string{role}}, nil
	}
	return nil, auth.ErrUnauthenticated
}

type obj = map[string]any

// call asks as token and returns status and body.
func (w *world) call(token, method, path, body string) (int, obj) {
	w.t.Helper()
	r := httptest.NewRequest(method, "http://lbd.example:9876"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	b, err := io.ReadAll(rec.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := obj{}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return rec.Code, out
}

// make creates an object as admin and returns it.
func (w *world) make(key, path, body string) obj {
	w.t.Helper()
	return w.makeAs("admin", key, path, body)
}

func (w *world) makeAs(token, key, path, body string) obj {
	w.t.Helper()
	status, out := w.call(token, "POST", "/networking/v2.0/"+path, `{"`+key+`":`+body+`}`)
	if status != 201 {
		w.t.Fatalf("POST %s %s: %d %v", path, body, status, out)
	}
	return out[key].(obj)
}

// refused expects Neutron's fault.
func (w *world) refused(token, method, path, body string, status int, typ, message string) {
	w.t.Helper()
	got, out := w.call(token, method, path, body)
	fault, _ := out["NeutronError"].(obj)
	if got != status || fault["type"] != typ || fault["message"] != message {
		w.t.Errorf("%s %s %s:\n got %d %v\nwant %d %s: %s", method, path, body, got, out, status, typ, message)
	}
}

func id(o obj) string { return o["id"].(string) }

// list is the values of key in a listing.
func (w *world) list(token, path, many, key string) []string {
	w.t.Helper()
	status, out := w.call(token, "GET", path, "")
	if status != 200 {
		w.t.Fatalf("GET %s: %d %v", path, status, out)
	}
	got := []string{}
	for _, x := range out[many].([]any) {
		s, _ := x.(obj)[key].(string)
		got = append(got, s)
	}
	return got
}
