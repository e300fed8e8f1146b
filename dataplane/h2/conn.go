package h2

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
)

// Transport carries a connection's bytes.
type Transport interface {
	Read(p []byte) (int, error)
	// Write writes all of p and gives up when the peer takes nothing for idle.
	Write(p []byte, idle time.Duration) (int, error)
	SetReadDeadline(t time.Time)
	// Linger ends the connection so that the peer can still read our last bytes;
	// Abort ends it now.
	Linger()
	Abort()
}

// Config of a connection.
type Config struct {
	// Handle serves a stream in a goroutine of its own and closes it.
	Handle func(*Stream)
	Limits http1.Limits
	// Hello bounds the wait for the preface and the first SETTINGS, Idle the time
	// without a request, Write the time a client may take nothing. All > 0.
	Hello, Idle, Write time.Duration
	// Slow notes that an answer of a stream waited for its client's windows, and got n
	// bytes on; true gives it up. nil never does.
	Slow     func(p *semantics.Pace, wait time.Duration, n int) bool
	Counters *Counters
}

// Counters of all connections that share them.
type Counters struct {
	Streams  atomic.Int64 // requests that were begun
	Refused  atomic.Int64 // beyond the bound of streams at once
	Resets   atomic.Int64 // streams that the client gave up
	Floods   atomic.Int64 // connections ended for what they sent
	Protocol atomic.Int64 // connections ended for a protocol error
}

// Conn serves one client connection.
type Conn struct {
	t   Transport
	cfg Config

	// The reader's alone.
	fr    *http2.Framer
	dec   *hpack.Decoder
	list  headList
	ready bool // the client's first SETTINGS came

	wmu sync.Mutex // taken before mu
	w   *writer    // guarded by wmu

	mu         sync.Mutex
	streams    map[uint32]*Stream // open or being served; at most 2*maxStreams
	live       int                // those that are open; at most maxStreams
	budget     budget
	sendWindow int64       // of the connection
	recv       int64       // what the client may send on all streams together
	unacked    int         // read by the streams and not yet given back
	initial    int64       // the client's SETTINGS_INITIAL_WINDOW_SIZE
	newest     uint32      // stream that the client has opened
	idleSince  time.Time   // when the last stream ended
	draining   bool        // asked to end
	over       bool        // no stream is opened any more
	finished   bool        // the reader has stopped: deadlines are its own again
	lastTimer  *time.Timer // calls lastCall; nil unless draining
	done       sync.WaitGroup
}

// New makes a connection on t.
func New(t Transport, cfg Config) *Conn {
	c := &Conn{
		t: t, cfg: cfg, w: newWriter(t, cfg.Write), streams: make(map[uint32]*Stream),
		sendWindow: defaultWindow, initial: defaultWindow, recv: connWindow,
	}
	c.dec = hpack.NewDecoder(tableSize, func(f hpack.HeaderField) { c.list.add(f, &c.cfg.Limits) })
	c.dec.SetMaxStringLength(cfg.Limits.Head)
	return c
}

// defaultWindow is what both sides begin with (RFC 9113 section 6.9.2).
const defaultWindow = 64<<10 - 1

// Serve runs the connection to its end and waits for its streams.
func (c *Conn) Serve() {
	err := c.read()
	c.finish(err)
	c.done.Wait()
}

// finish ends the connection for the reason the reader gave.
func (c *Conn) finish(err error) {
	code, polite := http2.ErrCodeNo, false
	if ce, ok := errors.AsType[http2.ConnectionError](err); ok {
		code, polite = http2.ErrCode(ce), true
	} else if errors.Is(err, http2.ErrFrameTooLarge) {
		code, polite = http2.ErrCodeFrameSize, true
	} else if errors.Is(err, errIdle) {
		polite = true
	}
	switch code {
	case http2.ErrCodeNo:
	case http2.ErrCodeEnhanceYourCalm:
		c.cfg.Counters.Floods.Add(1)
	default:
		c.cfg.Counters.Protocol.Add(1)
	}
	c.mu.Lock()
	c.over, c.finished = true, true
	last := c.newest
	if c.lastTimer != nil {
		c.lastTimer.Stop()
	}
	for _, s := range c.streams {
		s.reset = true
		s.settle()
		poke(s.readable)
		poke(s.writable)
	}
	c.mu.Unlock()
	if !polite {
		c.t.Abort()
		return
	}
	c.wmu.Lock()
	c.w.idle = c.cfg.Write
	c.w.goAway(last, code)
	err = c.w.flush()
	c.w.err = errClosed
	c.wmu.Unlock()
	if err != nil {
		c.t.Abort()
		return
	}
	c.t.Linger()
}

