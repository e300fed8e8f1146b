package dataplane

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/conn"
	"lbd/dataplane/health"
	"lbd/dataplane/l4"
	"lbd/dataplane/live"
	"lbd/dataplane/netio"
	"lbd/dataplane/table"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// Source is where the configuration comes from. Changed may fire late, or once
// for many changes: Current is always re-read. Current may be nil at first.
type Source interface {
	Current() *model.Config
	Changed() <-chan struct{}
}

// Config of an Engine. The zero value of a field is its default.
type Config struct {
	NodeName string
	// NodeHeader is the response header that carries NodeName; "" adds none.
	NodeHeader string
	// Freebind opens sockets on addresses that the node does not have yet.
	Freebind bool
	// Drain bounds how long connections of a removed listener go on; DefaultDrain.
	Drain time.Duration
	// Loops is how many event loops serve plain HTTP and TCP, one thread each: 0 is
	// one per GOMAXPROCS, less than 0 none: goroutines serve everything.
	Loops int
	// Timeouts of HTTP clients that listeners do not set; see conn.Limits.
	Limits conn.Limits
	// Keys opens the secrets that TLS refers to; nil: no TLS is served.
	Keys tlsterm.Keys

	// SessionKey gives the secret that persistence cookies are made with, at least 16
	// bytes and the same on every node. nil, or no key: a random one, so that such
	// cookies bind to this node's process only.
	SessionKey func() []byte

	// Inherited gives the listening sockets that an earlier process of this node
	// handed over, each once; the engine owns the descriptor. nil: none.
	Inherited func(network string, addr netip.AddrPort) (fd int, ok bool)
	// Held: nothing is accepted before Begin.
	Held bool
	// Verdict tells what an earlier process or another node knows of a member; nil:
	// nothing.
	Verdict func(pool model.PoolID, member model.MemberID) (model.MemberHealth, bool)

	// Access writes a line for each request and TCP connection; nil: none. The engine
	// runs it to its end.
	Access *accesslog.Log

	Log      *slog.Logger
	Registry prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	if c.Drain <= 0 {
		c.Drain = DefaultDrain
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("part", "dataplane")
	return c
}

// Engine serves. Run it once.
type Engine struct {
	cfg Config
	src Source
	log *slog.Logger

	clients, idle *live.Budget
	pools         *netio.Pools
	http          *conn.Proxy
	tcp           *l4.Proxy
	checker       *health.Checker
	sockets       *sockets
	ports         *ports
	survivors     *survivors
	collector     *collector

	changed chan struct{}
	asks    chan func()   // for Run, to which the sockets belong
	ended   chan struct{} // closed when Run takes none any more
	state   atomic.Pointer[state]
	tables  *table.Compiler // for Run
	panics  atomic.Int64

	abandoned *abandonment

	conns   sync.WaitGroup // connections and drains
	workers []*worker
	loops   sync.WaitGroup

	loopPipes int // for all loops together
}

// state is what Report tells, replaced as a whole.
type state struct {
	applied  uint64
	failures []model.Failure
	table    *table.Table
}

// New checks cfg and allocates; it opens no socket.
func New(cfg Config, src Source) (*Engine, error) {
	cfg = cfg.withDefaults()
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return nil, fmt.Errorf("read the limit on open files: %w", err)
	}
	if lim.Cur < minLimitNOFILE {
		return nil, fmt.Errorf("the limit on open files is %d, at least %d are needed", lim.Cur, minLimitNOFILE)
	}
	share := shareFDs(int64(min(lim.Cur, 1<<30)))
	e := &Engine{
		cfg: cfg, src: src, log: cfg.Log,
		clients: live.NewBudget(share.clients),
		idle:    live.NewBudget(share.idle),
		changed: make(chan struct{}, 1),
		asks:    make(chan func()),
		ended:   make(chan struct{}),

		abandoned: newAbandonment(),
	}
	if cfg.Loops >= 0 {
		e.loopPipes = share.pipes / 2
	}
	e.pools = netio.NewPools(share.pipes - e.loopPipes)
	var err error
	e.http, err = conn.New(conn.Config{NodeName: cfg.NodeName, NodeHeader: cfg.NodeHeader, Limits: cfg.Limits, Metrics: e.renderMetrics, Panicked: e.panicked}, e.pools)
	if err != nil {
		return nil, err
	}
	e.tcp = l4.New(e.pools)
	own := make([]byte, 32)
	_, _ = rand.Read(own) // never fails
	e.survivors = newSurvivors(e.idle, cfg.Keys, func() []byte {
		if cfg.SessionKey != nil {
			if k := cfg.SessionKey(); len(k) >= 16 {
				return k
			}
		}
		return own
	}, cfg.Access)
	e.tables = table.NewCompiler(e.survivors)
	e.checker = health.New(health.Config{Known: e.verdict}, e.notify)
	e.sockets = &sockets{
		freebind: cfg.Freebind, log: cfg.Log, budget: e.clients, inherited: cfg.Inherited, held: cfg.Held,
		open: make(map[netip.AddrPort]*socket), unopened: make(map[netip.AddrPort]*table.Listener),
		serve: e.serve, drained: e.drain,
	}
	e.ports = &ports{
		freebind: cfg.Freebind, log: cfg.Log, budget: e.clients, inherited: cfg.Inherited, held: cfg.Held,
		open: make(map[netip.AddrPort]*port), unopened: make(map[netip.AddrPort]*table.Listener),
	}
	if cfg.Registry != nil {
		e.collector = newCollector(e)
		if err := cfg.Registry.Register(e.collector); err != nil {
			return nil, fmt.Errorf("register data plane metrics: %w", err)
		}
	}
	return e, nil
}

