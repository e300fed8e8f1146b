package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/api/deps"
	"lbd/internal/spread"
	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
)

const (
	// leastVoters is what Spread needs: with fewer there is no majority without the
	// arbiter seat, or none at all once a node has died.
	leastVoters = 3
	// spreadTick is how often the leader looks after the table when nobody tells it
	// of a change.
	spreadTick = 20 * time.Millisecond
	// spreadRest is that while Spread is off, when only what was left to do is done.
	spreadRest = 500 * time.Millisecond
	// silentWithin is how old a node's report may be for it to keep its share: six
	// reports. A node whose VIP holder is known to be dead loses it at once.
	silentWithin = 600 * time.Millisecond
	// gatherWithin bounds the wait for everything to be with the leader before Spread
	// is turned off. What is not there by then is taken without a farewell.
	gatherWithin = 5 * time.Second
	// spreadTries bounds proposals that found the table changed meanwhile.
	spreadTries = 5
)

// spreader makes the versions of the table of Spread (decision 0049): on the leader
// it looks after the load balancers that have no place or a dead node's, and
// everywhere it does what the operator asks for.
type spreader struct {
	node   *raft.Node
	st     *store.Store
	obs    *observer
	log    *slog.Logger
	notes  *spreadNotes
	doubts spreadDoubts
	moves  *prometheus.CounterVec // by why
}

var _ deps.Spread = (*spreader)(nil)

func newSpreader(n *node) *spreader {
	s := &spreader{node: n.raft, st: n.st, obs: n.obs, log: n.log.With("part", "spread"), notes: &spreadNotes{}}
	s.moves = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lbd_spread_moves_total", Help: "Load balancers that this node gave to another one in the table of Spread, by what for.",
	}, []string{"why"})
	n.reg.MustRegister(s.moves, spreadMetrics{s})
	return s
}

func (s *spreader) run(ctx context.Context) error {
	watch := s.st.Watch()
	defer watch.Close()
	tick := time.NewTimer(0)
	defer tick.Stop()
	var led time.Time // since when this node leads
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C():
		case <-tick.C:
		}
		tick.Reset(spreadRest)
		if s.node.Spread().On {
			tick.Reset(spreadTick)
		}
		s.settleDoubts()
		s.writeNotes(ctx)
		// Who was paused may think that it leads, and finds everybody silent.
		if st := s.node.State(); !st.IsLeader || !time.Now().Before(st.LeaseUntil) {
			led = time.Time{}
			continue
		}
		if led.IsZero() {
			led = time.Now()
		}
		if !s.node.Spread().On {
			continue
		}
		if err := s.tend(ctx, led); err != nil && ctx.Err() == nil {
			s.log.Debug("the table is not changed yet", "err", err)
			sleep(ctx, settleAgain)
		}
	}
}

// tend is what the leader does unasked.
func (s *spreader) tend(ctx context.Context, led time.Time) error {
	if n := len(s.node.State().Voters); n < leastVoters {
		s.log.Warn("Spread is turned off: there are too few voters", "voters", n)
		return s.TurnOff(ctx, "system:spread")
	}
	t, base, on := s.table()
	if !on {
		return nil
	}
	nodes := s.nodes(led)
	moves := spread.Tend(t, nodes)
	if len(moves) == 0 {
		return nil
	}
	s.log.Info("load balancers are given to other nodes", "count", len(moves))
	return s.propose(ctx, "system:spread", t, &store.SpreadPayload{Base: base, On: true, Moves: moves}, func(m store.SpreadMove) string {
		return spread.Why(t, nodes, m)
	})
}

// table is what is to be distributed, with the version that it is of.
func (s *spreader) table() (t spread.Table, version uint64, on bool) {
	s.st.Read(func(st *store.State) {
		v := st.Spread()
		version, on, t.Places = v.Version, v.On, st.SpreadPlaces()
		for _, lb := range st.LoadBalancers() {
			t.LoadBalancers = append(t.LoadBalancers, lb.ID)
		}
	})
	return t, version, on
}

// nodes are the data nodes as this one sees them. One that was never heard is given
// time to be heard since led.
func (s *spreader) nodes(led time.Time) (nodes []spread.Node) {
	rows := map[model.NodeID]model.Heard{}
	for _, h := range s.obs.board.Reports() {
		rows[h.Node] = h
	}
	s.st.Read(func(st *store.State) {
		for _, n := range st.Nodes() {
			if n.Kind != model.DataNode {
				continue
			}
			h, heard := rows[n.ID]
			v := spread.Node{ID: n.ID}
			switch {
			case !heard:
				v.Alive, v.Why = time.Since(led) < silentWithin, spread.Silent
				v.Ready = v.Alive
			case h.Role.Holder != 0 && s.node.HolderGone(n.ID, h.Role.Holder):
				v.Why = spread.Dead
			case s.node.Restarting(n.ID):
				v.Alive, v.Ready = true, true
			case h.Age >= silentWithin || h.Role.Interface == "":
				v.Why = spread.Silent
			case h.Role.Leaving:
				v.Alive, v.Why = true, spread.Leaving
			default:
				v.Alive, v.Ready, v.Why = true, h.Role.Ready, spread.NotReady
			}
			nodes = append(nodes, v)
		}
	})
	return nodes
}

