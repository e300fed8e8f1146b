package health

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// subject records verdicts.
type subject struct {
	mu sync.Mutex
	v  model.MemberHealth
	up bool
}

func (s *subject) SetVerdict(v model.MemberHealth, up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.v, s.up = v, up
}

func (s *subject) Health() model.MemberHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.v
}

func (s *subject) state() (model.Operating, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.v.Status, s.up
}

// wire is a network whose one host is up or down.
type wire struct {
	down  atomic.Bool
	dials atomic.Int64
	open  atomic.Int64
	most  atomic.Int64
	take  time.Duration
}

func (w *wire) dial(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	w.dials.Add(1)
	n := w.open.Add(1)
	defer w.open.Add(-1)
	for {
		most := w.most.Load()
		if n <= most || w.most.CompareAndSwap(most, n) {
			break
		}
	}
	if w.take > 0 {
		select {
		case <-time.After(w.take):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if w.down.Load() {
		return nil, errors.New("connection refused")
	}
	a, b := net.Pipe()
	b.Close()
	return a, nil
}

func tcpSpec(delay time.Duration) Spec {
	return Spec{Type: model.MonitorTCP, Addr: netip.MustParseAddrPort("10.0.0.3:80"), Delay: delay, Timeout: 10 * time.Second, Rise: 4, Fall: 3}
}

func expect(t *testing.T, when string, s *subject, status model.Operating, up bool) {
	t.Helper()
	if gs, gu := s.state(); gs != status || gu != up {
		t.Errorf("%s: %s, traffic %v; want %s, %v", when, gs, gu, status, up)
	}
}

func TestCheckerFollowsTheMonitorsRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := &wire{}, &subject{}
		var changes atomic.Int64
		c := New(Config{Dial: w.dial}, func() { changes.Add(1) })
		defer c.Close()
		c.Apply(nil, []Target{{s, tcpSpec(5 * time.Second)}})
		expect(t, "before the first probe", s, model.Offline, true)
		time.Sleep(time.Second)
		expect(t, "after one good probe", s, model.Online, true)
		w.down.Store(true)
		time.Sleep(10 * time.Second)
		expect(t, "after two failures", s, model.Online, true)
		time.Sleep(5 * time.Second)
		expect(t, "after three failures", s, model.Failing, false)
		if got, want := s.Health().Reason, "connect 10.0.0.3:80: connection refused, 3 of 3"; got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
		w.down.Store(false)
		time.Sleep(15 * time.Second)
		expect(t, "after three successes", s, model.Failing, false)
		time.Sleep(5 * time.Second)
		expect(t, "after four successes", s, model.Online, true)
		if n := changes.Load(); n != 3 {
			t.Errorf("%d changes told, want 3", n)
		}
	})
}

func TestCheckerApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := &wire{}, &subject{}
		w.down.Store(true)
		c := New(Config{Dial: w.dial}, func() {})
		defer c.Close()
		spec := tcpSpec(time.Second)
		c.Apply(nil, []Target{{s, spec}})
		time.Sleep(3500 * time.Millisecond)
		expect(t, "down", s, model.Failing, false)
		since := s.Health().Since

		dials := w.dials.Load()
		c.Apply([]Target{{s, spec}}, []Target{{s, spec}})
		synctest.Wait()
		if w.dials.Load() != dials {
			t.Error("an equal target was probed anew")
		}
		slower := spec
		slower.Delay = 2 * time.Second
		c.Apply([]Target{{s, spec}}, []Target{{s, slower}})
		expect(t, "a changed delay keeps the verdict", s, model.Failing, false)
		time.Sleep(5 * time.Second)
		if got := s.Health().Since; got != since {
			t.Errorf("since moved from %s to %s", since, got)
		}
		moved := slower
		moved.Addr = netip.MustParseAddrPort("10.0.0.4:80")
		c.Apply([]Target{{s, slower}}, []Target{{s, moved}})
		expect(t, "a new address is a new member", s, model.Offline, true)

		c.Apply([]Target{{s, moved}}, nil)
		s.SetVerdict(model.MemberHealth{Status: model.NoMonitor}, true)
		dials = w.dials.Load()
		time.Sleep(time.Minute)
		expect(t, "not probed any more", s, model.NoMonitor, true)
		if w.dials.Load() != dials {
			t.Error("a dropped target was probed")
		}
	})
}

func TestCheckerBoundsProbesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{take: 20 * time.Second} // longer than the timeout: all hang
		c := New(Config{Dial: w.dial}, func() {})
		defer c.Close()
		var targets []Target
		for range 3 * maxInFlight {
			targets = append(targets, Target{&subject{}, tcpSpec(time.Second)})
		}
		c.Apply(nil, targets)
		time.Sleep(2 * time.Minute)
		if most := w.most.Load(); most != maxInFlight {
			t.Errorf("%d probes at once, want %d", most, maxInFlight)
		}
		for _, tg := range targets {
			expect(t, "after two minutes", tg.Subject.(*subject), model.Failing, false)
		}
	})
}

// What another process has found out is taken over where nothing is known here, and
// nowhere else.
func TestCheckerRelearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		known := map[Subject]model.MemberHealth{}
		c := New(Config{Dial: w.dial, Known: func(s Subject) (model.MemberHealth, bool) { v, ok := known[s]; return v, ok }}, func() {})
		defer c.Close()
		fine, fails, silent := &subject{}, &subject{}, &subject{}
		spec := tcpSpec(10 * time.Second)
		c.Apply(nil, []Target{{fine, spec}})
		time.Sleep(time.Second)
		w.down.Store(true)
		c.Apply(nil, []Target{{fails, spec}, {silent, spec}})
		time.Sleep(time.Second)
		expect(t, "after one failure", fails, model.Offline, true)
		since := time.Now().Add(-time.Hour)
		down := model.MemberHealth{Status: model.Failing, Reason: "it was seen", Since: since}
		known[fine], known[fails], known[silent] = down, down, model.MemberHealth{Status: model.Offline}
		c.Relearn()
		expect(t, "one with a verdict", fine, model.Online, true)
		expect(t, "one without", fails, model.Failing, false)
		expect(t, "one that nobody knows", silent, model.Offline, true)
		time.Sleep(time.Second)
		if h := fails.Health(); h.Since != since || h.Status != model.Failing {
			t.Errorf("probed again: %+v", h)
		}
		w.down.Store(false)
		time.Sleep(50 * time.Second)
		expect(t, "when it is well again", fails, model.Online, true)
	})
}
