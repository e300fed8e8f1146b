package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

const (
	// choresEvery is the pause between two rounds of housekeeping. What it
	// removes has lived its time; longer keeps more of it, shorter only costs.
	choresEvery = 30 * time.Second
	// choreTimeout bounds one proposal.
	choreTimeout = 5 * time.Second
	// choreEntries bounds the entries of one chore in one round: what is left is
	// due again in the next, and the log stays open for others.
	choreEntries = 100
)

// chore is something the leader does from time to time to what nobody asks for
// any more. due looks and makes the payloads of the entries that do it.
type chore struct {
	name string // label of the metric; the entries' actor is "system:" and name
	kind store.CommandKind
	due  func(st *store.State, now time.Time) (payloads []any)
}

// chores are all of them. heard are the nodes that report now.
func chores(heard func() []model.NodeID) []chore {
	return []chore{
		{"tokens", store.TokenPurgeKind, func(st *store.State, now time.Time) []any {
			if _, due := st.Revocations(now); due == 0 {
				return nil
			}
			return []any{&store.TokenPurge{Before: now}}
		}},
		{"secrets", store.SecretDelete, func(st *store.State, now time.Time) (out []any) {
			// Nobody can read them any more, whoever wrote down that they use them.
			for _, s := range st.ExpiredSecrets(now, choreEntries) {
				out = append(out, &store.SecretDeletePayload{ID: s.ID, Force: true})
			}
			return out
		}},
		{"amphorae", store.AmphoraRestore, func(st *store.State, _ time.Time) (out []any) {
			// A deleted amphora of a silent node is one again when the node is back.
			back := heard()
			last := model.NodeID("")
			for _, d := range st.Dismissals() { // by node
				if d.Node != last && slices.Contains(back, d.Node) {
					out = append(out, &store.NodeRef{ID: d.Node})
				}
				last = d.Node
			}
			return out
		}},
	}
}

// heard are the nodes whose reports the API believes.
func (n *node) heard() (out []model.NodeID) {
	for _, h := range n.board.Reports() {
		if h.Age < operating.RoleSilentAfter {
			out = append(out, h.Node)
		}
	}
	return out
}

// housekeeper runs the chores while this node leads.
type housekeeper struct {
	leads  func() bool
	apply  func(context.Context, store.Command) (uint64, error)
	read   func(func(*store.State))
	chores []chore
	now    func() time.Time
	log    *slog.Logger

	proposed *prometheus.CounterVec
}

func newHousekeeper(n *node) *housekeeper {
	h := &housekeeper{
		leads: func() bool { return n.raft.State().IsLeader }, apply: n.raft.Apply, read: n.st.Read, chores: chores(n.heard), now: time.Now,
		log: n.log.With("part", "housekeeping"), proposed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lbd_housekeeping_entries_total", Help: "Entries that housekeeping proposed on this node, by chore.",
		}, []string{"chore"}),
	}
	n.reg.MustRegister(h.proposed)
	return h
}

func (h *housekeeper) run(ctx context.Context) error {
	tick := time.NewTicker(choresEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			h.round(ctx)
		}
	}
}

// round does every chore that is due. What fails is due again next time.
func (h *housekeeper) round(ctx context.Context) {
	for _, ch := range h.chores {
		now := h.now().UTC()
		var payloads []any
		h.read(func(st *store.State) { payloads = ch.due(st, now) })
		done := 0
		for _, p := range payloads {
			if !h.leads() || !h.propose(ctx, &ch, now, p) {
				break
			}
			done++
		}
		if done > 0 { // event streams are told by the entries themselves
			h.log.Info("housekeeping", "chore", ch.name, "entries", done)
		}
	}
}

func (h *housekeeper) propose(ctx context.Context, ch *chore, now time.Time, payload any) bool {
	within, cancel := context.WithTimeout(ctx, choreTimeout)
	defer cancel()
	_, err := h.apply(within, store.Command{Kind: ch.kind, At: now, Actor: "system:" + ch.name, Payload: payload})
	switch {
	case err == nil:
		h.proposed.WithLabelValues(ch.name).Inc()
	case ctx.Err() == nil && !errors.As(err, new(*store.Error)): // no leader, no quorum: said elsewhere
		h.log.Warn("housekeeping", "chore", ch.name, "err", err)
	}
	return err == nil
}
