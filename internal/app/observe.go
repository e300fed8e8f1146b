package app

import (
	"context"
	"log/slog"
	"slices"
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
	// fullEvery is how often the large part (members, listeners) is sent when
	// nothing happens.
	fullEvery = time.Second
	// costShare is what of one core making and sending the large part may take,
	// as a divisor: what took a millisecond is good for twenty. So it is fresh to
	// the millisecond with a hundred members, and seconds old with a hundred
	// thousand, where it is megabytes.
	costShare = 20
	// longestReuse bounds that for what this node shows of itself.
	longestReuse = time.Second
)

// observer makes this node's report, keeps the board of all reports, and
// exchanges them with the peers.
type observer struct {
	board *status.Board
	sums  *status.Ledger
	build func() model.Report // fresh, without Epoch, Seq and the large part
	large func() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters)
	push  func([]byte)
	log   *slog.Logger
	wake  chan struct{} // size 1
	api   chan struct{} // size 1; the API's subscription

	mu    sync.Mutex
	seq   uint64                     // guarded by mu
	epoch int64                      // set once
	subs  map[chan struct{}]struct{} // guarded by mu; channels of size 1

	// The large part as it was last made, and when it is too old; guarded by mu.
	members   map[model.MemberID]model.MemberHealth
	listeners map[model.ListenerID]model.ListenerCounters
	largeTill time.Time
}

func newObserver(
	board *status.Board, sums *status.Ledger, build func() model.Report,
	large func() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters),
	push func([]byte), log *slog.Logger,
) *observer {
	api := make(chan struct{}, 1)
	return &observer{
		board: board, sums: sums, build: build, large: large, push: push, log: log, api: api,
		wake: make(chan struct{}, 1), epoch: time.Now().UnixNano(), subs: map[chan struct{}]struct{}{api: {}},
	}
}

// Changed implements deps.Observer.
func (o *observer) Changed() <-chan struct{} { return o.api }

// nudge makes the observer report now.
func (o *observer) nudge() { signal(o.wake) }

// run reports on every change and every pushEvery until ctx ends. changed are
// the parts whose changes are worth a full report; where that is expensive, a
// small one goes first, so that nobody waits for what the data plane serves.
func (o *observer) run(ctx context.Context, changed <-chan struct{}) error {
	tick := time.NewTicker(pushEvery)
	defer tick.Stop()
	var lastFull, nextFull time.Time
	due := false // something changed since the last full report
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			due = true
		case <-o.wake:
		case <-tick.C:
		}
		now := time.Now()
		full := !now.Before(nextFull) && (due || now.Sub(lastFull) >= fullEvery)
		r := o.refresh(full)
		if !full {
			r.Members, r.Listeners = nil, nil
		}
		b, err := encodeMessage(message{full, r})
		if err != nil {
			o.log.Error("encode report", "err", err)
			continue
		}
		if full {
			due, lastFull, nextFull = false, now, now.Add(costShare*time.Since(now))
		}
		o.push(b)
	}
}

// refresh puts a fresh own report on the board and returns it. With full the
// large part is made anew, too.
func (o *observer) refresh(full bool) model.Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.own(full)
	if o.board.Put(r) {
		o.wakeSubs()
	}
	return r
}

// own makes this node's next report; needs o.mu. The large part, which nobody
// changes once it is made, is used again while it is cheap to do so.
func (o *observer) own(full bool) model.Report {
	r := o.build()
	if began := time.Now(); full || began.After(o.largeTill) {
		o.members, o.listeners = o.large()
		ended := time.Now()
		o.largeTill = ended.Add(min(costShare*ended.Sub(began), longestReuse))
	}
	r.Members, r.Listeners = o.members, o.listeners
	o.seq++
	r.Epoch, r.Seq = o.epoch, o.seq
	return r
}

// receive takes a peer's message.
func (o *observer) receive(from model.NodeID, b []byte) {
	m, err := decodeMessage(b)
	if err != nil {
		o.log.Warn("report of a peer is not readable", "node", from, "err", err)
		return
	}
	if m.Report.Node != from { // one writer per row
		o.log.Warn("report of a peer names another node", "node", from)
		return
	}
	if old, ok := o.board.Get(from); !m.Full && ok && old.Epoch == m.Report.Epoch {
		m.Report.Members, m.Report.Listeners = old.Members, old.Listeners
	} else {
		m.Report.Listeners = o.sums.Heard(from, m.Report.Epoch, m.Report.Listeners)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.board.Put(m.Report) {
		o.wakeSubs()
	}
}

// Reports implements deps.Observer: all rows, this node's own made just now.
// What nodes have counted of which there is no row is in this node's.
func (o *observer) Reports() []model.Heard {
	self := o.refreshQuietly()
	rows := o.board.Reports()
	silent := o.sums.Silent(func(id model.NodeID) bool {
		return slices.ContainsFunc(rows, func(h model.Heard) bool { return h.Node == id })
	})
	if len(silent) == 0 {
		return rows
	}
	for i := range rows {
		if rows[i].Node == self {
			rows[i].Listeners = status.Sum(rows[i].Listeners, silent)
		}
	}
	return rows
}

func (o *observer) refreshQuietly() (self model.NodeID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.own(false)
	o.board.Put(r)
	return r.Node
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
