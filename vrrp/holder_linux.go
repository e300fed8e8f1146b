package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lbd/internal/tether"
)

const (
	// HolderCommand is the hidden sub-command that the child is started with.
	HolderCommand = "holder"
	// HolderFD is the child's end of the socket to its parent; the descriptor after
	// it is that of its lifeline.
	HolderFD uintptr = 3
	// MaxVIPs per node. An order of that many is at most 80 KiB on the socket.
	MaxVIPs = 4096
	// DefaultDevice carries the addresses.
	DefaultDevice = "lbd0"
)

// HolderConfig of the parent's side. The zero value is usable.
type HolderConfig struct {
	// Command starts the child; default: this executable with HolderCommand.
	Command []string
	// Device that carries the addresses; default DefaultDevice. It must be free
	// in this network namespace, and goes with the child.
	Device string
	// Log gets the child's log as well; nil is quiet.
	Log *slog.Logger
}

// Holder is the parent's side of the child process. Safe for concurrent use.
type Holder struct {
	cfg     HolderConfig
	log     *slog.Logger
	wake    chan struct{} // size 1: the order changed
	changed chan struct{} // size 1: the report changed

	mu     sync.Mutex
	seq    uint64        // guarded by mu; the newest order's, of an earlier parent perhaps
	order  orderMessage  // guarded by mu; the newest
	refuse []Problem     // guarded by mu; VIPs of the order that cannot be sent
	proc   *process      // guarded by mu; nil while there is no child
	report Report        // guarded by mu
	heard  time.Time     // guarded by mu; when report came
	quiet  silence       // guarded by mu; of the child
	notify chan struct{} // guarded by mu; closed and replaced at every report
	leave  chan struct{} // guarded by mu; closed when another process goes on with the child
	left   chan struct{} // guarded by mu; closed when Run has let go of it
}

// StartHolder checks the machine (see Check) and starts the child, so that what
// is missing is known at once. Nothing is held until the first Order. Run must
// follow; without it, Close.
func StartHolder(cfg HolderConfig) (*Holder, error) {
	h, err := NewHolder(cfg)
	if err != nil {
		return nil, err
	}
	p, err := startProcess(h.cfg, h.log)
	if err != nil {
		return nil, err
	}
	h.adopt(p)
	return h, nil
}

// NewHolder is StartHolder without a child: one is to be adopted before Run.
func NewHolder(cfg HolderConfig) (*Holder, error) {
	if cfg.Device == "" {
		cfg.Device = DefaultDevice
	}
	if err := Check(); err != nil {
		return nil, err
	}
	return &Holder{
		cfg: cfg, log: logger(cfg.Log),
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1), notify: make(chan struct{}),
		leave: make(chan struct{}), left: make(chan struct{}),
	}, nil
}