// Reasons for the reader to stop that are no error of the client.
var (
	errIdle   = errors.New("idle")
	errClosed = errors.New("connection closed")
)

// flush writes what is ready.
func (c *Conn) flush() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.w.flush()
}

// control writes control frames.
func (c *Conn) control(make func(w *writer)) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.w.idle = c.cfg.Write
	make(c.w)
	return c.w.flush()
}

// creditConn notes that n bytes of the connection's window are free again and
// returns the update that is due. c.mu is held.
func (c *Conn) creditConn(n int) (due int) {
	c.unacked += n
	if c.unacked >= connWindow/2 {
		due, c.unacked = c.unacked, 0
		c.recv += int64(due)
	}
	return due
}

// sendUpdates gives windows back to the client. That it fails is learnt by the reader.
func (c *Conn) sendUpdates(id uint32, onStream, onConn int) {
	if onStream == 0 && onConn == 0 {
		return
	}
	_ = c.control(func(w *writer) {
		if onStream > 0 {
			w.windowUpdate(id, uint32(onStream))
		}
		if onConn > 0 {
			w.windowUpdate(0, uint32(onConn))
		}
	})
}

// earn fills the budget for work that the client asked for and took.
func (c *Conn) earn(gain float64) {
	c.mu.Lock()
	c.budget.earn(gain)
	c.mu.Unlock()
}

// spend charges the client; an error ends the connection.
func (c *Conn) spend(price float64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.budget.spend(price, time.Now()) {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	return nil
}

// open makes a stream and serves it.
func (c *Conn) open(id uint32, r request, ended bool) {
	c.cfg.Counters.Streams.Add(1)
	s := &Stream{
		id: id, c: c, asked: r, left: r.length, halfDone: ended, recv: streamWindow, ans: newAnswer(r.isHead),
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1), wd: c.cfg.Write,
	}
	s.push(r.head, 0)
	s.asked.head = nil
	c.mu.Lock()
	s.window = c.initial
	c.streams[id] = s
	c.live++
	c.mu.Unlock()
	c.done.Go(func() {
		defer c.forget(s)
		c.cfg.Handle(s)
	})
}

// forget takes a stream out that was served.
func (c *Conn) forget(s *Stream) {
	c.mu.Lock()
	delete(c.streams, s.id)
	s.reset = true
	s.settle()
	credit := 0
	for _, p := range s.in {
		credit += p.credit
	}
	s.in = nil
	due := c.creditConn(credit)
	if len(c.streams) == 0 {
		c.idleSince = time.Now()
		if c.over && !c.finished {
			c.t.SetReadDeadline(c.idleSince) // the reader is not needed any more
		}
	}
	c.mu.Unlock()
	c.sendUpdates(0, 0, due)
}

// resetStream ends s from our side, unless it has ended.
func (c *Conn) resetStream(s *Stream, code http2.ErrCode) {
	c.mu.Lock()
	over := s.closed
	s.reset = true
	s.settle()
	c.mu.Unlock()
	poke(s.readable)
	poke(s.writable)
	if !over {
		_ = c.control(func(w *writer) { w.reset(s.id, code) })
	}
}

// Drain asks the client to send no new request: twice, so that none that is on
// its way is lost (RFC 9113 section 6.8). Streams go on; the connection ends when
// none is left. It does not block for longer than a write.
func (c *Conn) Drain() {
	c.mu.Lock()
	again := c.draining || c.over
	c.draining = true
	if !again {
		c.lastTimer = time.AfterFunc(drainGrace, c.lastCall)
	}
	c.mu.Unlock()
	if again {
		return
	}
	go func() { // ends with the write, which is bounded
		_ = c.control(func(w *writer) {
			w.goAway(1<<31-1, http2.ErrCodeNo)
			w.ping(false, drainPing)
		})
	}()
}

// drainPing tells the answer to Drain's PING from the client's own.
var drainPing = [8]byte{'l', 'b', 'd', 'd', 'r', 'a', 'i', 'n'}

// lastCall names the last stream that is served.
func (c *Conn) lastCall() {
	c.mu.Lock()
	again := c.over
	c.over = true
	last := c.newest
	if len(c.streams) == 0 && !c.finished {
		c.t.SetReadDeadline(time.Now())
	}
	c.mu.Unlock()
	if !again {
		_ = c.control(func(w *writer) { w.goAway(last, http2.ErrCodeNo) })
	}
}

// Cut ends the connection and its streams now.
func (c *Conn) Cut() { c.t.Abort() }
