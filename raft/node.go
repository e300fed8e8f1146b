package raft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/internal/tether"
	"lbd/store"
	"lbd/store/model"
)

// Node is one member of the cluster, or a process about to become one.
type Node struct {
	cfg  Config
	pace *pace
	st   *store.Store
	log  *slog.Logger
	addr string // host:port the peers use

	local  *local
	mux    *mux
	client *client
	server *http.Server

	unfollow, unfollowed chan struct{} // closed by Inherit, and when follow has ended

	claim atomic.Pointer[claimant]
	core  atomic.Pointer[core] // nil before Bootstrap or Join
	trans *transport           // written before core
	disk  *disk                // written before core

	changed   chan struct{}
	fatal     chan error
	done      chan struct{}
	closeOnce sync.Once
	closeErr  error
	wg        sync.WaitGroup

	entering  sync.Mutex // one Bootstrap or Join at a time
	mu        sync.Mutex
	ident     *identity                                        // guarded by mu; replaced, never changed
	onPush    func(from model.NodeID, report []byte)           // guarded by mu
	onTell    func(model.NodeID, []byte) (any, error)          // guarded by mu
	onSwitch  func(ctx context.Context, to model.NodeID) error // guarded by mu
	pushers   map[route]chan []byte                            // guarded by mu
	onRestart func(context.Context) (string, error)            // guarded by mu
	verbs     map[string]func(context.Context, model.NodeID, []byte) (any, error)
	admit     *admission
	exiles    *exiles
	writes    chan struct{} // semaphore
	kick      chan struct{} // wakes the membership loop
	changing  sync.Mutex    // held while the voters are changed
	frozen    bool          // guarded by changing
	voters    atomic.Pointer[votersView]
	holder    atomic.Uint64  // this node's VIP holder; see SetHolder
	tethers   *tether.Server // nil where the kernel has no signatures
	metrics   *metrics
	good      keeper
}

// Open takes the data directory and the peer port. It damages nothing: what it
// cannot use it refuses with one line that says what to do. When the directory
// belongs to a member, consensus starts at once.
func Open(cfg Config, st *store.Store) (_ *Node, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Kind == "" {
		cfg.Kind = model.DataNode
	}
	t := patient // until the profile is known
	if cfg.Timing != (Timing{}) {
		t = cfg.Timing.withDefaults()
	}
	if t.Detect < t.Lease+leastGuard || t.Lease <= 0 {
		return nil, fmt.Errorf("the detection time (%v) must be at least the lease (%v) plus %v", t.Detect, t.Lease, leastGuard)
	}
	if err := prepareDir(cfg.DataDir); err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, pace: newPace(t), st: st, log: cfg.Log.With("part", "raft"),
		changed: make(chan struct{}, 1), fatal: make(chan error, 1), done: make(chan struct{}),
		writes: make(chan struct{}, maxWrites), kick: make(chan struct{}, 1), pushers: make(map[route]chan []byte),
		unfollow: make(chan struct{}), unfollowed: make(chan struct{}),
	}
	n.admit = newAdmission()
	n.holder.Store(cfg.Holder)
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if n.local, err = openLocal(cfg.DataDir); err != nil {
		return nil, err
	}
	if n.exiles, err = openExiles(n.local); err != nil {
		return nil, err
	}
	if err := n.local.checkRemoved(); err != nil {
		return nil, err
	}
	ident, err := n.local.load()
	if err != nil {
		return nil, err
	}
	if ident != nil && ident.Entered && ident.Name != cfg.Name && cfg.Name != "" {
		return nil, fmt.Errorf("data directory %s belongs to node %s, not to %s: a node keeps its name", cfg.DataDir, ident.Name, cfg.Name)
	}
	ln := cfg.Listener
	if ln == nil {
		ln, err = net.Listen("tcp", cfg.Listen)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("peer port %s is taken by another process", cfg.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("peer port: %w", err)
	}
	if n.addr, err = advertised(cfg.Advertise, ln.Addr()); err != nil {
		ln.Close()
		return nil, err
	}
	n.mux = newMux(ln, cfg.dial, n.log)
	if err := n.openTethers(); err != nil {
		return nil, err
	}
	n.mux.nameOf = n.nameAt
	n.client = newClient(n.mux, n.level())
	n.client.removed, n.mux.refuses = n.removed, n.exiled
	n.verbs = n.leaderVerbs()
	n.server = n.newServer()
	n.wg.Go(func() { _ = n.server.Serve(n.mux.peer) })
	if n.metrics, err = newMetrics(n, cfg.Registry); err != nil {
		return nil, err
	}
	if ident == nil || !ident.Entered {
		return n, nil
	}
	if ident.Kind != cfg.Kind && (ident.Kind == model.Witness || cfg.Kind == model.Witness) {
		n.log.Warn("the node keeps the kind it joined with", "kind", ident.Kind)
	}
	return n, n.startRaft(ident, false)
}

