package live

import (
	"net/netip"
	"sync/atomic"
	"time"

	"lbd/store/model"
)

// Key names a member for as long as it exists.
type Key struct {
	Pool   model.PoolID
	Member model.MemberID
}

// Member is the part of a member that outlives swaps.
type Member struct {
	Key Key

	up      atomic.Bool
	verdict atomic.Pointer[model.MemberHealth]
	active  atomic.Int64

	// Latency of answers, from sending the request, on a connection that stands, to
	// the head of the final answer (101 is one).
	Latency Histogram

	idle idleList
}

// NewMember is up and without a monitor.
func NewMember(key Key, addr netip.AddrPort, idleBudget *Budget) *Member {
	m := &Member{Key: key}
	m.idle.addr, m.idle.budget = addr, idleBudget
	m.verdict.Store(noMonitor)
	m.up.Store(true)
	return m
}

// noMonitor is the verdict that most members of a large configuration share.
var noMonitor = &model.MemberHealth{Status: model.NoMonitor}

// Up reports whether the member may take new traffic as far as its health goes.
func (m *Member) Up() bool { return m.up.Load() }

// SetVerdict stores what the monitor found and whether traffic may go there.
// ActiveConnections of v is ignored.
func (m *Member) SetVerdict(v model.MemberHealth, up bool) {
	m.verdict.Store(&v)
	m.up.Store(up)
}

// Health is the newest verdict with the current load.
func (m *Member) Health() model.MemberHealth {
	v := *m.verdict.Load()
	v.ActiveConnections = m.active.Load()
	return v
}

// Active is how many server-side connections carry work now.
func (m *Member) Active() int64 { return m.active.Load() }

// Begin counts a connection that starts to carry work; End ends it.
func (m *Member) Begin() { m.active.Add(1) }

// End is the counterpart of Begin.
func (m *Member) End() { m.active.Add(-1) }

// Retarget tells the member its address, and whether that is another one: idle
// connections to the old one are closed.
func (m *Member) Retarget(addr netip.AddrPort) (other bool) { return m.idle.retarget(addr) }

// Target is the member's address; zero when it is retired.
func (m *Member) Target() netip.AddrPort {
	m.idle.mu.Lock()
	defer m.idle.mu.Unlock()
	return m.idle.addr
}

// Retire closes the idle connections and keeps none from now on.
func (m *Member) Retire() { m.idle.retarget(netip.AddrPort{}) }

// Sweep closes idle connections that are too old at now or that the member has closed.
func (m *Member) Sweep(now time.Time) { m.idle.sweep(now) }
