package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"lbd/api"
	"lbd/api/keystone"
	"lbd/dataplane"
	"lbd/internal/buildinfo"
	"lbd/internal/status"
	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
	"lbd/vrrp"
)

// leaseShare is the leader's lease as a share of the detection time; the rest
// is the guard between the end of the old ownership and the next claim.
const leaseShare = 2.0 / 3

// node holds the parts while they run.
type node struct {
	cfg *Config
	log *slog.Logger
	reg *prometheus.Registry

	keystone      *keystone.Client // nil without --keystone-url
	apiListener   net.Listener
	apiAddr       string            // host:port that was taken
	adminListener *net.UnixListener // nil before it is served
	apiServer     *api.Server       // made in advance; nil: not

	st      *store.Store
	raft    *raft.Node
	src     *source
	sealer  *sealer
	engine  *dataplane.Engine // nil on a witness
	holder  *vrrp.Holder      // nil on a witness and with --no-vip
	links   *vrrp.LinkWatch   // likewise
	arbiter *arbiter          // likewise
	iface   string
	board   *status.Board
	obs     *observer
	ledger  *status.Ledger
	follow  *follow // nil on a witness
	learner *learner
	roles   *roles
	spread  *spreader
	history *history // nil without VIPs
	started time.Time

	ctx    context.Context // of the control part; its cause says why it ends
	keep   keeper
	pred   *predecessor // nil: this process took over from none
	drains *drains
	heir   *heir     // nil: none is to take over; set before ctx ends
	estate *estate   // likewise
	cared  time.Time // when the control part has ended for another process
}