// Run supervises the child until ctx ends: it carries orders and reports, and
// starts the child again when it died, with the newest order if its deadline is
// still ahead. At the end it releases, waits for the child at most two seconds,
// and returns nil. After Bequeath it returns nil at once and leaves the child alone;
// it may be called again then.
func (h *Holder) Run(ctx context.Context) error {
	pause := restartMin
	for {
		h.mu.Lock()
		p := h.proc
		h.mu.Unlock()
		if p == nil {
			var err error
			if p, err = startProcess(h.cfg, h.log); err != nil {
				h.log.Error("VIP holder did not start", "err", err, "again_in", pause)
			} else {
				h.adopt(p)
			}
		}
		if p != nil {
			started := time.Now()
			if h.serve(ctx, p) {
				return nil
			}
			h.adopt(nil)
			if ctx.Err() != nil {
				if p.err != nil {
					h.log.Warn("VIP holder left", "pid", p.pid, "err", p.err)
				}
				return nil
			}
			h.log.Error("VIP holder died, its addresses went with it", "pid", p.pid, "err", p.err)
			if time.Since(started) > restartMax {
				pause = restartMin
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-h.leaving():
			h.mu.Lock()
			close(h.left) // there is no child
			h.mu.Unlock()
			return nil
		case <-time.After(pause):
			pause = min(2*pause, restartMax)
		}
	}
}

// adopt makes p the child, nil for none.
func (h *Holder) adopt(p *process) {
	h.mu.Lock()
	h.proc, h.heard, h.quiet = p, time.Now(), silence{}
	h.report = Report{Seq: h.report.Seq}
	if p != nil {
		h.report = p.first
		h.report.PID = p.pid
	}
	h.told()
	h.mu.Unlock()
	poke(h.changed)
	poke(h.wake) // the order that stands goes to the new child
}

// told needs h.mu.
func (h *Holder) told() {
	close(h.notify)
	h.notify = make(chan struct{})
}

// serve carries messages until the child is dead or ctx ends; then the child
// is released and gone when it returns. It returns true, and has changed nothing,
// when another process is to go on with the child.
func (h *Holder) serve(ctx context.Context, p *process) (bequeathed bool) {
	var wg sync.WaitGroup
	wg.Go(func() { p.read(h.receive, h.log) })
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
loop:
	for {
		select {
		case <-ctx.Done():
			rctx, cancel := context.WithTimeout(context.Background(), exitWithin)
			if err := h.releaseBy(rctx, p); err != nil {
				h.log.Warn("VIPs were not released in time, the holder is ended", "err", err)
			}
			cancel()
			break loop
		case <-p.dead:
			break loop
		case <-h.leaving():
			_ = p.conn.SetReadDeadline(time.Unix(1, 0)) // ends p.read
			wg.Wait()
			h.mu.Lock()
			close(h.left)
			h.mu.Unlock()
			return true
		case <-h.wake:
			h.send(p)
		case <-tick.C:
			h.mu.Lock()
			h.quiet.tick(h.heard)
			hung := h.quiet.ticks >= hungTicks
			h.mu.Unlock()
			if hung {
				h.log.Error("VIP holder hangs and is ended", "pid", p.pid)
				p.kill()
			}
		}
	}
	p.end()
	wg.Wait()
	return false
}

// send gives the child the newest order. One that cannot be sent now (a frozen
// child) is tried again at the next, with what is newest then.
func (h *Holder) send(p *process) {
	h.mu.Lock()
	m := h.order
	h.mu.Unlock()
	if m.Seq == 0 {
		return // none yet
	}
	if m.Holder != 0 && m.Holder != p.id {
		m.Deadline, m.VIPs = 0, nil // its authority died with another child
	}
	if err := p.write(m.encode()); err != nil {
		h.log.Debug("order not sent", "err", err)
	}
}

// ID names the child that runs; 0 while there is none.
func (h *Holder) ID() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.proc == nil {
		return 0
	}
	return h.proc.id
}

// Tie lets the child called id tie a tether to a peer, beside those that it has;
// one to the same peer is replaced. Report.Tied tells whether it holds. It does
// nothing when another child runs.
func (h *Holder) Tie(id uint64, peer string, t tether.Target) {
	h.mu.Lock()
	p := h.proc
	h.mu.Unlock()
	if p == nil || p.id != id {
		return
	}
	if err := p.write(tieMessage{peer, t}.encode()); err != nil {
		h.log.Debug("tether not sent", "peer", peer, "err", err)
	}
}

// Close ends the child when Run was never called.
func (h *Holder) Close() error {
	h.mu.Lock()
	p := h.proc
	h.mu.Unlock()
	if p != nil {
		p.end()
		h.adopt(nil)
	}
	return nil
}

// Order makes o stand from now on. It never blocks: the newest order wins.
// Renewing a lease is the same order with a later Deadline. It returns the Seq
// that the answering Report will carry; that of the order before, when that holds
// nothing, says the same and has been answered.
//
// VIPs that cannot be held (link-local IPv6, more than MaxVIPs) become Problems.
func (h *Holder) Order(o Order) uint64 {
	m := orderMessage{Order: o, Offset: bootOffset()}
	m.VRRP.Peers = m.VRRP.Peers[:min(len(m.VRRP.Peers), MaxVRRPPeers)]
	var refuse []Problem
	refuseIf := func(v VIP, bad bool, why string) bool {
		if bad {
			refuse = append(refuse, Problem{v.Addr, why})
		}
		return bad
	}
	m.VIPs = make([]VIP, 0, len(o.VIPs))
	for _, v := range o.VIPs {
		v.Addr = v.Addr.Unmap()
		if refuseIf(v, !v.Addr.IsGlobalUnicast() && !v.Addr.IsLinkLocalUnicast(), "not a unicast address") ||
			refuseIf(v, v.Addr.Is6() && (v.Addr.IsLinkLocalUnicast() || v.Addr.Zone() != ""), "a link-local IPv6 address cannot be held") ||
			refuseIf(v, len(m.VIPs) == MaxVIPs, fmt.Sprintf("more than %d VIPs", MaxVIPs)) {
			continue
		}
		m.VIPs = append(m.VIPs, v)
	}
	slices.SortFunc(m.VIPs, func(a, b VIP) int { return a.Addr.Compare(b.Addr) })
	m.VIPs = slices.CompactFunc(m.VIPs, func(a, b VIP) bool { return a.Addr == b.Addr })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = refuse[:min(len(refuse), maxProblems)]
	if h.report.Seq >= h.order.Seq && h.order.rests(m) {
		return h.order.Seq
	}
	h.seq++
	m.Seq = h.seq
	h.order = m
	poke(h.wake)
	return m.Seq
}