// Changed fires after the applied index, the failures or a verdict changed. Size
// 1, coalescing: read Report.
func (e *Engine) Changed() <-chan struct{} { return e.changed }

func (e *Engine) notify() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// Run serves until ctx ends; then it stops accepting, drains for at most
// Config.Drain (not that long for what was abandoned) and returns when everything it
// started has ended.
func (e *Engine) Run(ctx context.Context) error {
	if e.cfg.Access != nil { // after everything that writes to it
		logging, stop := context.WithCancel(context.WithoutCancel(ctx))
		var done sync.WaitGroup
		done.Go(func() { e.cfg.Access.Run(logging) })
		defer done.Wait()
		defer stop()
	}
	defer e.shutdown()
	if err := e.startLoops(); err != nil {
		return err
	}
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	retry := time.NewTimer(0) // the first apply
	defer retry.Stop()
	backoff := bindRetryMin
	var last *model.Config
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-sweep.C:
			e.sweep(now)
			e.ports.sweep()
			continue
		case fn := <-e.asks:
			fn()
			continue
		case <-retry.C:
		case <-e.src.Changed():
		}
		cfg := e.src.Current()
		if cfg == nil {
			retry.Reset(bindRetryMin)
			continue
		}
		unbound := e.apply(cfg, cfg != last)
		if cfg != last || !unbound {
			backoff = bindRetryMin
		}
		last = cfg
		if unbound {
			retry.Reset(backoff)
			backoff = min(2*backoff, bindRetryMax)
		}
	}
}

// apply puts cfg into service and reports it. unbound: a socket could not be
// opened and should be tried again.
func (e *Engine) apply(cfg *model.Config, fresh bool) (unbound bool) {
	start := time.Now()
	was := e.state.Load()
	var t *table.Table
	var gone, want []table.Endpoint
	if fresh {
		t = e.tables.Compile(cfg)
		e.probe(t, start)
		gone, want = endpoints(t.Gone), endpoints(t.Fresh)
	} else {
		t = was.table // only what could not be opened is tried again
	}
	for _, p := range want {
		p.Listener.Live.SetLimit(p.Listener.Limit)
	}
	unopened := e.sockets.apply(gone, want)
	unopened = append(unopened, e.ports.apply(gone, want)...)
	failures := append(t.Failures[:len(t.Failures):len(t.Failures)], unopened...)
	if fresh && e.survivors.keep(t) {
		e.forget()
	}
	e.state.Store(&state{applied: t.Index, failures: failures, table: t})
	if fresh {
		e.log.Debug("applied", "index", t.Index, "services", len(t.Services), "fresh", len(t.Fresh), "failures", len(failures), "took", time.Since(start))
	}
	news := was == nil || !slices.Equal(was.failures, failures)
	if news {
		for _, f := range failures {
			e.log.Warn("object is not served as configured", "object", f.Object, "err", f.Reason)
		}
	}
	if news || was.applied != t.Index {
		e.notify()
	}
	return len(unopened) > 0
}

// endpoints are those of all services.
func endpoints(of []*table.Service) (all []table.Endpoint) {
	for _, sv := range of {
		all = append(all, sv.Endpoints...)
	}
	return all
}

// probe has the members of t's fresh services probed, and says what the others are.
func (e *Engine) probe(t *table.Table, now time.Time) {
	var before, after []health.Target
	for _, sv := range t.Gone {
		before = append(before, sv.Targets...)
	}
	for _, sv := range t.Fresh {
		after = append(after, sv.Targets...)
	}
	e.checker.Apply(before, after)
	for _, p := range t.FreshPools {
		for i := range p.Members {
			m := &p.Members[i]
			if is := m.Unprobed(); is != "" && m.Live.Health().Status != is {
				m.Live.SetVerdict(model.MemberHealth{Status: is, Since: now}, true)
			}
		}
	}
}

// sweep drops what is old or dead of what outlives tables.
func (e *Engine) sweep(now time.Time) {
	e.survivors.sweep()
	e.members(func(m *live.Member) { m.Sweep(now) })
	e.forget() // parked by who began with an older table
}

// members calls do with what is alive of every member.
func (e *Engine) members(do func(m *live.Member)) {
	st := e.state.Load()
	if st == nil {
		return
	}
	for _, sv := range st.table.Services {
		for _, p := range sv.Pools {
			for i := range p.Members {
				do(p.Members[i].Live)
			}
		}
	}
}

// forget has the loops close what they keep for members that are not there any more.
func (e *Engine) forget() {
	for _, w := range e.workers {
		w.loop.Post(w.http.Forget)
	}
}

// shutdown ends everything: sockets first, then connections, then the rest.
func (e *Engine) shutdown() {
	close(e.ended)
	e.checker.Close()
	e.sockets.closeAll()
	e.ports.closeAll()
	e.conns.Wait() // bounded: every binding drains for Config.Drain, then is cut
	e.stopLoops()
	e.http.Close()
	e.members((*live.Member).Retire)
	e.pools.Close()
	if e.collector != nil {
		e.cfg.Registry.Unregister(e.collector)
	}
}