// Run runs a node until ctx ends. The start line goes to out when the node is
// ready; the log goes to errs.
func Run(ctx context.Context, cfg *Config, out, errs io.Writer) (err error) {
	n := &node{cfg: cfg, log: newLog(cfg, errs), reg: prometheus.NewRegistry(), st: store.New(), started: time.Now().UTC()}
	prefer(n.log)
	slog.SetDefault(n.log) // libraries that log on their own
	outer := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n.ctx = ctx
	n.drains = newDrains(ctx, n.reg)
	defer func() { n.drains.close(n.heir != nil) }()
	n.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer n.close()
	// What can be refused is refused before anything is written.
	if cfg.Predecessor != nil {
		n.pred = &predecessor{n: n, conn: cfg.Predecessor, verdicts: map[memberKey]model.MemberHealth{}, settled: make(chan struct{})}
	}
	if err := n.claimMachine(ctx); err != nil {
		return err
	}
	if err := n.open(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	n.raft.OnRestart((&restarter{n: n, binary: self, stop: stop}).ask)
	err = n.run(ctx, out)
	if n.succeeding() {
		if err != nil {
			n.log.Error("the control part has not ended well", "err", err)
		}
		n.drains.close(true)
		n.cared = time.Now()
		return n.succeed(outer, n.estate)
	}
	return outcome(ctx, err)
}

func (n *node) open() (err error) {
	cfg := raft.Config{
		DataDir: n.cfg.DataDir, Name: n.cfg.Name, Listen: n.cfg.Cluster, Advertise: n.cfg.Advertise,
		APIAdvertise: n.apiAdvertise(), Kind: n.cfg.Kind(), ReplaceAfter: n.cfg.ReplaceAfter, Log: n.log, Registry: n.reg,
	}
	if n.cfg.Detect != 0 {
		cfg.Timing = raft.Timing{Detect: n.cfg.Detect, Lease: time.Duration(float64(n.cfg.Detect) * leaseShare)}
	}
	if n.arbiter != nil {
		cfg.Arbiter, cfg.Registers = n.arbiter, n.arbiter
	}
	if n.holder != nil {
		cfg.Holder = n.holder.ID()
	}
	if p := n.pred; p != nil {
		if p.begin.Holder != 0 {
			cfg.Holder = p.begin.Holder
		}
		cfg.Settled, cfg.Inherit, cfg.Obeyed = p.settled, p.begin.Lead, p.begin.Obeyed
		if cfg.Listener, err = p.listener(usePeer); err != nil {
			return err
		}
	}
	if n.raft, err = raft.Open(cfg, n.st); err != nil {
		return err
	}
	n.src = newSource(n.st, n.raft, n.log)
	n.sealer = &sealer{node: n.raft}
	if n.cfg.Kind() != model.Witness {
		n.learner = &learner{self: n.raft.Self, rows: func() []model.Heard { return n.board.Reports() }}
		access, err := n.openAccessLog()
		if err != nil {
			return err
		}
		ecfg := dataplane.Config{
			NodeName: n.cfg.Name, NodeHeader: n.cfg.NodeHeader, Freebind: n.managesVIPs(), Log: n.log, Registry: n.reg,
			Keys:       n.sealer,
			SessionKey: n.sessionKey,
			Verdict:    n.verdict,
			Access:     access,
		}
		if n.pred != nil {
			ecfg.Inherited, ecfg.Held = n.pred.socket, true
		}
		n.engine, err = dataplane.New(ecfg, n.src)
		if err != nil {
			return err
		}
	}
	n.board = status.New()
	n.ledger = n.newLedger()
	n.obs = newObserver(n.board, n.ledger, n.report, n.detail, n.tellPeers, n.log)
	n.roles = &roles{
		kind: n.raft.Kind, node: n.raft, holder: n.holder, src: n.src, obs: n.obs, iface: n.iface,
		log: n.log.With("part", "role"), ready: n.dataPlaneReady, linksUp: n.linksUp, arbiterDown: n.arbiter.down, engine: n.engine, vrrp: n.cfg.VRRP, wake: make(chan struct{}, 1), share: newShare(), all: nothing, holds: nothing,
	}
	if n.pred != nil && n.pred.begin.Obeyed != 0 {
		n.roles.share = inheritedShare()
	}
	if n.arbiter != nil {
		n.history = newHistory(n)
		n.reg.MustRegister(&holderMetrics{n.holder})
		n.arbiter.parts.Store(&arbiterParts{vips: n.roles.currentVIPs, seen: n.history.seen, detect: func() time.Duration { return n.raft.Timing().Detect }})
	}
	n.spread = newSpreader(n)
	n.raft.OnPush(n.obs.receive)
	if n.engine != nil {
		n.follow = newFollow(n)
		n.learner.teach = n.engine.Relearn
		n.raft.OnTell(n.follow.told)
	}
	n.raft.OnSwitchover(n.roles.switchover)
	return nil
}

func (n *node) close() {
	if n.apiListener != nil {
		n.apiListener.Close()
	}
	if n.keystone != nil {
		n.keystone.Close()
	}
	if n.holder != nil {
		if err := n.holder.Close(); err != nil {
			n.log.Warn("end the VIP holder", "err", err)
		}
	}
	if n.raft != nil {
		if err := n.raft.Close(); err != nil {
			n.log.Warn("close raft", "err", err)
		}
	}
}

func (n *node) dataPlaneReady() bool { return n.engine != nil && n.engine.Summary().Ready }

// linksUp reports whether the links that carry VIPs are up.
func (n *node) linksUp(vips []vrrp.VIP) bool {
	if n.links == nil {
		return true
	}
	seen := map[string]bool{n.iface: true}
	names := []string{n.iface}
	for _, v := range vips {
		if !seen[v.Link] {
			seen[v.Link] = true
			names = append(names, v.Link)
		}
	}
	return n.links.Up(names...)
}

// report is this node's row, fresh.
func (n *node) report() model.Report {
	st := n.raft.State()
	r := model.Report{
		Node: st.ID, Version: buildinfo.Get().String(), Started: n.started, Role: n.roles.report(time.Now()),
		PID: os.Getpid(), Draining: n.drains.report(),
		Raft: model.RaftReport{
			State: st.Role, Term: st.Term, Leader: st.Leader, LastIndex: st.LastIndex, Commit: st.Commit, Applied: st.Applied, Quorum: st.Quorum,
		},
	}
	if n.pred != nil {
		r.RestartFailed = n.pred.begin.Failed
	}
	if n.engine != nil {
		e := n.engine.Summary()
		r.Applied, r.Failures = e.Applied, e.Failures
	}
	r.Failures = append(r.Failures, n.roles.vipFailures()...)
	if st.Slowed != (raft.Timing{}) {
		r.Failures = append(r.Failures, model.Failure{
			Object: "profile", Reason: fmt.Sprintf("this node does not keep the beat of the cluster's profile: it asks for a lease of %v until it could for a minute", st.Slowed.Lease),
		})
	}
	if st.Removed {
		r.Failures = append(r.Failures, model.Failure{Object: string(st.ID), Reason: "this node was removed from the cluster: empty its data directory and join again"})
	}
	return r
}

// tellPeers sends this node's report, unless the process before still acts for it:
// what this one has to say of its role is not true yet.
func (n *node) tellPeers(lane raft.Lane, report []byte) {
	if n.pred == nil || !n.pred.acts() {
		n.raft.Push(lane, report)
	}
}

// detail is the large part of this node's report: an entry per listener, and per
// member of which there is something to say.
func (n *node) detail() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters) {
	if n.engine == nil {
		return nil, nil
	}
	e := n.engine.Report()
	n.ledger.SetSelf(n.raft.Self())
	return e.Members, n.ledger.Own(e.Listeners, n.hasListener)
}
