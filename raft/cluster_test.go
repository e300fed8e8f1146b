package raft

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"lbd/store"
	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTiming is slow enough for a busy machine.
var testTiming = Timing{Detect: 500 * time.Millisecond, Lease: 300 * time.Millisecond}

// patience bounds every wait of a test.
const patience = 20 * time.Second

// wire is the network between the members of a test cluster; it can be cut in
// each direction.
type wire struct {
	mu    sync.Mutex
	names map[string]string           // guarded by mu; peer address to member
	cuts  map[[2]string]bool          // guarded by mu; from, to
	walls map[[2]string]bool          // guarded by mu; from cannot dial to
	late  map[[3]string]chan struct{} // guarded by mu; from, to, who dialled; closed when it goes on
}

func newWire() *wire {
	return &wire{names: make(map[string]string), cuts: make(map[[2]string]bool), walls: make(map[[2]string]bool), late: make(map[[3]string]chan struct{})}
}

func (w *wire) cut(from, to string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[[2]string{from, to}] = on
}

// wall is a firewall: from cannot open connections to to.
func (w *wire) wall(from, to string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.walls[[2]string{from, to}] = on
}

// delay keeps what from sends to another on connections that dialler has opened, until
// goOn; nothing of it is lost.
func (w *wire) delay(from, to, dialler string) (goOn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan struct{})
	w.late[[3]string{from, to, dialler}] = ch
	return sync.OnceFunc(func() { close(ch) })
}

// wait returns when nothing is delayed on the way.
func (w *wire) wait(from, to, dialler string) {
	w.mu.Lock()
	ch := w.late[[3]string{from, to, dialler}]
	w.mu.Unlock()
	if ch != nil {
		<-ch
	}
}

func (w *wire) both(a, b string, on bool) { w.cut(a, b, on); w.cut(b, a, on) }

func (w *wire) dead(from, to string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts[[2]string{from, to}]
}

func (w *wire) dialer(from string) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		w.mu.Lock()
		to := w.names[addr]
		wall := w.walls[[2]string{from, to}]
		w.mu.Unlock()
		if wall || w.dead(from, to) || w.dead(to, from) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &wireConn{Conn: c, w: w, from: from, to: to}, nil
	}
}

// wireConn loses what is sent over a cut.
type wireConn struct {
	net.Conn
	w        *wire
	from, to string
	lost     atomic.Bool
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.w.wait(c.from, c.to, c.from)
	if c.lost.Load() || c.w.dead(c.from, c.to) {
		c.lost.Store(true)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		c.w.wait(c.to, c.from, c.from)
		if err != nil || !c.w.dead(c.to, c.from) {
			return n, err
		}
	}
}

// member is one node with its store and the join part of an API.
type member struct {
	name string
	cfg  Config
	st   *store.Store
	node *Node
	api  net.Listener
	srv  *http.Server
	open bool
}

type cluster struct {
	t       *testing.T
	wire    *wire
	members map[string]*member
	timing  Timing
	// replaceAfter is every member's; 0: never.
	replaceAfter time.Duration
	arbiter      *testArbiter
	// levels are those of members of an older build, by name.
	levels map[string]int
	// below is every member's.
	below time.Duration
	// register is what the arbiter keeps; nil: it keeps nothing.
	register *testRegister
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, wire: newWire(), members: make(map[string]*member), timing: testTiming}
	t.Cleanup(func() {
		for _, m := range c.members {
			c.kill(m)
		}
	})
	return c
}

// hosts is how many members there were.
var hosts atomic.Uint32

// newHost is a loopback address that nobody else has: a member that restarts finds
// its ports free, which connections that others make from 127.0.0.1 might have taken.
func newHost() string {
	n := hosts.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 16+os.Getpid()%200, n/250, 1+n%250)
}

