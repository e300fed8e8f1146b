package raft

import (
	"bytes"
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

const spreadPath = "/spread"

// spreading is a node's part in Spread: it answers as a voter and asks for itself.
type spreading struct {
	voter *spreadVoter
	lease *spreadLease
	table atomic.Pointer[SpreadTable]
	// wanted is set while the leader earns a lease before it turns Spread on.
	wanted atomic.Bool
	kick   chan struct{} // size 1; asks at once
	// What the log has of the table that may not be applied yet: in the newest term
	// in which this node leads, and when the process started.
	leading, begun atomic.Pointer[unappliedSpread]
	// least is the version without which there are no rights: the process before has
	// obeyed it. Set at the start.
	least      uint64
	restarting restarters
}

// unappliedSpread is the newest version of the table in a part of the log.
type unappliedSpread struct {
	term  uint64
	index uint64 // 0: there is none
}

// SpreadTable is the table of Spread as this node has applied it. Not to be changed.
type SpreadTable struct {
	model.Spread
	Places map[model.LoadBalancerID]model.SpreadPlace
	at     uint64 // the table was looked at when the store had this index
}

func newSpreading(holder uint64, now time.Time) *spreading {
	s := &spreading{voter: newSpreadVoter(now), lease: newSpreadLease(holder), kick: make(chan struct{}, 1)}
	s.table.Store(&SpreadTable{})
	return s
}

// Spread is the newest version of the table that this node has applied.
func (n *Node) Spread() *SpreadTable {
	if c := n.core.Load(); c != nil {
		return c.spread.table.Load()
	}
	return &SpreadTable{}
}

// Obey says that this node's VIP holder holds nothing that versions of the table up
// to v took from it. It reports false, and does nothing, while an earlier process of the
// node may still give orders.
func (n *Node) Obey(v uint64) bool {
	c := n.core.Load()
	if c == nil || n.cfg.Obeyed != 0 && !n.settled() {
		return false
	}
	c.spread.lease.obey(v)
	c.fence.obey(v)
	select {
	case c.spread.kick <- struct{}{}:
	default:
	}
	return true
}

// followSpread keeps the table at hand until the node ends.
func (n *Node) followSpread(c *core) {
	watch := n.st.Watch()
	defer watch.Close()
	for {
		old := c.spread.table.Load()
		t := &SpreadTable{at: n.st.Index()}
		n.st.Read(func(st *store.State) {
			t.Spread, t.Places = st.Spread(), old.Places
			if t.On { // places go with load balancers, without a new version
				t.Places = st.SpreadPlaces()
			}
		})
		c.spread.table.Store(t)
		if t.Spread != old.Spread {
			select {
			case c.spread.kick <- struct{}{}:
			default:
			}
			n.notify()
		}
		select {
		case <-watch.C():
		case <-n.done:
			return
		}
	}
}

// rights is what State says of them; lead is the end of the leader's lease.
func (n *Node) rights(c *core, term uint64, lead time.Time) Rights {
	t := c.spread.table.Load()
	if t.Version < c.spread.least {
		return Rights{Holder: c.spread.lease.view().Holder}
	}
	if !lead.IsZero() && t.at < n.spreadInLog(c, term) {
		lead = time.Time{}
	}
	return rights(t.Spread, lead, c.spread.lease.view())
}

// spreadInLog is the index of the newest version of the table that the log had,
// unapplied, when this node was first asked for its rights in term; 0: none.
func (n *Node) spreadInLog(c *core, term uint64) uint64 {
	u := c.spread.leading.Load()
	if u == nil || u.term != term {
		u = &unappliedSpread{term, n.newestSpread(c, c.lib.Load().LastIndex())}
		c.spread.leading.Store(u)
	}
	return u.index
}

// newestSpread looks for the newest version of the table in the log up to an index
// that is not applied yet.
func (n *Node) newestSpread(c *core, to uint64) uint64 {
	for i := to; i > c.spread.table.Load().at; i-- {
		var entry hraft.Log
		if err := n.disk.logs.GetLog(i, &entry); err != nil {
			return 0 // before the log's beginning: it is in the snapshot, hence applied
		}
		if entry.Type == hraft.LogCommand && bytes.Contains(entry.Data, []byte(`"kind":"`+store.SpreadPut+`"`)) {
			return i
		}
	}
	return 0
}

// asksForSpread tells whether this node needs the voters' word: to hold what the
// table gives it, or to hold everything, as the leader, after Spread was on. The last
// has to be had before this node leads: those whose word it takes may be gone by then.
// A node that has not let go yet does not ask for it, so that its last lease ends.
func (n *Node) asksForSpread(c *core) bool {
	if n.Kind() != model.DataNode {
		return false
	}
	t := c.spread.table.Load()
	cleared := t.Version <= c.spread.lease.view().Cleared
	return t.On || !cleared && (c.leads() || c.spread.lease.asks(0).Obeyed >= t.Version) || c.leads() && c.spread.wanted.Load()
}

// askSpread asks the voters every Beat until the node ends, one question at a time
// to each.
func (n *Node) askSpread(c *core) {
	type voter struct {
		turn chan struct{} // size 1; who asks
		err  string        // of who has the turn
	}
	known := make(map[hraft.ServerID]*voter)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-n.done:
			return
		case <-timer.C:
		case <-c.spread.kick:
		}
		t := c.timing()
		if !n.asksForSpread(c) {
			timer.Reset(max(t.Beat, spreadRest)) // who leads from now on may have to ask
			continue
		}
		timer.Reset(t.Beat)
		servers := c.servers()
		voters := voterIDs(servers)
		for _, s := range servers {
			if s.Suffrage != hraft.Voter || s.ID == seatID {
				continue
			}
			if known[s.ID] == nil {
				known[s.ID] = &voter{turn: make(chan struct{}, 1)}
			}
			v := known[s.ID]
			select {
			case v.turn <- struct{}{}:
				n.wg.Go(func() {
					defer func() { <-v.turn }()
					text := ""
					if err := n.askSpreadOf(c, s, t.Lease, voters); err != nil {
						text = err.Error()
					}
					if text != v.err {
						n.log.Debug("ask a voter for a lease of Spread", "node", s.ID, "err", text, "before", v.err)
						v.err = text
					}
				})
			default: // a silent voter is asked again when its time is over
			}
		}
	}
}

