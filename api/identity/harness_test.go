package identity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/api/identity"
	"lbd/store"
	"lbd/store/model"
)

// world is the part behind the real server. Its store has what NewSeed makes,
// and user bob, who is a member of project demo and has no role on admin.
type world struct {
	t    testing.TB
	st   *store.Store
	part *identity.Part
	log  *writer
	h    http.Handler
	seed identity.Seed
}

// writer applies commands as the log of a single node does, through their
// encoding.
type writer struct {
	mu    sync.Mutex
	st    *store.Store
	index uint64
	err   error // of every write, when set
}

func (w *writer) Apply(_ context.Context, cmd store.Command) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
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

const password = "correct horse"

var key = []byte("0123456789abcdef0123456789abcdef")

func newWorld(t testing.TB, cfg deps.Config) *world {
	t.Helper()
	seed, err := identity.NewSeed(password, time.Now(), rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, st: store.New(), seed: seed}
	bob := model.User{ID: "b0b", Record: model.Record{Name: "bob"}, Enabled: true, PasswordHash: seed.Users[0].PasswordHash}
	off := model.User{ID: "0ff", Record: model.Record{Name: "off"}, PasswordHash: seed.Users[0].PasswordHash, DefaultProject: "d3m0"}
	demo := model.Project{ID: "d3m0", Record: model.Record{Name: "demo"}, Enabled: true}
	member := w.role("member")
	w.log = &writer{st: w.st}
	_, err = w.log.Apply(context.Background(), store.Command{Kind: store.ClusterInit, At: time.Now(), Payload: &store.ClusterInitPayload{
		ClusterID: "c", Node: model.Node{ID: "n1", Name: "alpha"}, Roles: seed.Roles,
		Projects: append(seed.Projects, demo), Users: append(seed.Users, bob, off),
		Assignments: append(seed.Assignments, model.Assignment{User: "b0b", Project: "d3m0", Role: member}, model.Assignment{User: "0ff", Project: "d3m0", Role: member}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TokenKey == nil {
		cfg.TokenKey = key
	}
	cfg.Plain = true
	log := slog.New(slog.DiscardHandler)
	w.part = identity.New(cfg, w.st, w.log, nil, log)
	w.h = api.New(cfg, api.Deps{Auth: w.part, Basic: w.part.Basic, Local: w.part.LocalAdmin, Reader: w.st, Log: log}, w.part, whoami{}).Handler()
	return w
}

func (w *world) role(name string) model.RoleID {
	for _, r := range w.seed.Roles {
		if r.Name == name {
			return r.ID
		}
	}
	return ""
}

// whoami answers with the caller, as any other part sees it.
type whoami struct{}

func (whoami) Mount(r *api.Router) {
	r.Handle("GET", "/whoami", func(c echo.Context) error {
		who := auth.From(c.Request().Context())
		return c.JSON(200, obj{"user": who.UserName, "project": who.ProjectName, "roles": who.Roles, "unmetered": who.Unmetered})
	})
}

type obj = map[string]any

type answer struct {
	status int
	header http.Header
	body   obj
}

func (w *world) do(method, path, body string, header ...string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, "http://lbd.example:9876"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "from" {
			r.RemoteAddr = header[i+1]
		}
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	b, err := io.ReadAll(rec.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := answer{rec.Code, rec.Header(), obj{}}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out.body); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return out
}

// get calls with a token.
func (w *world) get(token, path string) answer {
	w.t.Helper()
	return w.do("GET", path, "", "X-Auth-Token", token)
}

func passwordBody(user, password, scope string) string {
	if scope != "" {
		scope = `,"scope":` + scope
	}
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"name":"Default"}}}}%s}}`, user, password, scope)
}

func tokenLogin(token, scope string) string {
	if scope != "" {
		scope = `,"scope":` + scope
	}
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}}%s}}`, token, scope)
}

const onAdmin = `{"project":{"name":"admin","domain":{"name":"Default"}}}`

func (w *world) login(body string) answer {
	w.t.Helper()
	return w.do("POST", "/identity/v3/auth/tokens", body, "Content-Type", "application/json")
}

// token logs in and returns the token.
func (w *world) token(user, scope string) string {
	w.t.Helper()
	a := w.login(passwordBody(user, password, scope))
	t := a.header.Get("X-Subject-Token")
	if a.status != 201 || t == "" {
		w.t.Fatalf("login of %s: %d %v", user, a.status, a.body)
	}
	return t
}