func (c *cluster) prepare(name string, kind model.NodeKind) *member {
	c.t.Helper()
	host := net.JoinHostPort(newHost(), "0")
	api, err := net.Listen("tcp", host)
	if err != nil {
		c.t.Fatal(err)
	}
	m := &member{name: name, api: api}
	m.cfg = Config{
		DataDir: c.t.TempDir(), Name: name, Kind: kind, Listen: host, APIAdvertise: api.Addr().String(),
		Timing: c.timing, ReplaceAfter: c.replaceAfter, level: c.levels[name], below: c.below, dial: c.wire.dialer(name), Log: slog.New(slog.DiscardHandler),
	}
	if os.Getenv("LBD_TEST_LOG") != "" {
		m.cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("at", name)
	}
	if c.arbiter != nil {
		m.cfg.Arbiter = &arbiterView{c.arbiter, name}
	}
	if c.register != nil {
		m.cfg.Registers = &registerView{c.register, name, make(chan uint64, 16)}
	}
	c.members[name] = m
	c.start(m)
	return m
}

func (c *cluster) start(m *member) {
	c.t.Helper()
	m.st = store.New()
	node, err := Open(m.cfg, m.st)
	if err != nil {
		c.t.Fatalf("open %s: %v", m.name, err)
	}
	m.node, m.open = node, true
	m.cfg.Listen = node.Addr() // the same after a restart
	c.wire.mu.Lock()
	c.wire.names[node.Addr()] = m.name
	c.wire.mu.Unlock()
}

// serve answers joins over TLS as the real API does.
func (m *member) serve() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/cluster/join", func(w http.ResponseWriter, r *http.Request) {
		var req JoinHTTPRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		resp, err := m.node.HandleJoin(r.Context(), req)
		if err != nil {
			status := map[store.Kind]int{
				store.Conflict: http.StatusConflict, store.Forbidden: http.StatusForbidden, store.Invalid: http.StatusBadRequest,
			}[store.KindOf(err)]
			if status == 0 {
				status = http.StatusServiceUnavailable
			}
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]string{"faultstring": err.Error()})
			return
		}
		_ = json.NewEncoder(w).Encode(resp)
	})
	srv := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), TLSConfig: &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return m.node.Certificate() },
	}}
	m.srv = srv
	api := m.api
	go func() { _ = srv.ServeTLS(api, "", "") }()
}

func (c *cluster) kill(m *member) {
	c.t.Helper()
	if m.srv != nil {
		m.srv.Close()
		m.srv = nil
	}
	if m.api != nil {
		m.api.Close()
	}
	if m.open {
		m.open = false
		if err := m.node.Close(); err != nil {
			c.t.Errorf("close %s: %v", m.name, err)
		}
	}
}

// restart brings a killed member back on its data and address.
func (c *cluster) restart(m *member) {
	c.t.Helper()
	api, err := net.Listen("tcp", m.cfg.APIAdvertise)
	if err != nil {
		c.t.Fatal(err)
	}
	m.api = api
	c.start(m)
	m.serve()
}

func (c *cluster) first(name string) *member {
	c.t.Helper()
	m := c.prepare(name, model.DataNode)
	if err := m.node.Bootstrap(ctxFor(c.t, patience), initCommand); err != nil {
		c.t.Fatalf("bootstrap: %v", err)
	}
	m.serve()
	return m
}

func initCommand(n model.Node) store.Command {
	return store.Command{Kind: store.ClusterInit, At: time.Now().UTC(), Payload: &store.ClusterInitPayload{ClusterID: uuid.NewString(), Node: n}}
}

