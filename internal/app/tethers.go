package app

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"lbd/raft"
	"lbd/store/model"
	"lbd/vrrp"
)

// tethersTick is how often the voters and their tethers are compared: a holder
// that dies before it is tied is noticed by its silence.
const tethersTick = 200 * time.Millisecond

// tethers keeps the VIP holder tied to every voter, so that each knows at once
// when it is dead.
type tethers struct {
	node   *raft.Node
	holder *vrrp.Holder
	log    *slog.Logger
}

func (t *tethers) run(ctx context.Context) error {
	tick := time.NewTicker(tethersTick)
	defer tick.Stop()
	for {
		id, tied := t.holder.ID(), t.holder.Report().Tied
		st := t.node.State()
		for _, peer := range st.Voters {
			if id == 0 || peer == st.ID || slices.Contains(tied, string(peer)) {
				continue
			}
			t.tie(ctx, id, peer)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (t *tethers) tie(ctx context.Context, id uint64, peer model.NodeID) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	target, err := t.node.Tether(ctx, peer, id)
	if err != nil {
		t.log.Debug("tether", "node", peer, "err", err)
		return
	}
	t.holder.Tie(id, string(peer), target)
}
