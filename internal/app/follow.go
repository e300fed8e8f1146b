package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
	"lbd/internal/status"
	"lbd/store"
	"lbd/store/model"
)

const (
	// followEvery is how late another node may learn of a session: what a dying node
	// learned in that time is lost.
	followEvery = 500 * time.Millisecond
	// followSlack is how much longer ago than the last time is looked back, for what
	// was learned while that was going on.
	followSlack = time.Second
	// followBatch sessions are in a message, some 100 bytes each.
	followBatch = 4096
	// followMost bounds what one node is told at a time, the newest first.
	followMost = 1 << 17
	// followTries is how often what a node has no pool for yet is told again: it may
	// not have the configuration.
	followTries = 20
	// followTimeout bounds one message.
	followTimeout = 5 * time.Second
)

// follow keeps the other data nodes in possession of what persistence learns here,
// so that clients find their member after a failover. It goes from node to node, not
// through the log: losing some is no harm, and there may be thousands a second.
type follow struct {
	export func(d time.Duration, yield func(table.SessionsKey, sticky.Entry) bool)
	take   func(table.SessionsKey, sticky.Entry) bool
	tell   func(ctx context.Context, to model.NodeID, body []byte, out any) error
	// peers are the other data nodes that are heard, with the start of their process.
	peers func() map[model.NodeID]int64
	log   *slog.Logger
	known map[model.NodeID]*followed
	sums  *status.Ledger

	sent, received, unknown, cut prometheus.Counter
}

// followed is what one node knows of ours.
type followed struct {
	epoch int64
	until time.Time // it was told everything up to then; zero: nothing
	tries int
}

// tale is one message: sessions, or what is remembered of counters.
type tale struct {
	Sessions *learned                       `json:"sessions,omitempty"`
	Totals   map[model.NodeID]status.Totals `json:"totals,omitempty"`
}

// learned are sessions of one pool, on their way.
type learned struct {
	Pool model.PoolID      `json:"pool"`
	As   model.Persistence `json:"as"`
	List []learnedSession  `json:"list"`
}

type learnedSession struct {
	Key    []byte         `json:"k"`
	Member model.MemberID `json:"m"`
	Age    time.Duration  `json:"a"` // since its last use
}

// learnedAnswer says how many sessions the receiver has no pool for.
type learnedAnswer struct {
	Unknown int `json:"unknown"`
}

func newFollow(n *node) *follow {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "lbd_sessions_" + name + "_total", Help: help})
		n.reg.MustRegister(c)
		return c
	}
	return &follow{
		export: n.engine.ExportSessions, take: n.engine.ImportSession, tell: n.raft.Tell,
		peers: func() map[model.NodeID]int64 { return dataPeers(n) },
		log:   n.log.With("part", "follow"), known: map[model.NodeID]*followed{}, sums: n.ledger,
		sent:     counter("sent", "Sessions of persistence that other nodes were told of."),
		received: counter("received", "Sessions of persistence that other nodes have told of."),
		unknown:  counter("unknown", "Sessions of persistence that another node told of and no pool here is for."),
		cut:      counter("cut", "Times that there were more new sessions than a node is told at once."),
	}
}

// dataPeers are the other data nodes that were heard lately, with their epochs.
func dataPeers(n *node) map[model.NodeID]int64 {
	out := map[model.NodeID]int64{}
	var ids []model.NodeID
	self := n.raft.Self()
	n.st.Read(func(st *store.State) {
		for _, x := range st.Nodes() {
			if x.Kind == model.DataNode && x.ID != self {
				ids = append(ids, x.ID)
			}
		}
	})
	for _, id := range ids {
		if h, ok := n.board.Get(id); ok && h.Age < followTimeout {
			out[id] = h.Epoch
		}
	}
	return out
}

func (f *follow) run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.round(ctx)
		}
	}
}

// round tells every node what it does not know.
func (f *follow) round(ctx context.Context) {
	peers := f.peers()
	for id := range f.known {
		if _, ok := peers[id]; !ok {
			delete(f.known, id) // it may come back with nothing
		}
	}
	for id, epoch := range peers {
		p := f.known[id]
		if p == nil || p.epoch != epoch {
			if err := f.send(ctx, id, tale{Totals: f.sums.For(id)}, nil); err != nil {
				f.log.Debug("tell a node of counters", "node", id, "err", err)
				continue // again in the next round
			}
			p = &followed{epoch: epoch}
			f.known[id] = p
		}
		if err := f.bring(ctx, id, p); err != nil && ctx.Err() == nil {
			f.log.Debug("tell a node of sessions", "node", id, "err", err)
		}
	}
}

// bring tells a node what it does not know yet: everything at first, then what was
// used here since.
func (f *follow) bring(ctx context.Context, to model.NodeID, p *followed) error {
	now := time.Now()
	first := p.until.IsZero()
	within := sessionsWithin
	if !first {
		within = now.Sub(p.until) + followSlack
	}
	n := 0
	all := map[table.SessionsKey][]learnedSession{}
	f.export(within, func(k table.SessionsKey, e sticky.Entry) bool {
		if e.Foreign && !first { // whoever has used it tells
			return true
		}
		all[k] = append(all[k], learnedSession{e.Key[:], model.MemberID(e.Member), e.Age})
		n++
		return n < followMost
	})
	if n == followMost {
		f.cut.Inc()
	}
	unknown := 0
	for k, list := range all {
		for len(list) > 0 {
			part := list[:min(len(list), followBatch)]
			list = list[len(part):]
			var answer learnedAnswer
			if err := f.send(ctx, to, tale{Sessions: &learned{k.Pool, k.As, part}}, &answer); err != nil {
				return err
			}
			unknown += answer.Unknown
			f.sent.Add(float64(len(part)))
		}
	}
	if unknown > 0 && p.tries < followTries {
		p.tries++
		return fmt.Errorf("it has no pool for %d of %d sessions yet", unknown, n)
	}
	p.until, p.tries = now, 0
	return nil
}

func (f *follow) send(ctx context.Context, to model.NodeID, t tale, answer any) error {
	body, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode what is told: %w", err)
	}
	if answer == nil {
		answer = &learnedAnswer{}
	}
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	return f.tell(ctx, to, body, answer)
}

// told takes what another node has learned.
func (f *follow) told(_ model.NodeID, body []byte) (any, error) {
	var t tale
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, store.Errorf(store.Invalid, "What was told cannot be read: %v", err)
	}
	f.sums.Told(t.Totals)
	if t.Sessions == nil {
		return learnedAnswer{}, nil
	}
	l := t.Sessions
	if len(l.List) > followBatch {
		return nil, store.Errorf(store.Invalid, "There are %d sessions in one message, at most %d are taken.", len(l.List), followBatch)
	}
	key := table.SessionsKey{Pool: l.Pool, As: l.As}
	var answer learnedAnswer
	for _, s := range l.List {
		if len(s.Key) != len(sticky.Key{}) || !f.take(key, sticky.Entry{Key: sticky.Key(s.Key), Member: string(s.Member), Age: s.Age}) {
			answer.Unknown++
		}
	}
	f.received.Add(float64(len(l.List) - answer.Unknown))
	f.unknown.Add(float64(answer.Unknown))
	return answer, nil
}
