package admin_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lbd/api"
	"lbd/api/admin"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the part behind the real server, with nodes and a cluster to be told.
type world struct {
	t    testing.TB
	st   *store.Store
	h    http.Handler
	part *admin.Part

	mu      sync.Mutex
	index   uint64        // guarded by mu
	reports []model.Heard // guarded by mu
	calls   []string      // guarded by mu; what the cluster was asked to do
	answer  error         // guarded by mu; what the cluster says to it
	pending []deps.PendingNode
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, st: store.New()}
	w.part = admin.New(w.st, w, w).WithSpread(w)
	w.h = api.New(deps.Config{Plain: true}, api.Deps{Auth: tokens{}, Reader: w.st, Cluster: w, Log: slog.New(slog.DiscardHandler)}, w.part).Handler()
	w.apply(store.ClusterInit, &store.ClusterInitPayload{ClusterID: "c1", Node: model.Node{ID: "n1", Name: "alpha", Kind: model.DataNode, API: "alpha:9876", Cluster: "alpha:9877"}})
	w.apply(store.NodePut, &model.Node{ID: "n2", Name: "beta", Kind: model.DataNode})
	w.apply(store.NodePut, &model.Node{ID: "n3", Name: "gamma", Kind: model.Witness})
	return w
}

func (w *world) apply(kind store.CommandKind, payload any) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index++
	at := time.Date(2030, 1, 1, 0, 0, int(w.index), 0, time.UTC)
	if err := w.st.Apply(w.index, store.Command{Kind: kind, At: at, Payload: payload}); err != nil {
		w.t.Fatalf("%s: %v", kind, err)
	}
}

// see sets what the nodes report.
func (w *world) see(reports ...model.Heard) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = reports
}

func (w *world) Reports() []model.Heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reports
}
func (w *world) Changed() <-chan struct{} { return nil }

// did notes a call and returns the answer prepared for it.
func (w *world) did(call string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	return w.answer
}

func (w *world) Self() model.NodeID                   { return "n1" }
func (w *world) Leader() (model.NodeID, uint64, bool) { return "n1", 7, true }
func (w *world) Barrier(context.Context) error        { return nil }
func (w *world) JoinToken(_ context.Context, ttl time.Duration) (string, error) {
	return "lbdtoken", w.did("token " + ttl.String())
}

func (w *world) Join(_ context.Context, r deps.JoinRequest) (deps.JoinResponse, error) {
	return deps.JoinResponse{Code: "123456"}, w.did("join " + r.Name + " " + string(r.Kind))
}
func (w *world) Pending(context.Context) ([]deps.PendingNode, error) { return w.pending, nil }
func (w *world) Approve(_ context.Context, code string) error        { return w.did("approve " + code) }

func (w *world) Remove(_ context.Context, id model.NodeID) error {
	return w.did("remove " + string(id))
}

func (w *world) SetProfile(_ context.Context, actor string, p model.Profile) error {
	return w.did("profile " + string(p) + " by " + actor)
}

func (w *world) Restart(_ context.Context, id model.NodeID) (string, error) {
	return "2.0", w.did("restart " + string(id))
}

func (w *world) Switchover(_ context.Context, to model.NodeID) error {
	return w.did("switchover " + string(to))
}

type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string) (*auth.Caller, error) {
	project, role, ok := strings.Cut(token, ":")
	switch {
	case token == "admin":
		return &auth.Caller{UserID: "u0", Project: "p0", Roles: []string{"admin"}}, nil
	case token == "short":
		return &auth.Caller{UserID: "u0", Project: "p0", Roles: []string{"admin"}, ExpiresAt: time.Now().Add(50 * time.Millisecond)}, nil
	case ok:
		return &auth.Caller{UserID: "u1", Project: model.ProjectID(project), Roles: []string{role}}, nil
	}
	return nil, auth.ErrUnauthenticated
}

type obj = map[string]any

func (w *world) request(token, method, path, body string, secure bool) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://lbd.example:9876"+path, strings.NewReader(body))
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

func (w *world) call(token, method, path, body string) (int, obj) {
	w.t.Helper()
	return w.decode(w.request(token, method, path, body, true))
}

func (w *world) decode(rec *httptest.ResponseRecorder) (int, obj) {
	w.t.Helper()
	b, err := io.ReadAll(rec.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := obj{}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out); err != nil {
			w.t.Fatalf("%v in %s", err, b)
		}
	}
	return rec.Code, out
}
