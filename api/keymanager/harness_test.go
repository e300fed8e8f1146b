package keymanager_test

import (
	"bytes"
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
	"lbd/api/keymanager"
	"lbd/store"
	"lbd/store/model"
)

// world is the part behind the real server, on a store that applies at once. It
// keeps every log entry.
type world struct {
	t  testing.TB
	st *store.Store
	h  http.Handler

	mu  sync.Mutex
	log [][]byte // guarded by mu
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, st: store.New()}
	w.h = api.New(deps.Config{Plain: true}, api.Deps{Auth: tokens{}, Reader: w.st, Log: slog.New(slog.DiscardHandler)},
		keymanager.New(w, w.st, turner{})).Handler()
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
	w.log = append(w.log, b)
	return uint64(len(w.log)), w.st.Apply(uint64(len(w.log)), cmd)
}

// turner seals by turning bits, bound to the id.
type turner struct{}

func (turner) Seal(id string, plain []byte) ([]byte, error) {
	box := []byte(id + "\n")
	for _, b := range plain {
		box = append(box, ^b)
	}
	return box, nil
}

func (turner) Open(id string, box []byte) ([]byte, error) {
	turned, ok := bytes.CutPrefix(box, []byte(id+"\n"))
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	plain := []byte{}
	for _, b := range turned {
		plain = append(plain, ^b)
	}
	return plain, nil
}

// tokens are words: PROJECT:ROLE, or PROJECT:ROLE:USER.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string) (*auth.Caller, error) {
	f := strings.Split(token, ":")
	if len(f) < 2 {
		return nil, auth.ErrUnauthenticated
	}
	c := &auth.Caller{UserID: model.UserID("u-" + f[0]), Project: model.ProjectID(f[0]), Roles: []string{f[1]}}
	if len(f) > 2 {
		c.UserID = model.UserID(f[2])
	}
	return c, nil
}

type obj = map[string]any

const member = "p1:member"

// raw asks as token with headers "Name: value" and returns the answer.
func (w *world) raw(token, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/key-manager/v1/" + path
	}
	r := httptest.NewRequest(method, "http://lbd.example:9876"+path, strings.NewReader(body))
	r.Header.Set("X-Auth-Token", token)
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

// call is raw for JSON.
func (w *world) call(token, method, path, body string, headers ...string) (int, obj) {
	w.t.Helper()
	rec := w.raw(token, method, path, body, headers...)
	out := obj{}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
		}
	}
	return rec.Code, out
}

// path is what a ref names, from the root on.
func path(ref any) string {
	return strings.TrimPrefix(ref.(string), "http://lbd.example:9876")
}

// store keeps a secret as token and returns its path.
func (w *world) store(token, body string) string {
	w.t.Helper()
	status, out := w.call(token, "POST", "secrets", body)
	if status != 201 {
		w.t.Fatalf("POST secrets %s: %d %v", body, status, out)
	}
	return path(out["secret_ref"])
}

func (w *world) text(token, payload string) string {
	w.t.Helper()
	return w.store(token, `{"name":"n","payload":"`+payload+`","payload_content_type":"text/plain"}`)
}

// refused expects Barbican's fault.
func (w *world) refused(token, method, path, body string, status int, description string, headers ...string) {
	w.t.Helper()
	got, out := w.call(token, method, path, body, headers...)
	if got != status || out["description"] != description || out["code"] != float64(status) || out["title"] != http.StatusText(status) {
		w.t.Errorf("%s %s %s:\n got %d %v\nwant %d %s", method, path, body, got, out, status, description)
	}
}

// ok expects a status.
func (w *world) ok(token, method, path, body string, status int, headers ...string) obj {
	w.t.Helper()
	got, out := w.call(token, method, path, body, headers...)
	if got != status {
		w.t.Fatalf("%s %s %s: %d %v", method, path, body, got, out)
	}
	return out
}
