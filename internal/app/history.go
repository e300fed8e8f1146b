package app

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
	"lbd/vrrp"
)

const (
	// watchEvery is how often a standby asks for a VIP, and so how exact the gap is.
	watchEvery = 10 * time.Millisecond
	// historyTick is how often the holder is looked at. Its report tells since when it
	// holds what it does.
	historyTick = 50 * time.Millisecond
	// noteAgain is the pause between tries to write a role change down; while
	// writes are closed they wait.
	noteAgain = time.Second
	// maxNotes bounds those that wait; the oldest go first.
	maxNotes = 16
)

// history writes down each time this node becomes active, and for how long
// nobody was: while standby it asks for one of the VIPs as any client would.
type history struct {
	node   *raft.Node
	name   string
	holder *vrrp.Holder
	vips   func() ([]vrrp.VIP, bool)
	store  *store.Store
	log    *slog.Logger
	gap    prometheus.Gauge // of the newest takeover
	margin prometheus.Gauge // likewise

	watched netip.Addr // the VIP that is asked for; zero: none
	mu      sync.Mutex
	watch   *vrrp.Arbiter // guarded by mu
	stop    func()
	noted   uint64    // the newest term that was written down or waits
	shared  time.Time // since when the holder held what it last held as a share
	waiting []model.RoleChange
}

func newHistory(n *node) *history {
	gap := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lbd_vip_takeover_gap_seconds", Help: "Between the last answer of the owner before and this node's newest claim; 0 before any, -1 when it was not measured.",
	})
	margin := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lbd_vip_claim_margin_seconds", Help: "Between the latest end of the lease before, by what this node heard, and its newest claim; never negative while the fence holds.",
	})
	n.reg.MustRegister(gap, margin)
	return &history{
		gap: gap, margin: margin, node: n.raft, name: n.cfg.Name, holder: n.holder, vips: n.roles.currentVIPs, store: n.st,
		log: n.log.With("part", "history"), stop: func() {},
	}
}

func (h *history) run(ctx context.Context) error {
	defer func() { h.stop() }()
	tick := time.NewTicker(historyTick)
	defer tick.Stop()
	var tried time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		r := h.holder.Report()
		if len(r.Holding) == 0 {
			h.follow(ctx)
		} else if st := h.node.State(); !st.Rights.All {
			h.shared = r.Since // what a node holds by the table of Spread is no takeover
		} else if st.IsLeader && st.Term == r.Term && r.Term > h.noted && !r.Since.Equal(h.shared) {
			h.claimed(r, st)
		}
		if len(h.waiting) > 0 && time.Since(tried) >= noteAgain {
			h.write(ctx)
			tried = time.Now()
		}
	}
}

// follow asks for the first VIP of those that this node would hold.
func (h *history) follow(ctx context.Context) {
	var vip netip.Addr
	if vips, _ := h.vips(); len(vips) > 0 {
		vip = vips[0].Addr
	}
	if vip == h.watched {
		return
	}
	h.unwatch()
	h.watched = vip
	if !vip.IsValid() {
		return
	}
	w, err := vrrp.NewArbiter(vrrp.ArbiterConfig{Addrs: []netip.Addr{vip}, Patience: func() time.Duration { return 4 * watchEvery }})
	if err != nil {
		h.log.Debug("gaps between owners are not measured", "vip", vip, "err", err)
		return
	}
	wctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(wctx) // ends with wctx, without an error
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch, h.stop = w, func() { cancel(); <-done }
}

// seen is how long ago a VIP was answered; an hour when it never was, or when
// this node does not ask.
func (h *history) seen() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watch == nil || h.watch.LastAnswer() == 0 {
		return time.Hour
	}
	return time.Duration(vrrp.Monotonic() - h.watch.LastAnswer())
}

func (h *history) unwatch() {
	h.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch, h.stop, h.watched = nil, func() {}, netip.Addr{}
}

// claimed notes that this node has become active in a term.
func (h *history) claimed(r vrrp.Report, st raft.State) {
	h.noted = r.Term
	previous, same := model.NodeID(""), false
	h.store.Read(func(s *store.State) {
		if all := s.RoleChanges(); len(all) > 0 {
			last := all[len(all)-1]
			previous = last.Node
			same = last.Node == st.ID && last.At.Equal(r.Since.UTC())
		}
	})
	if same { // another process of this node went on, under another term
		h.log.Info("this node goes on holding the VIPs", "term", r.Term)
		h.unwatch()
		return
	}
	c := model.RoleChange{Term: r.Term, Node: st.ID, Name: h.name, Previous: previous, At: r.Since.UTC(), Why: st.Cause, GapMS: -1}
	if h.watch != nil {
		if last := h.watch.LastAnswer(); last != 0 {
			held := vrrp.Monotonic() - int64(time.Since(r.Since))
			c.GapMS = max(0, time.Duration(held-last).Milliseconds())
		}
	}
	h.gap.Set(-1)
	if c.GapMS >= 0 {
		h.gap.Set(float64(c.GapMS) / 1000)
	}
	h.margin.Set(0)
	if !st.Lapse.IsZero() {
		margin := r.Since.Sub(st.Lapse)
		h.margin.Set(margin.Seconds())
		c.MarginMS = new(margin.Milliseconds())
		if margin < 0 {
			h.log.Error("the VIPs were claimed before the lease of the leader before had ended", "term", c.Term, "margin", margin)
		}
	}
	h.unwatch()
	h.log.Info("this node holds the VIPs", "term", c.Term, "gap_ms", c.GapMS, "why", c.Why)
	if h.waiting = append(h.waiting, c); len(h.waiting) > maxNotes {
		h.waiting = h.waiting[1:]
	}
}

// write puts what waits into the log, the oldest first.
func (h *history) write(ctx context.Context) {
	for len(h.waiting) > 0 {
		c := h.waiting[0]
		tctx, cancel := context.WithTimeout(ctx, noteAgain)
		_, err := h.node.Apply(tctx, store.Command{Kind: store.RoleChangeNote, At: time.Now().UTC(), Actor: "system:role", Payload: &c})
		cancel()
		if kind := store.KindOf(err); err != nil && (kind == "" || kind == store.Unavailable) {
			h.log.Debug("role change not written yet", "term", c.Term, "err", err)
			return
		}
		h.waiting = h.waiting[1:]
	}
}
