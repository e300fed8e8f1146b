package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// HolderMain is the child: it serves the parent on fd until the parent's end
// closes, then closes the gate and leaves, which takes the addresses away. It
// returns the exit code.
func HolderMain(fd uintptr) int {
	f := os.NewFile(fd, "parent")
	if f == nil || tieLife(int(fd)+1) != nil {
		fmt.Fprintln(os.Stderr, "lbd: holder is started by lbd itself, not by hand")
		return 2
	}
	c, err := net.FileConn(f)
	f.Close() // FileConn has its own; a second one would hide the parent's death
	conn, ok := c.(*net.UnixConn)
	if err != nil || !ok {
		fmt.Fprintln(os.Stderr, "lbd: holder is started by lbd itself, not by hand")
		return 2
	}
	ch := &child{conn: conn, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	if err := ch.run(); err != nil {
		ch.send(fatalMessage(err))
		return 1
	}
	return 0
}

func fatalMessage(err error) []byte {
	w := writer{byte(kindFatal)}
	w.text(err.Error())
	return w
}

// child is the holder process.
type child struct {
	conn *net.UnixConn
	log  *slog.Logger
	wake chan struct{} // size 1: newest changed
	gone chan struct{} // closed when the parent is

	mu     sync.Mutex
	newest *orderMessage // guarded by mu; nil when taken

	macs    atomic.Pointer[map[string]bool] // this machine's hardware addresses
	tethers *tethers

	// Of the goroutine in serve:
	sent   []byte // last report without what always changes
	stale  int64  // Monotonic when the deadline in it is to be told anew
	advert advertised
}

func (c *child) run() error {
	setup, err := c.setup()
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if setup.Debug {
		level = slog.LevelDebug
	}
	c.log = slog.New(&logHandler{send: c.send, level: level}).With("part", "vrrp")
	prepareProcess(c.log)
	watch, err := NewLinkWatch(c.log)
	if err != nil {
		return err
	}
	g, err := newGate(&bestHook{})
	if err != nil {
		return err
	}
	exit, err := watchExit(g.deadline)
	if err != nil {
		c.log.Warn("no hook for this process's death: peers will notice it some ten milliseconds later", "err", err)
	} else {
		defer exit.Close()
	}
	c.tethers = newTethers(exit != nil)
	table, err := newAddresses(setup.Device)
	if err != nil {
		return err
	}
	foreign := make(chan Foreign, 64)
	var k *keeper
	open := func() bool { return k.open() }
	ann := newAnnouncer(c.log, open, c.ownMAC, foreign)
	adv := newAdvertiser(c.log, open, foreign)
	k = newKeeper(c.log, g, table, ann, watch.all, Monotonic)
	k.taken = adv.taken
	c.learnMACs(watch.all())
	if err := k.start(); err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { ann.run(ctx) })
	wg.Go(func() { adv.run(ctx) })
	wg.Go(func() {
		if err := watch.Run(ctx); err != nil {
			c.log.Error("links", "err", err)
		}
	})
	wg.Go(c.read)
	c.serve(k, ann, adv, watch, foreign)

	// The parent is gone or asked us to leave. Gate first; then the device with
	// all addresses; the gate's programs go last, with the process.
	k.shut()
	table.Close()
	c.tethers.close() // says that nothing is held any more
	adv.resign()
	cancel()
	_ = c.conn.Close() // nobody is at the other end
	wg.Wait()
	return g.Close()
}

// setup is the parent's first message.
func (c *child) setup() (setupMessage, error) {
	buf := make([]byte, maxMessage)
	if err := c.conn.SetReadDeadline(time.Now().Add(startWithin)); err != nil {
		return setupMessage{}, err
	}
	n, err := c.conn.Read(buf)
	if err != nil {
		return setupMessage{}, fmt.Errorf("read from parent: %w", err)
	}
	if n < 1 || kind(buf[0]) != kindSetup {
		return setupMessage{}, errMessage
	}
	m, err := decodeSetup(buf[1:n])
	return m, errors.Join(err, c.conn.SetReadDeadline(time.Time{}))
}

