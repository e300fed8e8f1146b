package accesslog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
	"lbd/internal/testutil/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a sink that keeps what it gets.
type memory struct {
	mu    sync.Mutex
	lines []string // guarded by mu
	err   error    // guarded by mu
	hold  chan struct{}
}

func (m *memory) Write(_ context.Context, batch []Line) error {
	if m.hold != nil {
		<-m.hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	for _, l := range batch {
		m.lines = append(m.lines, string(l.Text))
	}
	return nil
}

func (m *memory) Close() error { return nil }

func format(t testing.TB, s string) *Format {
	t.Helper()
	f, err := ParseFormat(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func request(t testing.TB, head string) *http1.Request {
	t.Helper()
	var r http1.Request
	lim := http1.DefaultLimits()
	if n, err := r.Parse([]byte(head), &lim); n != len(head) || err != nil {
		t.Fatal(n, err)
	}
	return &r
}

var (
	client = netip.MustParseAddrPort("192.0.2.7:40000")
	vip    = netip.MustParseAddrPort("[2001:db8::1]:80")
	member = netip.MustParseAddrPort("10.0.0.6:8080")
	t0     = time.Date(2026, 11, 26, 10, 0, 0, 123456000, time.UTC)
)

func ms(n int) time.Time { return t0.Add(time.Duration(n) * time.Millisecond) }

// whole is a finished entry of a request that a member has answered.
func whole(t testing.TB, l *Log, head string) *Entry {
	e := &Entry{}
	e.Begin(l.Of("listener-1", "lb-1", nil), client, vip, t0)
	e.Request(request(t, head), "HTTP/1.1", ms(1))
	e.Connected("pool-1", "member-1", member, true, ms(3))
	e.Heard(200, ms(10))
	e.BytesIn, e.BytesOut = 100, 2000
	e.Because(semantics.Completed)
	e.Finish(0, ms(25))
	return e
}

const get = "GET /a?secret=1 HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: \"x\\\x80\tü\r\nReferer: r\r\n\r\n"

func TestJSON(t *testing.T) {
	l := New(Config{Format: format(t, "json"), Sink: &memory{}, Sample: 1})
	e := whole(t, l, get)
	line := l.cfg.Format.Append(nil, e)
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	want := map[string]any{
		"time": "2026-11-26T10:00:00.123456Z", "loadbalancer": "lb-1", "listener": "listener-1", "client": "192.0.2.7:40000",
		"vip": "[2001:db8::1]:80", "protocol": "HTTP/1.1", "tls": "", "method": "GET", "host": "www.example.test", "target": "/a?secret=1",
		"status": 200., "bytes_in": 100., "bytes_out": 2000., "policy": "", "pool": "pool-1", "member": "member-1", "member_addr": "10.0.0.6:8080",
		"tries": 1., "reused": true, "end": "completed", "head_us": 1000., "connect_us": 2000., "wait_us": 7000., "transfer_us": 15000.,
		"total_us": 25000., "user_agent": "\"x\\\ufffd\tü", "referer": "r",
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d: %s", len(got), len(want), line)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
}

func TestTemplate(t *testing.T) {
	for in, want := range map[string]string{
		`{client} "{method} {path} {protocol}" {status} {{{end}}}`: `192.0.2.7:40000 "GET /a HTTP/1.1" 200 {completed}`,
		`{header:User-Agent}|{header:user-agent}`:                  `\"x\\\x80\x09ü|\"x\\\x80\x09ü`,
		`{header:missing} {tls} {tries}`:                           `- - 1`,
	} {
		l := New(Config{Format: format(t, in), Sink: &memory{}, Sample: 1})
		if got := string(l.cfg.Format.Append(nil, whole(t, l, get))); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestFormatsThatAreRefused(t *testing.T) {
	many := ""
	for i := range maxHeaders + 1 {
		many += fmt.Sprintf("{header:h%d}", i)
	}
	for in, hint := range map[string]string{
		"":                       "names no {field}",
		"plain":                  "names no {field}",
		"{status":                "without }",
		"status}":                "without {",
		"{nothing}":              "there is no field",
		"{header:a b}":           "not the name of a request field",
		"{header:}":              "not the name of a request field",
		"{header:Cookie}":        "secrets",
		"{header:AUTHORIZATION}": "secrets",
		"{status}\n":             "control characters",
		many:                     "at most 16",
		"{status}" + strings.Repeat("x", maxFormat): "at most 4096",
	} {
		if _, err := ParseFormat(in); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%.40q: %v, want something about %q", in, err, hint)
		}
	}
}

// Whatever was reached: the parts add up to the total.
func TestTimingAddsUp(t *testing.T) {
	l := New(Config{Format: format(t, "{status}"), Sink: &memory{}, Sample: 1})
	r := request(t, get)
	for reached := range 4 {
		e := &Entry{}
		e.Begin(l.Of("l", "lb", nil), client, vip, t0)
		if reached > 0 {
			e.Request(r, "HTTP/1.1", ms(1))
		}
		if reached > 1 {
			e.Connected("p", "m1", member, false, ms(2)) // in vain
			e.Heard(0, ms(3))
			e.Connected("p", "m2", member, false, ms(6))
		}
		if reached > 2 {
			e.Heard(200, ms(11))
		}
		e.Finish(0, ms(20))
		got := e.Timing()
		want := []Timing{
			{Head: 20}, {Head: 1, Connect: 19}, {Head: 1, Connect: 5, Wait: 14}, {Head: 1, Connect: 5, Wait: 5, Transfer: 9},
		}[reached]
		want.Head, want.Connect, want.Wait, want.Transfer = want.Head*1e6, want.Connect*1e6, want.Wait*1e6, want.Transfer*1e6
		want.Total = 20e6
		if got != want || got.Head+got.Connect+got.Wait+got.Transfer != got.Total {
			t.Errorf("reached %d: %+v, want %+v", reached, got, want)
		}
	}
	e := &Entry{}
	e.Begin(l.Of("l", "lb", nil), client, vip, t0)
	e.Flow(TCP)
	e.Connected("p", "m", member, false, ms(4))
	e.Finish(0, ms(10))
	if got := e.Timing(); got != (Timing{Connect: 4e6, Transfer: 6e6, Total: 10e6}) {
		t.Errorf("TCP: %+v", got)
	}
}

func TestFirstReasonIsTheCause(t *testing.T) {
	l := New(Config{Format: format(t, "{end}"), Sink: &memory{}, Sample: 1})
	e := &Entry{}
	e.Begin(l.Of("l", "lb", nil), client, vip, t0)
	e.Because(semantics.MemberTimeout)
	e.Because(semantics.ClientAborted)
	e.Finish(0, ms(1))
	if e.End != semantics.MemberTimeout {
		t.Error(e.End)
	}
	e.Begin(l.Of("l", "lb", nil), client, vip, t0)
	if e.Because(semantics.Completed); e.End != semantics.Completed || e.End.Failed() {
		t.Error("the entry before shows through")
	}
}

// run lets l write until the test is done with it.
func run(t testing.TB, l *Log) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func TestEverythingIsWrittenInOrder(t *testing.T) {
	m := &memory{}
	l := New(Config{Format: format(t, "{tries}"), Sink: m, Sample: 1})
	stop := run(t, l)
	const n = 20000 // more than a shard holds at once
	e := &Entry{}
	for i := range n {
		e.Begin(l.Of("l", "lb", nil), client, vip, t0)
		e.Tries = i
		e.Finish(3, ms(1))
		if i%4000 == 3999 {
			poll.Until(t, "the sink keeps up", func() bool { return l.Counts().Written >= int64(i) })
		}
	}
	stop()
	if c := l.Counts(); c != (Counts{Written: n}) {
		t.Fatalf("%+v", c)
	}
	for i, s := range m.lines {
		if s != fmt.Sprint(i) {
			t.Fatalf("line %d is %q", i, s)
		}
	}
}

func TestASlowSinkCostsLinesNotTime(t *testing.T) {
	m := &memory{hold: make(chan struct{})}
	l := New(Config{Format: format(t, "{target}"), Sink: m, Sample: 1})
	stop := run(t, l)
	const n = 50000
	for range n {
		whole(t, l, "GET /12345678901234567890 HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	close(m.hold)
	stop()
	c := l.Counts()
	if c.Dropped == 0 || c.Written == 0 || c.Dropped+c.Written != n || int64(len(m.lines)) != c.Written {
		t.Errorf("%+v and %d lines of %d", c, len(m.lines), n)
	}
}

func TestAFailingSinkIsCounted(t *testing.T) {
	m := &memory{err: errors.New("disk full")}
	l := New(Config{Format: format(t, "{status}"), Sink: m, Sample: 1})
	stop := run(t, l)
	whole(t, l, get)
	stop()
	if c := l.Counts(); c != (Counts{Lost: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestSamplingKeepsFailures(t *testing.T) {
	l := New(Config{Format: format(t, "{status}"), Sink: &memory{}, Sample: 0})
	stop := run(t, l)
	for i := range 300 {
		e := &Entry{}
		e.Begin(l.Of("l", "lb", nil), client, vip, t0)
		switch i % 3 {
		case 0:
			e.Status = 503
		case 1:
			e.Because(semantics.ClientAborted)
		}
		e.Finish(0, ms(1))
	}
	stop()
	if c := l.Counts(); c != (Counts{Written: 200, SampledOut: 100}) {
		t.Errorf("%+v", c)
	}
}

func TestTags(t *testing.T) {
	l := New(Config{Format: format(t, "{status}"), Sink: &memory{}, Sample: 0.5})
	for tag, want := range map[string]float64{"other": 0.5, "access-log=on": 1, "access-log=0.25": 0.25, "access-log=2": 0.5, "access-log=": 0.5} {
		if got := l.Of("l", "lb", []string{"a", tag}); got == nil || got.Sample != want {
			t.Errorf("%s: %+v, want %v", tag, got, want)
		}
	}
	if got := l.Of("l", "lb", []string{"access-log=off"}); got != nil {
		t.Errorf("off: %+v", got)
	}
	if got := (*Log)(nil).Of("l", "lb", nil); got != nil {
		t.Errorf("no log: %+v", got)
	}
}

func TestEntriesDoNotAllocate(t *testing.T) {
	l := New(Config{Format: format(t, "json"), Sink: &memory{}, Sample: 1})
	lis, r, e := l.Of("l", "lb", nil), request(t, "GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n"), &Entry{}
	one := func() {
		e.Begin(lis, client, vip, t0)
		e.Request(r, "HTTP/1.1", ms(1))
		e.Connected("p", "m", member, true, ms(2))
		e.Heard(200, ms(3))
		e.Because(semantics.Completed)
		e.Finish(0, ms(4))
		s := &l.shard[0]
		s.text, s.lines = s.text[:0], s.lines[:0]
	}
	one()
	if n := testing.AllocsPerRun(200, one); n != 0 {
		t.Errorf("%v allocations an entry", n)
	}
}

// What a template makes of anything is one line, and a quoted value ends at its quote.
func FuzzFormat(f *testing.F) {
	f.Add(`{client} "{target}" {status}`, `/"\`, "agent\x00")
	f.Add("json", "/\xff", "\u0085")
	f.Add("{{{header:user-agent}}}", "/", "\"")
	f.Fuzz(func(t *testing.T, tmpl, target, agent string) {
		fm, err := ParseFormat(tmpl)
		if err != nil {
			return
		}
		l := New(Config{Format: fm, Sink: &memory{}, Sample: 1})
		e := &Entry{}
		e.Begin(l.Of("l", "lb", nil), client, vip, t0)
		e.Request(&http1.Request{
			Method: []byte("GET"), Target: []byte(target), Host: []byte("a"), Minor: 1,
			Fields: []http1.Field{{Name: []byte("User-Agent"), Value: []byte(agent)}},
		}, "HTTP/1.1", ms(1))
		e.Finish(0, ms(2))
		line := fm.Append(nil, e)
		if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Errorf("control characters in %q", line)
		}
		if tmpl == "json" && !json.Valid(line) {
			t.Errorf("no JSON: %s", line)
		}
	})
}
