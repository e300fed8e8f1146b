package live

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"lbd/dataplane/netio"
	"lbd/internal/testutil/poll"
	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCountersSumAllShards(t *testing.T) {
	l := NewListener("l1")
	var wg sync.WaitGroup
	for range 3 * shards {
		wg.Go(func() {
			s := l.Shard()
			for range 100 {
				s.BytesIn.Add(3)
				s.BytesOut.Add(5)
				s.Requests.Add(1)
			}
			s.Connections.Add(1)
			s.RequestErrors.Add(2)
		})
	}
	wg.Wait()
	const n = 3 * shards
	want := model.ListenerCounters{BytesIn: 300 * n, BytesOut: 500 * n, Requests: 100 * n, TotalConnections: n, RequestErrors: 2 * n}
	if diff := cmp.Diff(want, l.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewListener("l1")
		stop := make(chan struct{})
		for range 3 { // no limit
			if !l.Enter(stop) {
				t.Fatal("no slot without a limit")
			}
		}
		l.SetLimit(4)
		if l.Full() || !l.Enter(stop) || !l.Full() {
			t.Fatal("limit 4 with 3 open: want one slot, then full")
		}
		var in atomic.Int32
		for range 2 {
			go func() {
				if l.WaitFree(stop) && l.Enter(stop) {
					in.Add(1)
				}
			}()
		}
		synctest.Wait()
		if in.Load() != 0 {
			t.Fatal("entered beyond the limit")
		}
		l.Leave()
		synctest.Wait()
		if in.Load() != 1 || l.Counters().ActiveConnections != 4 {
			t.Fatalf("%d entered after one left, %d active", in.Load(), l.Counters().ActiveConnections)
		}
		l.SetLimit(-1)
		synctest.Wait()
		if in.Load() != 2 || l.Full() {
			t.Fatal("lifting the limit lets nobody in")
		}
		l.SetLimit(1)
		stopped := make(chan bool)
		go func() { stopped <- l.Enter(stop) }()
		synctest.Wait()
		close(stop)
		if <-stopped {
			t.Error("entered a stopped listener")
		}
	})
}

func TestBudget(t *testing.T) {
	b := NewBudget(4)
	if !b.Take(3) || !b.Take(1) || b.Take(1) {
		t.Fatal("want exactly 4 granted")
	}
	b.Give(2)
	b.Force(3)
	if b.Take(1) || b.Used() != 5 || b.Refused() != 2 {
		t.Errorf("used %d, refused %d", b.Used(), b.Refused())
	}
}

// serverSide dials a listener that keeps the peers open.
type serverSide struct {
	t     *testing.T
	ln    net.Listener
	pools *netio.Pools
	peers []net.Conn
}

func newServerSide(t *testing.T) *serverSide {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &serverSide{t: t, ln: ln, pools: netio.NewPools(0)}
	t.Cleanup(func() {
		ln.Close()
		for _, p := range s.peers {
			p.Close()
		}
	})
	return s
}

func (s *serverSide) addr() netip.AddrPort { return s.ln.Addr().(*net.TCPAddr).AddrPort() }

func (s *serverSide) dial() (*netio.Conn, net.Conn) {
	s.t.Helper()
	c, err := netio.Dial(context.Background(), s.addr(), time.Second, s.pools)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := s.ln.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	s.peers = append(s.peers, p)
	return c, p
}

func (s *serverSide) gone(c *netio.Conn) {
	s.t.Helper()
	if c.Peek() != netio.PeerGone {
		s.t.Error("the connection is still open")
	}
}

func TestIdleIsLastInFirstOut(t *testing.T) {
	s := newServerSide(t)
	m := NewMember(Key{"p", "m"}, s.addr(), NewBudget(10))
	a, _ := s.dial()
	b, _ := s.dial()
	m.PutIdle(a, s.addr())
	m.PutIdle(b, s.addr())
	if got := m.TakeIdle(s.addr()); got != b {
		t.Error("the first taken is not the last put")
	}
	if got := m.TakeIdle(s.addr()); got != a {
		t.Error("the second taken is not the first put")
	}
	if m.TakeIdle(s.addr()) != nil {
		t.Error("an empty pool gives a connection")
	}
	a.Close()
	b.Close()
}