// read keeps the newest order. Older ones that waited in the socket while we
// were stopped are skipped: each stands alone.
func (c *child) read() {
	defer close(c.gone)
	buf := make([]byte, maxMessage)
	for {
		n, err := c.conn.Read(buf)
		if err != nil || n == 0 {
			return
		}
		if kind(buf[0]) == kindTie {
			if m, err := decodeTie(buf[1:n]); err != nil {
				c.log.Error("tether", "err", err)
			} else {
				c.tethers.tie(m, c.log)
			}
			continue
		}
		if kind(buf[0]) != kindOrder {
			continue
		}
		m, err := decodeOrder(buf[1:n])
		if err != nil {
			c.log.Error("order", "err", err)
			continue
		}
		c.mu.Lock()
		c.newest = &m
		c.mu.Unlock()
		poke(c.wake)
	}
}

func (c *child) next() (orderMessage, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest == nil {
		return orderMessage{}, false
	}
	m := *c.newest
	c.newest = nil
	return m, true
}

// serve is the loop of the one goroutine that drives the keeper.
func (c *child) serve(k *keeper, ann *announcer, adv *advertiser, watch *LinkWatch, foreign <-chan Foreign) {
	deadline := time.NewTimer(time.Hour)
	defer deadline.Stop()
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	resync := time.NewTicker(resyncEvery)
	defer resync.Stop()
	more := make(chan struct{})
	close(more)
	links := watch.all()
	periodic := true
	for {
		var again chan struct{}
		if k.step() {
			again = more
		}
		r := k.report()
		r.Announced, r.Tied, r.Routers = ann.sent.Load(), c.tethers.tied(), adv.report()
		if again == nil {
			c.advertise(k, r, adv)
		}
		c.tell(r, periodic)
		periodic = false
		deadline.Reset(k.left())
		select {
		case <-c.gone:
			return
		case <-c.wake:
			if o, ok := c.next(); ok {
				k.take(o)
			}
		case <-deadline.C:
			k.expire()
		case <-watch.Changed():
			now := watch.all()
			c.learnMACs(now)
			k.linksChanged(links)
			links = now
		case f := <-foreign:
			k.claimedBy(f)
		case <-c.tethers.changed:
		case <-report.C:
			periodic = true
		case <-resync.C:
			if len(k.held)+len(k.want) > 0 && len(k.todo) == 0 {
				k.resync()
			}
		case <-again:
		}
	}
}

// advertise follows what is held, once the keeper has nothing left to do.
func (c *child) advertise(k *keeper, r Report, adv *advertiser) {
	if len(r.Holding) == 0 {
		if c.advert.vips != nil {
			adv.resign()
			c.advert = advertised{}
		}
		return
	}
	now := advertised{how: k.order.VRRP}
	for _, a := range r.Holding {
		now.vips = append(now.vips, VIP{a, k.held[a].link})
	}
	if now.how.equal(c.advert.how) && slices.Equal(now.vips, c.advert.vips) {
		return
	}
	c.advert = now
	if err := adv.set(now.how, now.vips); err != nil {
		c.log.Warn("adverts", "err", err)
	}
}

// advertised is what the advertiser was told last.
type advertised struct {
	how  VRRP
	vips []VIP
}

// tell reports; only when something other than the deadline changed, unless
// always, or a third of the time to the deadline that the parent knows is over: it
// believes the report until then.
func (c *child) tell(r Report, always bool) {
	bare := r
	bare.Deadline, bare.Announced, bare.ForeignAdverts, bare.ForeignClaims = 0, 0, 0, 0
	if r.Deadline != 0 {
		bare.Seq = 0 // a renewal is not news; a release is confirmed at once
	}
	b, now := bare.encode(), Monotonic()
	if !always && slices.Equal(b, c.sent) && (r.Deadline == 0 || now < c.stale) {
		return
	}
	c.sent, c.stale = b, now+(r.Deadline-now)/3
	c.send(r.encode())
}

// send never waits: a parent that does not read loses a report, and gets the
// next one.
func (c *child) send(b []byte) {
	if err := c.conn.SetWriteDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return
	}
	_, _ = c.conn.Write(b) // see above
}

func (c *child) learnMACs(links map[string]linkInfo) {
	m := make(map[string]bool, len(links))
	for _, l := range links {
		if l.mac != "" {
			m[l.mac] = true
		}
	}
	c.macs.Store(&m)
}

func (c *child) ownMAC(mac string) bool { return (*c.macs.Load())[mac] }
