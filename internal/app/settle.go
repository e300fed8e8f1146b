package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
)

const (
	// liveWithin is how old a data node's report may be for the node to be
	// waited for. Longer holds up every write while a dead node is waited
	// for; shorter calls a busy node dead.
	liveWithin = time.Second
	// settleAgain is the pause after a proposal that failed.
	settleAgain = 100 * time.Millisecond
	// settleTimeout bounds one proposal.
	settleTimeout = 5 * time.Second
)

// settler ends what is PENDING: on the leader it proposes a settle entry as
// soon as every live data node serves the entry that made it so.
type settler struct {
	node  *raft.Node
	st    *store.Store
	board *observer
	log   *slog.Logger
}

func (s *settler) run(ctx context.Context) error {
	watch := s.st.Watch()
	defer watch.Close()
	reports := s.board.subscribe()
	defer s.board.unsubscribe(reports)
	tick := time.NewTicker(liveWithin / 2) // a silent node ages without an event
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C():
		case <-reports:
		case <-tick.C:
		}
		if !s.node.State().IsLeader {
			continue
		}
		settle, ok := s.due()
		if !ok {
			continue
		}
		if err := s.propose(ctx, settle); err != nil && ctx.Err() == nil {
			if !errors.As(err, new(*store.Error)) { // no leader, no quorum: said elsewhere
				s.log.Warn("settle", "index", settle.Index, "err", err)
			}
			sleep(ctx, settleAgain)
		}
	}
}

func (s *settler) due() (settle store.Settle, ok bool) {
	heard := s.board.Reports()
	s.st.Read(func(st *store.State) {
		if _, any := st.PendingSince(); !any {
			return
		}
		var live []model.Heard
		for _, h := range heard {
			n, known := st.Node(h.Node)
			if known && n.Kind != model.Witness && h.Age < liveWithin {
				live = append(live, h)
			}
		}
		settle, ok = store.Settleable(st, live)
	})
	return settle, ok
}

func (s *settler) propose(ctx context.Context, settle store.Settle) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	_, err := s.node.Apply(ctx, store.Command{Kind: store.SettleKind, At: time.Now().UTC(), Actor: "system:settle", Payload: &settle})
	return err
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