func (n *Node) askSpreadOf(c *core, s hraft.Server, lease time.Duration, voters []hraft.ServerID) error {
	q, sent := c.spread.lease.asks(lease), time.Now()
	var cleared uint64
	if s.ID == c.id {
		var ok bool
		if cleared, ok = n.answerAsVoter(c, c.id, q); !ok {
			return nil
		}
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), lease)
		defer cancel()
		addr := string(s.Address)
		if moved, err := c.peers.ServerAddr(s.ID); err == nil {
			addr = string(moved)
		}
		if _, err := n.client.post(ctx, addr, spreadPath, q, &cleared); err != nil {
			return err
		}
	}
	if c.spread.lease.answered(s.ID, q, cleared, sent, voters) {
		n.notify()
	}
	return nil
}

// answerSpread answers a node as a voter.
func (n *Node) answerSpread(_ context.Context, from model.NodeID, body []byte) (any, error) {
	var q spreadAsk
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, store.Errorf(store.Invalid, "The question cannot be read: %v.", err)
	}
	c := n.core.Load()
	if c == nil || !c.isVoter(c.id) {
		return nil, store.Errorf(store.Unavailable, "This node has no vote.")
	}
	if q.Restarting {
		c.spread.restarting.note(hraftID(from), time.Now())
	}
	cleared, ok := n.answerAsVoter(c, hraftID(from), q)
	if !ok {
		return nil, store.Errorf(store.Conflict, "No lease now: this voter has just started, or has cleared a newer version of the table.")
	}
	return cleared, nil
}

func (n *Node) answerAsVoter(c *core, from hraft.ServerID, q spreadAsk) (cleared uint64, ok bool) {
	// What this voter cleared before it was started may be in entries still to be applied.
	begun := c.spread.begun.Load()
	if begun == nil {
		begun = &unappliedSpread{index: n.newestSpread(c, c.lib.Load().LastIndex())}
		c.spread.begun.Store(begun)
	}
	t, now := c.spread.table.Load(), time.Now()
	if t.at < begun.index {
		return 0, false
	}
	return c.spread.voter.ask(owed{from, q.Holder}, q.Obeyed, q.Lease, t.Version, c.fence.rival(c.id, now), now)
}