// propose makes p, which follows from t, the next version; why says what each move is for.
func (s *spreader) propose(ctx context.Context, actor string, t spread.Table, p *store.SpreadPayload, why func(store.SpreadMove) string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	version, err := s.node.Apply(ctx, store.Command{Kind: store.SpreadPut, At: time.Now().UTC(), Actor: actor, Payload: p})
	switch {
	case len(p.Moves) == 0:
	case err == nil:
		s.doubts.answered(p.Base)
		s.moved(version, t, p.Moves, why)
	case store.KindOf(err) == store.Unavailable: // it may have taken effect nevertheless
		s.doubts.add(spreadDoubt{base: p.Base, t: t, moves: p.Moves, why: why})
	}
	return err
}

// settleDoubts notes what took effect although nobody could say so.
func (s *spreader) settleDoubts() {
	if !s.doubts.any() {
		return
	}
	t, version, _ := s.table()
	s.doubts.settled(version, t.Places, func(made uint64, d spreadDoubt) { s.moved(made, d.t, d.moves, d.why) })
}

// change proposes what plan makes of the newest table, again where that has changed
// meanwhile. It returns how many load balancers move.
func (s *spreader) change(ctx context.Context, actor, why string, plan func(spread.Table) ([]store.SpreadMove, error)) (moved int, err error) {
	for range spreadTries {
		if err := s.node.Read(ctx); err != nil {
			return 0, err
		}
		t, base, on := s.table()
		if !on {
			return 0, store.Errorf(store.Conflict, "Spread is off: the leader holds all load balancers.")
		}
		moves, err := plan(t)
		if err != nil || len(moves) == 0 {
			return 0, err
		}
		err = s.propose(ctx, actor, t, &store.SpreadPayload{Base: base, On: true, Moves: moves}, func(store.SpreadMove) string { return why })
		if store.KindOf(err) != store.Conflict {
			return len(moves), err
		}
	}
	return 0, store.Errorf(store.Conflict, "The table of Spread keeps changing. Try again.")
}

// TurnOn implements deps.Spread.
func (s *spreader) TurnOn(ctx context.Context, actor string) error {
	if s.node.Spread().On {
		return nil
	}
	if len(s.node.State().Voters) < leastVoters {
		return store.Errorf(store.Conflict, "Spread needs three voters: add a witness (lbd --witness --join) or a third node first.")
	}
	if err := s.node.SpreadOn(ctx, actor); err != nil {
		return err
	}
	_, err := s.Balance(ctx, actor)
	return err
}

// TurnOff implements deps.Spread.
func (s *spreader) TurnOff(ctx context.Context, actor string) error {
	if !s.node.Spread().On {
		return nil
	}
	leader := s.node.State().Leader
	if leader == "" {
		return store.Errorf(store.Unavailable, "There is no leader now. Try again.")
	}
	if _, err := s.change(ctx, actor, spread.TurnedOff, func(t spread.Table) ([]store.SpreadMove, error) { return spread.Gather(t, leader), nil }); err != nil {
		return err
	}
	version := s.node.Spread().Version
	wait, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	if !until(wait, func() bool { return s.gathered(leader, version) }) {
		if ctx.Err() != nil {
			return store.Errorf(store.Unavailable, "Spread is still on: the leader does not hold everything yet. Try again.")
		}
		s.log.Warn("Spread is turned off before the leader holds everything")
	}
	for range spreadTries {
		t, base, on := s.table()
		if !on {
			return nil
		}
		if err := s.propose(ctx, actor, t, &store.SpreadPayload{Base: base}, nil); store.KindOf(err) != store.Conflict {
			return err
		}
	}
	return store.Errorf(store.Conflict, "The table of Spread keeps changing. Try again.")
}

// gathered tells whether only the leader holds anything, by a version of the table
// not older than that one.
func (s *spreader) gathered(leader model.NodeID, version uint64) bool {
	for _, h := range s.obs.board.Reports() {
		if h.Age >= silentWithin {
			continue
		}
		if h.Role.Table < version || h.Node != leader && len(h.Role.VIPs) > 0 {
			return false
		}
	}
	return true
}

// Balance implements deps.Spread.
func (s *spreader) Balance(ctx context.Context, actor string) (moved int, err error) {
	return s.change(ctx, actor, spread.Balanced, func(t spread.Table) ([]store.SpreadMove, error) { return spread.Balance(t, s.nodes(time.Time{})), nil })
}

// MoveAway implements deps.Spread.
func (s *spreader) MoveAway(ctx context.Context, actor string, lb model.LoadBalancerID) error {
	_, err := s.change(ctx, actor, spread.AskedFor, func(t spread.Table) ([]store.SpreadMove, error) {
		m, ok := spread.Away(t, s.nodes(time.Time{}), lb)
		if !ok {
			return nil, store.Errorf(store.Conflict, "No other node could take load balancer %s now.", lb)
		}
		return []store.SpreadMove{m}, nil
	})
	return err
}
