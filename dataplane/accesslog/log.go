package accesslog

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lbd/store/model"
)

const (
	// shards is how many buffers lines are collected in. Event loops have their own.
	shards = 16
	// shardSize is the most that waits in one, in bytes; lines beyond are dropped.
	shardSize = 256 << 10
	// shardLines is the same in lines, for formats with short ones.
	shardLines = 8 << 10
	// flushEvery is how long a line waits at most before it is given to the sink.
	flushEvery = 200 * time.Millisecond
)

// Config of a Log.
type Config struct {
	Format *Format
	Sink   Sink
	// Sample is the share of entries that are written, 0 to 1. Those that failed are
	// written always.
	Sample float64
	Log    *slog.Logger
}

// Sink is where lines go.
type Sink interface {
	// Write takes a batch, in the order of its shard. What it keeps it copies. It
	// may take its time, within ctx: lines that come meanwhile wait, or are dropped
	// when the buffers are full. An error loses the batch.
	Write(ctx context.Context, batch []Line) error
	Close() error
}

// Line is one formatted entry, without an end of line.
type Line struct {
	At           time.Time
	Listener     model.ListenerID
	LoadBalancer model.LoadBalancerID
	Failed       bool
	Text         []byte
}

// Counts of a Log. They only grow.
type Counts struct {
	Written    int64 // lines that the sink took
	Dropped    int64 // because a buffer was full
	Lost       int64 // because the sink failed
	SampledOut int64
}

// Log collects lines. Run writes them.
type Log struct {
	cfg     Config
	headers []string
	shard   [shards]shard
	wake    chan struct{}

	written, dropped, lost, sampledOut atomic.Int64
}

// shard is one buffer of lines.
type shard struct {
	mu    sync.Mutex
	text  []byte     // guarded by mu
	lines []lineMeta // guarded by mu
	_     [64]byte
}

type lineMeta struct {
	at           time.Time
	listener     model.ListenerID
	loadBalancer model.LoadBalancerID
	failed       bool
	end          int // of the line, in text
}

// New makes a Log; Run is to be called once.
func New(cfg Config) *Log {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Log{cfg: cfg, headers: cfg.Format.headers, wake: make(chan struct{}, 1)}
}

// Counts tells what became of the entries.
func (l *Log) Counts() Counts {
	return Counts{Written: l.written.Load(), Dropped: l.dropped.Load(), Lost: l.lost.Load(), SampledOut: l.sampledOut.Load()}
}

// Listener is what a listener logs; nil: nothing.
type Listener struct {
	ID           model.ListenerID
	LoadBalancer model.LoadBalancerID
	Sample       float64
	log          *Log
}

// TagPrefix begins the tag of a listener that says what is logged of it: a share
// between 0 and 1, "on" or "off".
const TagPrefix = "access-log="

// Of makes the part of one listener. nil when l is nil or its tags switch the log
// off. A tag that says nothing of use is ignored, loudly: the node's setting counts.
func (l *Log) Of(id model.ListenerID, lb model.LoadBalancerID, tags []string) *Listener {
	if l == nil {
		return nil
	}
	out := &Listener{ID: id, LoadBalancer: lb, Sample: l.cfg.Sample, log: l}
	for _, t := range tags {
		v, mine := strings.CutPrefix(t, TagPrefix)
		if !mine {
			continue
		}
		switch share, err := ParseSample(v); {
		case v == "off":
			return nil
		case v == "on":
			out.Sample = 1
		case err != nil:
			l.cfg.Log.Warn("tag of a listener is ignored", "listener", string(id), "tag", t, "hint", "access-log=on, access-log=off or a share such as access-log=0.01")
		default:
			out.Sample = share
		}
	}
	return out
}

// ParseSample reads a share of entries, 0 to 1.
func ParseSample(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1) { // NaN is neither
		return 0, fmt.Errorf("%q is not a share between 0 and 1", s)
	}
	return v, nil
}

// sampled decides beforehand whether an entry that does not fail is written.
func (l *Log) sampled(e *Entry, share float64) {
	e.refusing = share < 1 && rand.Float64() >= share
}

// write formats e into the n-th shard. It never waits for the sink.
func (l *Log) write(n int, e *Entry) {
	failed := e.End.Failed() || e.Status >= 500
	if e.refusing && !failed {
		l.sampledOut.Add(1)
		return
	}
	s := &l.shard[uint(n)%shards]
	s.mu.Lock()
	if s.text == nil {
		s.text = make([]byte, 0, shardSize)
	}
	was := len(s.text)
	text := l.cfg.Format.Append(s.text, e)
	if len(text) > shardSize || len(s.lines) >= shardLines {
		s.mu.Unlock()
		l.dropped.Add(1)
		l.nudge()
		return
	}
	s.text = text
	s.lines = append(s.lines, lineMeta{at: e.begin, listener: e.Listener, loadBalancer: e.LoadBalancer, failed: failed, end: len(text)})
	s.mu.Unlock()
	if was < shardSize/2 && len(text) >= shardSize/2 {
		l.nudge()
	}
}

func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run writes what is collected until ctx ends, then what is left, and closes the
// sink. A sink that fails is reported once until it works again.
func (l *Log) Run(ctx context.Context) {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	w := writer{l: l, spare: make([]byte, 0, shardSize)}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-l.wake:
		}
		w.flush(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	w.flush(last)
	if err := l.cfg.Sink.Close(); err != nil {
		l.cfg.Log.Warn("close access log", "err", err)
	}
}

// lastFlush bounds the writing of what is left at the end.
const lastFlush = 2 * time.Second

// writer is what Run keeps between flushes.
type writer struct {
	l       *Log
	spare   []byte     // takes the place of the text that is being written
	meta    []lineMeta // the same for its lines
	batch   []Line
	failing bool
}

func (w *writer) flush(ctx context.Context) {
	for i := range w.l.shard {
		s := &w.l.shard[i]
		s.mu.Lock()
		if len(s.lines) == 0 {
			s.mu.Unlock()
			continue
		}
		text, lines := s.text, s.lines
		s.text, s.lines = w.spare[:0], w.meta[:0]
		s.mu.Unlock()
		w.write(ctx, text, lines)
		w.spare, w.meta = text, lines
	}
}

func (w *writer) write(ctx context.Context, text []byte, lines []lineMeta) {
	w.batch = w.batch[:0]
	from := 0
	for i := range lines {
		m := &lines[i]
		w.batch = append(w.batch, Line{At: m.at, Listener: m.listener, LoadBalancer: m.loadBalancer, Failed: m.failed, Text: text[from:m.end]})
		from = m.end
	}
	err := w.l.cfg.Sink.Write(ctx, w.batch)
	if err != nil {
		w.l.lost.Add(int64(len(lines)))
		if !w.failing {
			w.l.cfg.Log.Warn("access log lines are lost until this works again", "err", err)
		}
	} else {
		w.l.written.Add(int64(len(lines)))
		if w.failing {
			w.l.cfg.Log.Info("access log works again")
		}
	}
	w.failing = err != nil
}
