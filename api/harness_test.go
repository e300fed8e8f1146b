package api_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// probe is a part with one route of each sort.
type probe struct {
	running chan struct{} // told when /slow runs
	release chan struct{} // lets /slow go on
	st      *store.Store
	write   deps.Writer
}

func (p *probe) Mount(r *api.Router) {
	r.Public(http.MethodGet, "/", func(c echo.Context) error { return c.JSON(http.StatusOK, "open") })
	r.Public(http.MethodPost, "/login", echoBody)
	r.Handle(http.MethodGet, "/v2.0/things/:id", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{
			"id": c.Param("id"), "caller": auth.From(c.Request().Context()).UserID, "query": c.QueryString(), "base": api.BaseURL(c),
		})
	})
	r.Handle(http.MethodPost, "/v2.0/things", echoBody)
	r.Handle(http.MethodPost, "/v3/things", echoBody)
	r.Handle(http.MethodGet, "/nodes/:id", p.node)
	r.Handle(http.MethodPut, "/nodes/:id", p.node)
	r.Handle(http.MethodPost, "/made/:id", func(c echo.Context) error { // and deleted before it is read back
		if _, err := p.write.Apply(c.Request().Context(), store.Command{}); err != nil {
			return err
		}
		return p.node(c)
	})
	r.Handle(http.MethodPut, "/faults/:id", func(c echo.Context) error {
		err := p.node(c)
		if kind := store.KindOf(err); kind != "" {
			c.Response().Header().Set("X-Refused", "yes")
			return c.JSON(api.StatusOf(kind), api.NewFault(api.StatusOf(kind), err.Error()))
		}
		return err
	})
	r.Handle(http.MethodGet, "/panic", func(echo.Context) error { panic("on purpose") })
	r.Handle(http.MethodGet, "/fails", func(echo.Context) error { return errors.New("secret detail") })
	r.Handle(http.MethodGet, "/refuses", func(echo.Context) error { return store.Errorf(store.Unavailable, "no leader") })
	r.Handle(http.MethodGet, "/waits", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	r.Handle(http.MethodGet, "/slow", func(c echo.Context) error {
		p.running <- struct{}{}
		<-p.release
		return c.JSON(http.StatusOK, "done")
	})
}

// node is found, or refused with what the query names (404), by what this node knows.
func (p *probe) node(c echo.Context) error {
	found := false
	p.st.Read(func(st *store.State) { _, found = st.Node(model.NodeID(c.Param("id"))) })
	if !found {
		return store.Errorf(cmp.Or(store.Kind(c.QueryParam("kind")), store.NotFound), "Node %s not found.", c.Param("id"))
	}
	return echoBody(c)
}

func echoBody(c echo.Context) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, len(b))
}

// tokens knows one token.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string) (*auth.Caller, error) {
	switch token {
	case "good":
		return &auth.Caller{UserID: "u1"}, nil
	case "nobody can tell":
		return nil, store.Errorf(store.Unavailable, "the directory is away")
	}
	return nil, auth.ErrUnauthenticated
}

// leader answers barriers with err.
type leader struct {
	deps.Cluster
	err   error
	news  func() // what this node hears while it waits; nil: nothing
	asked int
}

func (l *leader) Barrier(context.Context) error {
	l.asked++
	if l.news != nil {
		l.news()
	}
	return l.err
}

// writes counts commands.
type writes int

func (w *writes) Apply(context.Context, store.Command) (uint64, error) {
	*w++
	return 0, nil
}

// world is a server on the probe part.
type world struct {
	t      testing.TB
	st     *store.Store
	part   *probe
	leader *leader
	writes writes
	reg    *prometheus.Registry
	cfg    deps.Config
	deps   api.Deps
	server *api.Server
}

func newWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, st: store.New(), part: &probe{running: make(chan struct{}, 8), release: make(chan struct{})}, leader: &leader{}, reg: prometheus.NewRegistry()}
	w.cfg.Plain, w.part.st, w.part.write = true, w.st, api.NoteWrites(&w.writes)
	w.deps = api.Deps{Auth: tokens{}, Reader: w.st, Cluster: w.leader, Log: slog.New(slog.DiscardHandler), Registry: w.reg}
	for _, f := range change {
		f(w)
	}
	w.server = api.New(w.cfg, w.deps, w.part)
	if err := w.st.Apply(7, store.Command{Kind: store.NodePut, Payload: &model.Node{ID: "n1", Name: "alpha"}}); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask goes past the network. headers are "Name: value".
func (w *world) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://lbd.example:9876"+path, strings.NewReader(body))
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	rec := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(rec, r)
	return rec
}

const good = "X-Auth-Token: good"

// listen runs the server on loopback until the test ends.
func (w *world) listen() string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(l, nil)
	return l.Addr().String()
}

func (w *world) run(port, local net.Listener) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Run(ctx, port, local) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				w.t.Errorf("run: %v", err)
			}
		case <-time.After(10 * time.Second):
			w.t.Error("the server does not stop")
		}
	}
	w.t.Cleanup(stop)
	return stop
}

// dial opens a raw connection that is closed with the test.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// say writes a request and reads one answer.
func say(t testing.TB, c net.Conn, request string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return hear(t, c)
}

func hear(t testing.TB, c net.Conn) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("no body: %v", err)
	}
	res.Body = io.NopCloser(strings.NewReader(string(b)))
	return res
}

func bodyOf(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// certificate makes a self-signed one and a pool that trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
