package raft

import (
	"context"
	"time"

	"lbd/store"
	"lbd/store/model"
)

type spreadOnBody struct {
	Actor string `json:"actor"`
}

// SpreadOn has the leader, wherever it is, turn Spread on: everything stays with it
// until the table is changed. Refused where the arbiter seat is a voter, for it
// answers no node but the leader.
func (n *Node) SpreadOn(ctx context.Context, actor string) error {
	return n.ask(ctx, "spread-on", spreadOnBody{actor}, nil, false)
}

func (n *Node) leadSpreadOn(ctx context.Context, b spreadOnBody) (any, error) {
	c := n.core.Load()
	if !c.leads() {
		return nil, errNotLeader
	}
	if n.view(c).seat {
		return nil, store.Errorf(store.Conflict, "Spread needs three voters: add a witness (lbd --witness --join) or a third node first.")
	}
	base := c.spread.table.Load().Spread
	if base.On {
		return nil, store.Errorf(store.Conflict, "Spread is on already.")
	}
	// From its first version on the table is obeyed by the voters' word alone, so this
	// node must have that before, or what it holds would be held by nobody for a moment.
	c.spread.wanted.Store(true)
	defer c.spread.wanted.Store(false)
	select {
	case c.spread.kick <- struct{}{}:
	default:
	}
	wait, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	for {
		r := n.State().Rights
		now := time.Now()
		if now.Before(c.spread.lease.view().Until) && r.All && now.Before(r.Until) {
			break
		}
		if !c.leads() {
			return nil, errNotLeader
		}
		if n.pause(wait, lookAgain) != nil {
			return nil, store.Errorf(store.Unavailable, "Spread was not turned on: a majority of the voters gives this node no lease. Nothing has changed; try again.")
		}
	}
	cmd := store.Command{Kind: store.SpreadPut, At: time.Now().UTC(), Actor: b.Actor, Payload: &store.SpreadPayload{Base: base.Version, On: true, Holder: model.NodeID(c.id)}}
	_, err := n.Apply(ctx, cmd)
	return nil, err
}
