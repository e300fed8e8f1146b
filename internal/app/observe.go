package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"lbd/internal/status"
	"lbd/store/model"
)

const (
	// pushEvery is how often a node says how it is when nothing happens: a
	// third of the detection time, so that a row is never called old because
	// one push was late.
	pushEvery = 100 * time.Millisecond
	// fullEvery is how often the large part (members, listeners) is sent.
	fullEvery = time.Second
)

// observer makes this node's report, keeps the board of all reports, and
// exchanges them with the peers.
type observer struct {
	board *status.Board
	build func() model.Report // fresh, without Epoch and Seq
	push  func([]byte)
	log   *slog.Logger
	wake  chan struct{} // size 1
	api   chan struct{} // size 1; the API's subscription

	mu    sync.Mutex
	seq   uint64                     // guarded by mu
	epoch int64                      // set once
	subs  map[chan struct{}]struct{} // guarded by mu; channels of size 1
}

func newObserver(board *status.Board, build func() model.Report, push func([]byte), log *slog.Logger) *observer {
	api := make(chan struct{}, 1)
	return &observer{
		board: board, build: build, push: push, log: log, api: api,
		wake: make(chan struct{}, 1), epoch: time.Now().UnixNano(), subs: map[chan struct{}]struct{}{api: {}},
	}
}

// Changed implements deps.Observer.
func (o *observer) Changed() <-chan struct{} { return o.api }

// message is what travels between nodes. Without Full, Members and Listeners
// are left out and the receiver keeps those it has.
type message struct {
	Full   bool         `json:"full"`
	Report model.Report `json:"report"`
}

// nudge makes the observer report now.
func (o *observer) nudge() { signal(o.wake) }

// run reports on every change and every pushEvery until ctx ends. changed are
// the parts whose changes are worth a full report.
func (o *observer) run(ctx context.Context, changed <-chan struct{}) error {
	tick := time.NewTicker(pushEvery)
	defer tick.Stop()
	var lastFull time.Time
	for {
		full := false
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			full = true
		case <-o.wake:
		case <-tick.C:
		}
		now := time.Now()
		if full = full || now.Sub(lastFull) >= fullEvery; full {
			lastFull = now
		}
		r := o.refresh()
		if !full {
			r.Members, r.Listeners = nil, nil
		}
		b, err := json.Marshal(message{full, r})
		if err != nil {
			o.log.Error("encode report", "err", err)
			continue
		}
		o.push(b)
	}
}

// refresh puts a fresh own report on the board and returns it.
func (o *observer) refresh() model.Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.build()
	o.seq++
	r.Epoch, r.Seq = o.epoch, o.seq
	if o.board.Put(r) {
		o.wakeSubs()
	}
	return r
}

// receive takes a peer's message.
func (o *observer) receive(from model.NodeID, b []byte) {
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		o.log.Warn("report of a peer is not readable", "node", from, "err", err)
		return
	}
	if m.Report.Node != from { // one writer per row
		o.log.Warn("report of a peer names another node", "node", from)
		return
	}
	if !m.Full {
		if old, ok := o.board.Get(from); ok && old.Epoch == m.Report.Epoch {
			m.Report.Members, m.Report.Listeners = old.Members, old.Listeners
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.board.Put(m.Report) {
		o.wakeSubs()
	}
}

// Reports implements deps.Observer: all rows, this node's own made just now.
func (o *observer) Reports() []model.Heard {
	o.refreshQuietly()
	return o.board.Reports()
}

func (o *observer) refreshQuietly() {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.build()
	o.seq++
	r.Epoch, r.Seq = o.epoch, o.seq
	o.board.Put(r)
}

// subscribe returns a channel that is signalled after every change.
func (o *observer) subscribe() chan struct{} {
	ch := make(chan struct{}, 1)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.subs[ch] = struct{}{}
	return ch
}

func (o *observer) unsubscribe(ch chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.subs, ch)
}

// wakeSubs needs o.mu.
func (o *observer) wakeSubs() {
	for ch := range o.subs {
		signal(ch)
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
