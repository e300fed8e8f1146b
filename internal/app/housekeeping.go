package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/store"
)

const (
	// choresEvery is the pause between two rounds of housekeeping. What it
	// removes has lived its time; longer keeps more of it, shorter only costs.
	choresEvery = 30 * time.Second
	// choreTimeout bounds one proposal.
	choreTimeout = 5 * time.Second
)

// chore is something the leader does from time to time to what nobody asks for
// any more. due looks and names the entry that does it; a nil payload: nothing.
type chore struct {
	name string // label of the metric; the entry's actor is "system:" and name
	due  func(st *store.State, now time.Time) (kind store.CommandKind, payload any)
}

// chores are all of them.
func chores() []chore {
	return []chore{
		{"tokens", func(st *store.State, now time.Time) (store.CommandKind, any) {
			if _, due := st.Revocations(now); due == 0 {
				return "", nil
			}
			return store.TokenPurgeKind, &store.TokenPurge{Before: now}
		}},
	}
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
		leads: func() bool { return n.raft.State().IsLeader }, apply: n.raft.Apply, read: n.st.Read, chores: chores(), now: time.Now,
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
		if !h.leads() {
			return
		}
		now := h.now().UTC()
		var kind store.CommandKind
		var payload any
		h.read(func(st *store.State) { kind, payload = ch.due(st, now) })
		if payload == nil {
			continue
		}
		within, cancel := context.WithTimeout(ctx, choreTimeout)
		_, err := h.apply(within, store.Command{Kind: kind, At: now, Actor: "system:" + ch.name, Payload: payload})
		cancel()
		switch {
		case err == nil:
			h.proposed.WithLabelValues(ch.name).Inc()
		case ctx.Err() == nil && !errors.As(err, new(*store.Error)): // no leader, no quorum: said elsewhere
			h.log.Warn("housekeeping", "chore", ch.name, "err", err)
		}
	}
}