// rests tells whether nothing is to be held, and next says the same as o.
func (o orderMessage) rests(next orderMessage) bool {
	return o.Seq != 0 && o.Deadline == 0 && next.Deadline == 0 && o.Term == next.Term && o.Holder == next.Holder && o.Announce == next.Announce &&
		o.VRRP.equal(next.VRRP) && slices.Equal(o.VIPs, next.VIPs)
}

// Release orders everything off and returns when the child has confirmed that
// no address is left, or with ctx's error (the deadline of the newest order then
// still ends it). A dead child has released by dying. Run must be running.
func (h *Holder) Release(ctx context.Context) error {
	h.mu.Lock()
	p := h.proc
	h.mu.Unlock()
	seq := h.Order(Order{})
	return h.confirmed(ctx, p, seq)
}

// releaseBy is Release from within Run.
func (h *Holder) releaseBy(ctx context.Context, p *process) error {
	seq := h.Order(Order{})
	h.send(p)
	return h.confirmed(ctx, p, seq)
}

func (h *Holder) confirmed(ctx context.Context, p *process, seq uint64) error {
	for {
		h.mu.Lock()
		r, notify, same := h.report, h.notify, h.proc == p
		h.mu.Unlock()
		if p == nil || !same || r.Seq >= seq && r.Deadline == 0 {
			return nil
		}
		select {
		case <-notify:
		case <-p.dead:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("release VIPs: no confirmation from the holder: %w", context.Cause(ctx))
		}
	}
}

func (h *Holder) receive(r Report, pid int) {
	r.PID = pid
	h.mu.Lock()
	same := sameReport(h.report, r)
	h.report, h.heard = r, time.Now()
	h.told()
	h.mu.Unlock()
	if !same {
		poke(h.changed)
	}
}

// sameReport compares what a reader would act on.
func sameReport(a, b Report) bool {
	return a.Term == b.Term && a.PID == b.PID && a.Since.Equal(b.Since) && (a.Deadline == 0) == (b.Deadline == 0) &&
		slices.Equal(a.Holding, b.Holding) && slices.Equal(a.Problems, b.Problems) &&
		slices.Equal(a.LinksDown, b.LinksDown) && slices.Equal(a.Routers, b.Routers) && slices.Equal(a.Virtual, b.Virtual) && slices.Equal(a.Tied, b.Tied) &&
		slices.EqualFunc(a.Foreign, b.Foreign, func(x, y Foreign) bool { return x.Addr == y.Addr && x.MAC == y.MAC && x.VRID == y.VRID })
}

// Report is the newest report; empty while there is no child, or when it has
// been silent for so long that nobody knows. What was held is left out of it as
// soon as its deadline has passed.
func (h *Holder) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.report
	if h.proc == nil || time.Since(h.heard) > upWithin || r.Deadline != 0 && r.Deadline <= Monotonic() {
		r.Holding, r.Deadline, r.Since = []netip.Addr(nil), 0, time.Time{}
	}
	r.Problems = append(slices.Clone(h.refuse), r.Problems...)
	return r
}

// Up reports whether the child runs and has answered lately: a frozen child is
// not up.
func (h *Holder) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proc != nil && h.quiet.ticks < upTicks
}

// Changed is signalled when the report changed otherwise than by its deadline:
// size 1, for one reader.
func (h *Holder) Changed() <-chan struct{} { return h.changed }

// errSilent: the child did not say anything after its start.
var errSilent = errors.New("no word from the VIP holder process")