func TestIdleDropsWhatTheMemberClosed(t *testing.T) {
	s := newServerSide(t)
	budget := NewBudget(10)
	m := NewMember(Key{"p", "m"}, s.addr(), budget)
	a, peer := s.dial()
	m.PutIdle(a, s.addr())
	peer.Close()
	poll.Until(t, "the peer's end is here", func() bool { return a.Peek() == netio.PeerFinished })
	if m.TakeIdle(s.addr()) != nil {
		t.Error("a closed connection was given out")
	}
	s.gone(a)
	b, peer := s.dial()
	m.PutIdle(b, s.addr())
	peer.Write([]byte("HTTP/1.1 408 unasked\r\n\r\n"))
	poll.Until(t, "the peer's answer is here", func() bool { return b.Peek() == netio.PeerData })
	m.Sweep(time.Now())
	if m.Idle() != 0 || budget.Used() != 0 {
		t.Errorf("%d idle, budget %d after the sweep", m.Idle(), budget.Used())
	}
	s.gone(b)
}

func TestIdleBounds(t *testing.T) {
	s := newServerSide(t)
	budget := NewBudget(2)
	m := NewMember(Key{"p", "m"}, s.addr(), budget)
	var conns []*netio.Conn
	for range 3 {
		c, _ := s.dial()
		conns = append(conns, c)
		m.PutIdle(c, s.addr())
	}
	if m.Idle() != 2 {
		t.Errorf("%d kept with a budget of 2", m.Idle())
	}
	s.gone(conns[2])
	m.Sweep(time.Now().Add(IdleTimeout + time.Second))
	if m.Idle() != 0 || budget.Used() != 0 {
		t.Errorf("%d idle, budget %d after their time", m.Idle(), budget.Used())
	}
}

func TestIdleFollowsTheAddress(t *testing.T) {
	s := newServerSide(t)
	budget := NewBudget(10)
	m := NewMember(Key{"p", "m"}, s.addr(), budget)
	a, _ := s.dial()
	m.PutIdle(a, s.addr())
	m.Retarget(s.addr())
	if m.Idle() != 1 {
		t.Fatal("an unchanged address dropped connections")
	}
	m.Retarget(netip.MustParseAddrPort("10.0.0.9:80"))
	s.gone(a)
	b, _ := s.dial()
	m.PutIdle(b, s.addr()) // finished after the change
	s.gone(b)
	m.Retire()
	c, _ := s.dial()
	m.PutIdle(c, netip.MustParseAddrPort("10.0.0.9:80"))
	s.gone(c)
	if budget.Used() != 0 {
		t.Errorf("budget %d", budget.Used())
	}
}

type drainable struct{ drains, retires, cuts int }

func (d *drainable) Drain()  { d.drains++ }
func (d *drainable) Retire() { d.retires++ }
func (d *drainable) Cut()    { d.cuts++ }

// TestGroupRetires: those that are accepted already may still come.
func TestGroupRetires(t *testing.T) {
	g := NewGroup()
	a, b := &drainable{}, &drainable{}
	g.Add(a)
	empty := g.Retire()
	if !g.Add(b) || a.retires != 1 || b.retires != 1 || a.drains+b.drains != 0 {
		t.Errorf("retires %d and %d, drains %d and %d; want 1, 1, 0, 0", a.retires, b.retires, a.drains, b.drains)
	}
	g.Remove(a)
	select {
	case <-empty:
		t.Error("empty while a connection is open")
	default:
	}
	g.Remove(b)
	<-empty
}

func TestGroup(t *testing.T) {
	g := NewGroup()
	a, b := &drainable{}, &drainable{}
	if !g.Add(a) || !g.Add(b) {
		t.Fatal("an open group refuses")
	}
	g.Remove(a)
	empty := g.Drain()
	if g.Drain() != empty || b.drains != 1 || a.drains != 0 {
		t.Errorf("drains %d and %d, want 0 and 1", a.drains, b.drains)
	}
	if g.Add(a) {
		t.Error("a draining group takes connections")
	}
	select {
	case <-empty:
		t.Error("empty while a connection is open")
	default:
	}
	g.Cut()
	g.Remove(b)
	<-empty
	if b.cuts != 1 || g.Len() != 0 {
		t.Errorf("cuts %d, len %d", b.cuts, g.Len())
	}
}