// startRaft lets the library run under an identity.
func (n *Node) startRaft(ident *identity, bootstrap bool) error {
	ident, err := n.renew(ident, time.Now())
	if err != nil {
		return err
	}
	if err := n.useIdentity(ident); err != nil {
		return err
	}
	now := time.Now()
	c := &core{
		id: hraft.ServerID(ident.ID), addr: hraft.ServerAddress(n.addr), witness: ident.Kind == model.Witness,
		pace: n.pace, log: n.log, arbiter: n.cfg.Arbiter, fence: newFence(n.Timing(), now), peers: newPeerTable(now),
		start: now, stamps: newStamps(now), done: n.done, notify: n.notify, orphan: make(chan struct{}, 1), lead: make(chan struct{}, 1),
	}
	c.fence.setHolder(n.holder.Load())
	if n.cfg.Inherit != 0 {
		c.fence.bind()
	}
	c.spread = newSpreading(n.holder.Load(), now)
	if n.cfg.Obeyed != 0 {
		n.inheritSpread(c)
	}
	claim := newClaimant(c, n.cfg.Registers)
	seat, err := newSeat(c, n.local, claim)
	if err != nil {
		return err
	}
	if n.disk, err = openDisk(n.cfg.DataDir, n.log); err != nil {
		return err
	}
	n.trans = newTransport(c, raftStream{n.mux.raft, n.mux}, seat)
	conf := n.libConfig(c.id)
	st := stable{n.disk.bolt, n.log, n.done}
	if bootstrap {
		self := hraft.Configuration{Servers: []hraft.Server{{ID: c.id, Address: c.addr}}}
		err := hraft.BootstrapCluster(conf, n.disk.logs, st, n.disk.snaps, n.trans, self)
		if err != nil && !errors.Is(err, hraft.ErrCantBootstrap) {
			return fmt.Errorf("begin the log: %w", err)
		}
	}
	if _, err := n.disk.replay(n.st, n.disk.done.index()); err != nil {
		return err
	}
	conf.NoSnapshotRestoreOnStart = true // that was it
	var r *hraft.Raft
	err = guarded(func() (err error) {
		r, err = hraft.NewRaft(conf, &fsm{st: n.st, fail: n.fail, applied: n.noteApplied, persist: n.persist}, n.disk.logs, st, n.disk.snaps, n.trans)
		return err
	})
	if err != nil {
		return damaged(n.cfg.DataDir, err)
	}
	r.RegisterObserver(hraft.NewObserver(nil, false, n.observe))
	c.lib.Store(r)
	n.core.Store(c)
	n.trans.wg.Go((&detector{t: n.trans, witness: n.isWitness}).run)
	n.trans.wg.Go(claim.run)
	n.claim.Store(claim)
	if n.cfg.Inherit != 0 {
		n.wg.Go(func() { n.follow(c, n.unfollow); close(n.unfollowed) })
		n.wg.Go(func() { n.release(c) })
	}
	n.trans.wg.Go((&beater{t: n.trans}).run)
	if n.cfg.Timing == (Timing{}) {
		n.wg.Go(func() { n.followProfile(c) })
	}
	n.wg.Go(func() { n.followSpread(c) })
	n.wg.Go(func() { n.askSpread(c) })
	n.askMembership(c)
	n.wg.Go(n.members)
	n.wg.Go(n.renewLoop)
	if ident.Advertise != n.addr {
		n.wg.Go(func() { n.announce(ident) })
	}
	n.notify()
	return nil
}

// noteApplied is called for every entry, in order.
func (n *Node) noteApplied(index uint64) {
	if err := n.disk.done.note(index); err != nil {
		n.log.Debug("note what is committed", "err", err) // an older index is true as well
	}
}

func (n *Node) libConfig(id hraft.ServerID) *hraft.Config {
	c := hraft.DefaultConfig()
	c.LocalID = id
	// The fence is stricter in everything that the VIPs depend on; these are the
	// net below it, the same for all profiles.
	below := max(cmp.Or(n.cfg.below, libTimeout), n.Timing().Detect)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = below, below, below
	c.CommitTimeout = commitTimeout
	c.ShutdownOnRemove = false
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = snapshotEvery, snapshotAfter, trailingLogs
	c.NoLegacyTelemetry = true
	c.Logger = newBridge(n.log, "raft")
	return c
}

// Run waits until ctx ends or consensus cannot go on, and closes the node.
func (n *Node) Run(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
	case err = <-n.fatal:
	case <-n.done:
	}
	if cerr := n.Close(); err == nil {
		err = cerr
	}
	return err
}

