package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"lbd/api/auth"
	"lbd/api/deps"
)

// Deps are what the server needs besides its parts.
type Deps struct {
	Auth auth.Authenticator
	// Basic checks user and password for clients that send them with each
	// request; nil refuses those.
	Basic func(ctx context.Context, user, password, from string) (*auth.Caller, error)
	// Local is the caller behind the admin socket.
	Local   func() (*auth.Caller, error)
	Reader  deps.Reader
	Cluster deps.Cluster
	// Healthy says why the node is not healthy, or nil.
	Healthy func() error
	// UI serves /ui/; nil: none.
	UI       http.Handler
	Log      *slog.Logger
	Registry *prometheus.Registry
	// Limits of the port; the zero value means DefaultLimits.
	Limits Limits
}

// Limits of the API port (reliability targets).
type Limits struct {
	Head        int           // bytes of a request head
	HeadTime    time.Duration // until a request head is complete
	Body        int64         // bytes of a request body
	Depth       int           // nesting of JSON
	Time        time.Duration // one request, event streams excepted
	Connections int           // open at once
	Handshake   time.Duration // TLS
	Idle        time.Duration // keep-alive
}

// DefaultLimits of the API port.
func DefaultLimits() Limits {
	return Limits{
		Head: 32 << 10, HeadTime: 10 * time.Second, Body: 1 << 20, Depth: 32, Time: 30 * time.Second, Connections: 1000,
		Handshake: 10 * time.Second, Idle: 60 * time.Second,
	}
}

// headSlop is what net/http reads beyond its MaxHeaderBytes.
const headSlop = 4096

// stopWithin bounds how long requests under way may go on when the server stops.
const stopWithin = 5 * time.Second

// Server is the API port.
type Server struct {
	cfg     deps.Config
	d       Deps
	lim     Limits
	echo    *echo.Echo
	router  *Router
	metrics *metrics
	http    *http.Server
}

// New mounts the parts; it opens nothing.
func New(cfg deps.Config, d Deps, parts ...Part) *Server {
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	s := &Server{cfg: cfg, d: d, lim: d.Limits, echo: echo.New(), metrics: newMetrics(d.Registry)}
	s.d.Log = d.Log.With("part", "api")
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.JSONSerializer = serializer{}
	e.HTTPErrorHandler = s.handleError
	e.Use(s.recoverPanics, s.authenticate, s.answerOptions, s.checkMedia, s.confirmRefusals)
	s.router = &Router{e: e, routes: map[routeKey]routeFlags{}}
	s.mountOwn()
	for _, p := range parts {
		p.Mount(s.router)
	}
	s.mountDescription(parts)
	s.http = &http.Server{
		Handler: s.front(), ReadHeaderTimeout: s.lim.HeadTime, ReadTimeout: s.lim.Time, IdleTimeout: s.lim.Idle,
		MaxHeaderBytes: s.lim.Head - headSlop,
		ErrorLog:       slog.NewLogLogger(s.d.Log.Handler(), slog.LevelDebug), ConnContext: withConn,
	}
	return s
}

// Routes lists what is mounted, for tests that walk all of it.
func (s *Server) Routes() []Route {
	var out []Route
	for k, f := range s.router.routes {
		out = append(out, Route{k.method, k.path, f.public, f.raw, f.refused})
	}
	return out
}

// Handler is the whole server without a port, for tests.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Run serves network clients on port, and the admin socket on local (nil: none),
// until ctx ends; it closes both.
func (s *Server) Run(ctx context.Context, port, local net.Listener) error {
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	errs := make(chan error, 2)
	running := 1
	go func() { errs <- s.http.Serve(newListener(port, s.cfg.TLS, s.lim, s.metrics)) }()
	if local != nil {
		running++
		go func() { errs <- s.http.Serve(localListener{local}) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-errs:
		running--
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if e := s.http.Shutdown(stop); e != nil {
		s.http.Close()
	}
	for range running {
		<-errs
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the API: %w", err)
	}
	return nil
}

// connKey finds the connection of a request in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// localListener marks connections of the admin socket: who can open it is admin.
type localListener struct{ net.Listener }

type localConn struct{ net.Conn }

func (l localListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return localConn{c}, nil
}

func isLocal(r *http.Request) bool {
	_, ok := r.Context().Value(connKey{}).(localConn)
	return ok
}