func (c *cluster) join(name string, kind model.NodeKind, via *member) *member {
	c.t.Helper()
	token, err := via.node.JoinToken(time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	m := c.prepare(name, kind)
	if err := m.node.Join(ctxFor(c.t, patience), JoinRequest{Peers: []string{via.api.Addr().String()}, Token: token}); err != nil {
		c.t.Fatalf("join %s: %v", name, err)
	}
	m.serve()
	return m
}

func ctxFor(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// leader waits for the only one that leads with a lease, among the given or all.
func (c *cluster) leader(among ...*member) *member {
	c.t.Helper()
	if len(among) == 0 {
		for _, m := range c.members {
			among = append(among, m)
		}
	}
	var got *member
	eventually(c.t, "a leader with a lease", func() bool {
		for _, m := range among {
			if s := m.node.State(); m.open && s.IsLeader && time.Now().Before(s.LeaseUntil) {
				got = m
				return true
			}
		}
		return false
	})
	return got
}

// other members than m.
func (c *cluster) others(m *member) (out []*member) {
	for _, o := range c.members {
		if o != m {
			out = append(out, o)
		}
	}
	return out
}

// voters waits until every open member sees n voters, with or without the seat.
func (c *cluster) voters(n int, seat bool) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%d voters, seat %v", n, seat), func() bool {
		for _, m := range c.members {
			if s := m.node.State(); m.open && (len(s.Voters) != n || s.Seat != seat) {
				return false
			}
		}
		return true
	})
}

// write puts a network into the store through m.
func write(t *testing.T, m *member, name string) error {
	t.Helper()
	_, err := m.node.Apply(ctxFor(t, patience), store.Command{
		Kind: store.NetworkCreate, At: time.Now().UTC(), Payload: &model.Network{ID: model.NetworkID(name), Record: model.Record{Name: name}},
	})
	return err
}

// mustWrite retries while the cluster is electing; a write whose outcome is
// unknown counts as done when it is there.
func mustWrite(t *testing.T, m *member, name string) {
	t.Helper()
	var err error
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if err = write(t, m, name); err == nil || has(m, name) {
			return
		}
		if store.KindOf(err) != store.Unavailable {
			break
		}
	}
	t.Fatalf("write %s on %s: %v", name, m.name, err)
}

func has(m *member, name string) (ok bool) {
	m.st.Read(func(st *store.State) { _, ok = st.Network(model.NetworkID(name)) })
	return ok
}

// testArbiter is the data network: it sees who holds the VIPs.
type testArbiter struct {
	answers atomic.Bool
	c       *cluster
	mu      sync.Mutex
	blind   bool // guarded by mu; nobody answers probes
}

type arbiterView struct {
	a    *testArbiter
	self string
}

func (v *arbiterView) Answers() bool { return v.a.answers.Load() }

func (v *arbiterView) VIPSilent(context.Context, time.Duration) bool {
	v.a.mu.Lock()
	defer v.a.mu.Unlock()
	if v.a.blind {
		return true
	}
	for _, m := range v.a.c.members {
		if m.name == v.self || !m.open {
			continue
		}
		if s := m.node.State(); s.IsLeader && time.Now().Before(s.LeaseUntil) {
			return false
		}
	}
	return true
}

// testRegister is an arbiter that keeps one.
type testRegister struct {
	mu    sync.Mutex
	owner string          // guarded by mu; the last that wrote
	cut   map[string]bool // guarded by mu; nodes that do not reach it
}

// reach sets whether a node reaches the arbiter.
func (r *testRegister) reach(node string, yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut[node] = !yes
}

type registerView struct {
	r       *testRegister
	self    string
	replies chan uint64
}

var testVIP = netip.MustParseAddr("192.0.2.10")

func (v *registerView) State() (RegistersState, netip.Addr) { return RegistersReady, testVIP }
func (v *registerView) Count() int                          { return 1 }
func (v *registerView) Replies() <-chan uint64              { return v.replies }
func (v *registerView) Unseen() time.Duration               { return time.Hour } // they do not see each other

func (v *registerView) Ask(_ int, _ netip.Addr, read uint64, before, after bool) {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	if v.r.cut[v.self] {
		return
	}
	if before {
		v.r.owner = v.self
	}
	if v.r.owner == v.self {
		select {
		case v.replies <- read:
		default:
		}
	}
	if after {
		v.r.owner = v.self
	}
}