// Close ends everything the node started and gives the data directory free.
func (n *Node) Close() error {
	n.closeOnce.Do(func() { n.closeErr = n.close() })
	return n.closeErr
}

func (n *Node) close() error {
	close(n.done) // held calls and loops end first: the library waits for them
	if n.server != nil {
		// What requests wait for has just ended; the rest is cut.
		ctx, cancel := context.WithTimeout(context.Background(), closeWait)
		if n.server.Shutdown(ctx) != nil {
			n.server.Close()
		}
		cancel()
	}
	if c := n.core.Load(); c != nil {
		_ = c.lib.Load().Shutdown().Error() // closes the transport too
	} else if n.trans != nil {
		n.trans.Close()
	}
	if n.mux != nil {
		n.mux.close()
	}
	if n.tethers != nil {
		n.tethers.Close()
	}
	if n.client != nil {
		n.client.close()
	}
	n.wg.Wait()
	if n.metrics != nil {
		n.metrics.close()
	}
	if n.disk != nil {
		n.disk.close()
	}
	if n.local != nil {
		return n.local.close()
	}
	return nil
}

// fail ends Run with err; the first one counts.
func (n *Node) fail(err error) {
	select {
	case n.fatal <- err:
	default:
	}
}

// notify wakes whoever waits for Changed.
func (n *Node) notify() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// observe is called on the library's own goroutines and must not block.
func (n *Node) observe(o *hraft.Observation) bool {
	switch data := o.Data.(type) {
	case hraft.RaftState:
		if data == hraft.Candidate && n.metrics != nil {
			n.metrics.elections.Inc()
		}
		if c := n.core.Load(); c != nil && data == hraft.Leader {
			select { // the first beat goes at once
			case c.lead <- struct{}{}:
			default:
			}
		}
		n.notify()
		n.wake()
	case hraft.LeaderObservation:
		n.notify()
	}
	return false
}

// HasState reports whether this node is a member of a cluster already.
func (n *Node) HasState() bool {
	id := n.identity()
	return id != nil && id.Entered
}

// Self is this node's id; empty before Bootstrap or Join.
func (n *Node) Self() model.NodeID {
	if id := n.identity(); id != nil {
		return id.ID
	}
	return ""
}

// Addr is the host:port by which peers reach this node.
func (n *Node) Addr() string { return n.addr }

// Bootstrap makes a new cluster with this node as its first. The directory must
// not belong to a cluster. init makes the first command of the log.
func (n *Node) Bootstrap(ctx context.Context, init func(node model.Node) store.Command) error {
	n.entering.Lock()
	defer n.entering.Unlock()
	if n.HasState() {
		return errors.New("this node is a member of a cluster already")
	}
	if n.cfg.Kind != model.DataNode {
		return fmt.Errorf("a %s cannot be the first node of a cluster", n.cfg.Kind)
	}
	ident, err := n.local.load()
	if err != nil {
		return err
	}
	switch {
	case ident == nil:
		if ident, err = n.newClusterIdentity(); err != nil {
			return err
		}
		if err := n.local.save(ident); err != nil {
			return err
		}
	case ident.Origin != originBootstrap:
		return fmt.Errorf("data directory %s holds an unfinished join: join again or empty it", n.cfg.DataDir)
	}
	if n.core.Load() == nil {
		if err := n.startRaft(ident, true); err != nil {
			return err
		}
	}
	var clusterID string
	n.st.Read(func(st *store.State) { clusterID = st.ClusterID() })
	if clusterID == "" {
		if _, err := n.Apply(ctx, init(n.record(ident, time.Now()))); err != nil {
			return fmt.Errorf("write the first entry: %w", err)
		}
	}
	return n.markEntered()
}

// record is this node as the cluster is to know it.
func (n *Node) record(ident *identity, now time.Time) model.Node {
	return model.Node{
		ID: ident.ID, Name: ident.Name, Kind: ident.Kind, API: n.cfg.APIAdvertise, Cluster: n.addr,
		Addresses: interfaceAddrs(), Joined: now.UTC(),
	}
}

func (n *Node) markEntered() error {
	ident := *n.identity()
	ident.Entered, ident.Advertise, ident.Peers = true, n.addr, nil
	if err := n.local.save(&ident); err != nil {
		return err
	}
	n.mu.Lock()
	n.ident = &ident
	n.mu.Unlock()
	n.notify()
	return nil
}

// nameAt is the member whose address in the Raft configuration is addr.
func (n *Node) nameAt(addr string) model.NodeID {
	c := n.core.Load()
	if c == nil {
		return ""
	}
	for _, s := range c.servers() {
		if string(s.Address) == addr {
			return model.NodeID(s.ID)
		}
	}
	return ""
}
