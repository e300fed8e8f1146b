package table

import (
	"net/netip"
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/health"
	"lbd/dataplane/live"
	"lbd/dataplane/rewrite"
	"lbd/dataplane/route"
	"lbd/dataplane/sticky"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// Table is everything the data plane serves at one index.
type Table struct {
	Index uint64
	// Services are in the order of the configuration. One of which nothing changed
	// is that of the table before.
	Services []*Service
	// Failures are ordered as the configuration is.
	Failures []model.Failure

	// What is other than in the table before: Fresh and Gone of the Services, and
	// the pools of Fresh that were compiled anew.
	Fresh, Gone []*Service
	FreshPools  []*Pool
}

// Service is what one load balancer was compiled into. Listeners, Pools and Policies
// are all that is configured, served or not, for reports and for knowing which
// survivors are still needed.
type Service struct {
	Endpoints []Endpoint // served
	Listeners []Counted
	Pools     []*Pool
	Policies  map[model.L7PolicyID]*live.Policy
	Sessions  map[SessionsKey]*sticky.Table // in use
	Targets   []health.Target               // to be probed
	Failures  []model.Failure
}

// Endpoint is an address that a listener is to be reached at: with UDP where that
// is its Mode, else with TCP.
type Endpoint struct {
	Addr     netip.AddrPort
	Listener *Listener
}

// Counted is a listener, as far as counters are concerned.
type Counted struct {
	ID   model.ListenerID
	Live *live.Listener
	UDP  bool
}

// Scope is a load balancer, as far as metrics of its own are concerned.
type Scope struct {
	Listeners map[model.ListenerID]bool
	Pools     map[model.PoolID]bool
	Policies  map[model.L7PolicyID]bool
}

// Mode is which engine serves a listener.
type Mode int

const (
	// ModeHTTP reads requests; ModeTCP relays bytes, ModeUDP datagrams.
	ModeHTTP Mode = iota
	ModeTCP
	ModeUDP
)

// Listener is an open listener, with everything a connection needs.
type Listener struct {
	ID   model.ListenerID
	Mode Mode
	Port uint16
	// Allowed says who may connect; empty: everybody.
	Allowed []netip.Prefix
	Limit   int64 // connections at once; <= 0: no limit
	// Timeouts; 0 in the model is the longest there is, never none at all.
	ClientData, MemberConnect, MemberData time.Duration

	// Forward is insert_headers, compiled; HTTP only.
	Forward *rewrite.Forward
	// Route chooses the pool of a request. Its Default may be nil: no pool.
	Route route.Chain[*Pool]
	// Policies count what L7 policies decide.
	Policies map[model.L7PolicyID]*live.Policy
	// Metrics is what a PROMETHEUS listener shows; nil for all others.
	Metrics *Scope
	Live    *live.Listener
	// Log writes a line for each request or connection; nil: none.
	Log *accesslog.Listener
	// TLS ends here when it is not nil; ModeHTTP only.
	TLS *tlsterm.Server
}

// OnLoops reports whether event loops take the listener's connections: all but
// those that begin with TLS or, on TCP listeners, go to members that want the PROXY
// header, and those that ask for metrics.
func (l *Listener) OnLoops() bool {
	return l.TLS == nil && l.Metrics == nil && (l.Mode == ModeHTTP || !l.Route.Default.Private())
}

// Decided counts a request that the policy of that id decided about; nil when none did.
func (l *Listener) Decided(id model.L7PolicyID) *live.Policy {
	if id == "" {
		return nil
	}
	p := l.Policies[id]
	p.Requests.Add(1)
	return p
}

// Allows reports whether a client may connect.
func (l *Listener) Allows(client netip.Addr) bool {
	if len(l.Allowed) == 0 {
		return true
	}
	for _, p := range l.Allowed {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// Member is a member as configured at this index.
type Member struct {
	Addr netip.AddrPort
	Live *live.Member
	// Monitored: the pool has a monitor that is switched on, served or not.
	Monitored bool

	serving  bool     // switched on, as is its pool
	unprobed unprobed // small beside small: there are many members

	// bind are the lines of an answer that bind the client to the member with a
	// cookie: over plain HTTP, over TLS. nil without HTTP_COOKIE.
	bind *[2][]byte
}

// unprobed is why a member is no target.
type unprobed uint8

const (
	isTarget    unprobed = iota
	noMonitor            // there is none that could look at it
	switchedOff          // there is one, which does not look at it
)

// ID is the member's id.
func (m *Member) ID() model.MemberID { return m.Live.Key.Member }

// Unprobed is the status of a member that is no target; "" otherwise.
func (m *Member) Unprobed() model.Operating {
	switch m.unprobed {
	case noMonitor:
		return model.NoMonitor
	case switchedOff:
		return model.Offline
	}
	return ""
}
