package app

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lbd/internal/status"
	"lbd/raft"
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
	// briefly is how long somebody who reads the board may wait for the large part.
	// What takes longer is made in the background only, and is then up to fullEvery
	// old; the small part goes on meanwhile: every write waits for what it tells.
	briefly = 2 * time.Millisecond
)

// observer makes this node's report, keeps the board of all reports, and
// exchanges them with the peers.
type observer struct {
	board *status.Board
	sums  *status.Ledger
	build func() model.Report // fresh, without Epoch, Seq and the large part
	large func() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters)
	push  func(raft.Lane, []byte)
	log   *slog.Logger
	wake  chan struct{} // size 1
	api   chan struct{} // size 1; the API's subscription

	mu    sync.Mutex
	seq   uint64                     // guarded by mu
	epoch int64                      // set once
	subs  map[chan struct{}]struct{} // guarded by mu; channels of size 1

	detail    detail    // as it was last made; guarded by mu
	largeTill time.Time // when it is too old; guarded by mu
}

func newObserver(
	board *status.Board, sums *status.Ledger, build func() model.Report,
	large func() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters),
	push func(raft.Lane, []byte), log *slog.Logger,
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
	made := make(chan *detail, 1)
	making := false
	var maker sync.WaitGroup
	defer maker.Wait()
	for {
		var d *detail // to be sent
		select {
		case <-ctx.Done():
			return nil
		case d = <-made:
			making = false
		case <-changed:
			due = true
		case <-o.wake:
		case <-tick.C:
		}
		if now := time.Now(); !making && d == nil && !now.Before(nextFull) && (due || now.Sub(lastFull) >= fullEvery) {
			due, lastFull = false, now
			if o.brief() {
				d = o.makeDetail()
			} else {
				making = true
				maker.Go(func() { made <- o.makeDetail() })
			}
		}
		r := o.refresh(d)
		r.Members, r.Listeners = nil, nil
		b, err := encodeMessage(r, d)
		if err != nil {
			o.log.Error("encode report", "err", err)
			continue
		}
		lane := raft.Small
		if d != nil {
			nextFull = time.Now().Add(d.again())
			lane = raft.Large
		}
		o.push(lane, b)
	}
}

// brief reports whether the large part took little to make when it was last made.
func (o *observer) brief() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.detail.took <= briefly
}

// again is when the large part may be sent next: all nodes read it, so that where it is
// not brief even changes do not make it more frequent than fullEvery.
func (d *detail) again() time.Duration {
	if d.took <= briefly {
		return costShare * d.took
	}
	return max(costShare*d.took, fullEvery)
}

// makeDetail makes the large part, ready to be sent.
func (o *observer) makeDetail() *detail {
	began := time.Now()
	d := &detail{}
	d.members, d.listeners = o.large()
	if err := d.encode(); err != nil {
		o.log.Error("encode report", "err", err)
	}
	d.took = time.Since(began)
	return d
}

// refresh puts a fresh own report on the board, with d if that is not nil, and
// returns it.
func (o *observer) refresh(d *detail) model.Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	if d != nil {
		o.keep(*d)
	}
	r := o.own()
	if o.board.Put(r) {
		o.wakeSubs()
	}
	return r
}

// own makes this node's next report; needs o.mu. The large part, which nobody
// changes once it is made, is used again while it is cheap to do so.
func (o *observer) own() model.Report {
	r := o.build()
	if began := time.Now(); o.detail.took <= briefly && began.After(o.largeTill) {
		var d detail
		d.members, d.listeners = o.large()
		d.took = time.Since(began)
		o.keep(d)
	}
	r.Members, r.Listeners = o.detail.members, o.detail.listeners
	o.seq++
	r.Epoch, r.Seq = o.epoch, o.seq
	return r
}

// keep needs o.mu.
func (o *observer) keep(d detail) {
	o.detail, o.largeTill = detail{members: d.members, listeners: d.listeners, took: d.took}, time.Now().Add(min(costShare*d.took, longestReuse))
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
	o.mu.Lock() // reports of two lanes come at once
	defer o.mu.Unlock()
	put := o.board.Put
	if !m.Full {
		put = o.board.PutSmall
	}
	if old, ok := o.board.Get(from); m.Full || !ok || old.Epoch != m.Report.Epoch {
		m.Report.Listeners = o.sums.Heard(from, m.Report.Epoch, m.Report.Listeners)
	}
	if put(m.Report) {
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
	r := o.own()
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
