package webui

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"
)

type obj = map[string]any

// fake is a lbd node as far as its REST API can be seen from the UI: canned
// states, counters that grow with time, events on every change of state.
type fake struct {
	t     testing.TB
	start time.Time

	mu       sync.Mutex
	topology []any         // guarded by mu
	cluster  obj           // guarded by mu
	pending  []any         // guarded by mu
	history  []any         // guarded by mu
	shares   []any         // guarded by mu
	reader   bool          // may not see nodes nor events; guarded by mu
	expired  bool          // tokens are refused; guarded by mu
	down     bool          // every API call is answered 503; guarded by mu
	posts    []string      // "path body" of each POST but logins; guarded by mu
	changed  chan struct{} // closed and replaced at each set; guarded by mu
}

const token = "gAAAA-test-token"

func newFake(t testing.TB) *fake {
	f := &fake{t: t, start: time.Now(), changed: make(chan struct{})}
	f.set(func(f *fake) { f.topology, f.cluster = healthy(f.start), twoNodes(f.start) })
	return f
}

// set changes the state and tells the listeners of /v1/events.
func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) handler() http.Handler {
	ui := Handler("0.1.0-test")
	mux := http.NewServeMux()
	mux.Handle("/ui/", ui)
	mux.HandleFunc("POST /identity/v3/auth/tokens", f.login)
	mux.HandleFunc("DELETE /identity/v3/auth/tokens", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("GET /v1/topology", f.authorised(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, obj{"index": 128, "load_balancers": f.counted()})
	}))
	mux.HandleFunc("GET /v1/cluster", f.authorised(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		c := f.cluster
		f.mu.Unlock()
		answer(w, 200, c)
	}))
	mux.HandleFunc("GET /v1/cluster/history", f.authorised(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		h, shares := f.history, f.shares
		f.mu.Unlock()
		answer(w, 200, obj{"history": h, "shares": shares})
	}))
	mux.HandleFunc("GET /v1/cluster/pending", f.authorised(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		p := f.pending
		f.mu.Unlock()
		answer(w, 200, obj{"pending": p})
	}))
	mux.HandleFunc("POST /v1/", f.authorised(f.post))
	mux.HandleFunc("GET /v1/events", f.authorised(f.events))
	return mux
}

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Auth struct {
			Identity struct {
				Password struct {
					User struct{ Name, Password string }
				}
			}
			Scope struct{ Project struct{ Name string } }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		answer(w, 400, obj{"error": obj{"code": 400, "message": err.Error()}})
		return
	}
	u := in.Auth.Identity.Password.User
	if u.Name != "admin" || u.Password != "secret" || in.Auth.Scope.Project.Name != "admin" {
		w.Header().Set("WWW-Authenticate", `Keystone uri="http://`+r.Host+`/identity"`)
		answer(w, 401, obj{"error": obj{
			"code": 401, "title": "Unauthorized",
			"message": "The request you have made requires authentication. <b>wrong password</b>",
		}})
		return
	}
	f.mu.Lock()
	f.expired = false
	f.mu.Unlock()
	w.Header().Set("X-Subject-Token", token)
	answer(w, 201, obj{"token": obj{}})
}

func (f *fake) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		expired, down, reader := f.expired, f.down, f.reader
		f.mu.Unlock()
		switch {
		case down:
			answer(w, 503, obj{"faultcode": "Server", "faultstring": "this node is stopping"})
		case expired || r.Header.Get("X-Auth-Token") != token:
			answer(w, 401, obj{"error": obj{"code": 401, "message": "no valid token"}})
		case reader && r.URL.Path != "/v1/topology":
			answer(w, 403, obj{"faultcode": "Client", "faultstring": "Policy does not allow this request to be performed."})
		default:
			next(w, r)
		}
	}
}

func (f *fake) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		f.t.Errorf("read %s: %v", r.URL.Path, err)
	}
	f.mu.Lock()
	f.posts = append(f.posts, r.URL.Path+" "+string(body))
	f.mu.Unlock()
	w.WriteHeader(204)
}

func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if c.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
			if _, err := fmt.Fprint(w, "event: change\ndata: {}\n\n"); err != nil {
				return
			}
		}
	}
}

// counted is the topology with counters as of now: every listener gets 12
// connections, every HTTP listener 240 requests a second, give or take 60.
func (f *fake) counted() []any {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := time.Since(f.start).Seconds()
	var out []any
	for _, l := range f.topology {
		lb := maps.Clone(l.(obj))
		var listeners []any
		for _, x := range lb["listeners"].([]any) {
			li := maps.Clone(x.(obj))
			stats := obj{"active_connections": 12, "total_connections": int(12 * s), "bytes_in": int(31e3 * s), "bytes_out": int(1.9e6 * s), "request_errors": 3}
			if li["protocol"] == "HTTP" {
				stats["requests"] = 81204 + int(240*s+60*(1-math.Cos(s/3))*3+40*math.Sin(s*1.7)/1.7)
			}
			li["stats"] = stats
			listeners = append(listeners, li)
		}
		lb["listeners"] = listeners
		out = append(out, lb)
	}
	return out
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser left
}
