package dataplane

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"lbd/internal/testutil/poll"
	"lbd/store/model"
)

// withLoops says which engine the tests of this run are for: E, on two loops, or G.
var withLoops = true

// TestMain runs every test against both engines: what they serve is the same.
func TestMain(m *testing.M) {
	for _, withLoops = range []bool{true, false} {
		if code := m.Run(); code != 0 {
			os.Exit(code)
		}
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left over:", err)
			os.Exit(1)
		}
	}
}

// source is a configuration that a test changes.
type source struct {
	mu      sync.Mutex
	cfg     *model.Config
	changed chan struct{}
}

func (s *source) Current() *model.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

func (s *source) Changed() <-chan struct{} { return s.changed }

func (s *source) set(services ...*model.Service) (index uint64) {
	s.mu.Lock()
	index = 1
	if s.cfg != nil {
		index = s.cfg.Index + 1
	}
	s.cfg = &model.Config{Index: index, Services: services}
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return index
}

// node is a running engine.
type node struct {
	*Engine
	t        testing.TB
	src      *source
	registry *prometheus.Registry
	stop     func() // ends Run and waits
}

// start runs an engine on services until the test ends.
func start(t testing.TB, cfg Config, services ...*model.Service) *node {
	t.Helper()
	n := &node{t: t, src: &source{changed: make(chan struct{}, 1)}, registry: prometheus.NewRegistry()}
	cfg.Registry = n.registry
	switch {
	case !withLoops:
		cfg.Loops = -1
	case cfg.Loops == 0:
		cfg.Loops = 2
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("served by %d event loops", cfg.Loops)
		}
	})
	cfg.Log = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if cfg.Drain == 0 {
		cfg.Drain = 2 * time.Second
	}
	e, err := New(cfg, n.src)
	if err != nil {
		t.Fatal(err)
	}
	n.Engine = e
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if v := e.panics.Load(); v != 0 {
			t.Errorf("%d connection handlers panicked", v)
		}
	})
	t.Cleanup(n.stop)
	n.apply(services...)
	return n
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// apply makes services the configuration and waits until they are in service.
func (n *node) apply(services ...*model.Service) {
	n.t.Helper()
	index := n.src.set(services...)
	n.until("the configuration is applied", func() bool { return n.Report().Applied >= index })
}

// until waits for cond.
func (n *node) until(what string, cond func() bool) {
	n.t.Helper()
	until(n.t, what, cond)
}

func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	poll.Until(t, what, cond)
}

// counters of a listener, once cond holds for them.
func (n *node) counters(id model.ListenerID, what string, cond func(model.ListenerCounters) bool) model.ListenerCounters {
	n.t.Helper()
	var c model.ListenerCounters
	n.until(what, func() bool {
		c = n.Report().Listeners[id]
		return cond(c)
	})
	return c
}

// freeAddr is an address with a port nobody listens on. The address is this
// process's own: on a shared one, another test's connection could take the port
// before it is listened on.
func freeAddr(t testing.TB) netip.AddrPort {
	t.Helper()
	pid := os.Getpid()
	own := netip.AddrFrom4([4]byte{127, byte(64 + pid>>16&63), byte(pid >> 8), byte(pid)})
	ln, err := net.Listen("tcp", netip.AddrPortFrom(own, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// web is a service with one listener "l" and one pool "p" with members "m0", "m1", ...
func web(addr netip.AddrPort, members ...netip.AddrPort) *model.Service {
	up := model.Base{AdminStateUp: true, Provisioning: model.Active}
	svc := &model.Service{
		LoadBalancer: &model.LoadBalancer{ID: "lb", Base: up},
		Addresses:    []netip.Addr{addr.Addr()},
		Listeners: []*model.Listener{{
			ID: "l", Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Port: addr.Port(), ConnectionLimit: -1, DefaultPool: "p",
			TimeoutClientData: 5000, TimeoutMemberConnect: 1000, TimeoutMemberData: 5000,
		}},
		Pools: []*model.Backends{{
			Pool: &model.Pool{ID: "p", Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Algorithm: model.RoundRobin},
		}},
	}
	for i, m := range members {
		svc.Pools[0].Members = append(svc.Pools[0].Members, model.Server{
			ID: model.MemberID(fmt.Sprintf("m%d", i)), AdminStateUp: true, Address: m.Addr(), Port: m.Port(), Weight: 1,
		})
	}
	return svc
}

// tcp turns a service into a TCP one.
func tcp(svc *model.Service) *model.Service {
	svc.Listeners[0].Protocol = model.TCP
	svc.Pools[0].Pool.Protocol = model.TCP
	return svc
}

// edit gives a copy of svc whose listener fn may change.
func edit(svc *model.Service, fn func(*model.Listener)) *model.Service {
	out, l := *svc, *svc.Listeners[0]
	fn(&l)
	out.Listeners = []*model.Listener{&l}
	return &out
}
