package table

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/sticky"
	"lbd/dataplane/tlsterm"
	"lbd/store/model"
)

// fresh makes every listener once.
type fresh struct {
	listeners map[model.ListenerID]*live.Listener
	key       string
}

func newFresh() *fresh {
	return &fresh{make(map[model.ListenerID]*live.Listener), "key"}
}

func (f *fresh) Listener(id model.ListenerID) *live.Listener {
	if f.listeners[id] == nil {
		f.listeners[id] = live.NewListener(id)
	}
	return f.listeners[id]
}

func (f *fresh) Member(key live.Key, addr netip.AddrPort) *live.Member {
	return live.NewMember(key, addr, live.NewBudget(0))
}

func (f *fresh) ServerTLS(l *model.Listener, svc *model.Service) (*tlsterm.Server, error) {
	return tlsterm.NewStore(nil).Server(l, svc)
}

func (f *fresh) ClientTLS(p *model.Pool, svc *model.Service) (*tlsterm.Client, error) {
	return tlsterm.NewStore(nil).Client(p, svc)
}

func (f *fresh) Sessions(SessionsKey) *sticky.Table { return sticky.New(0) }

func (f *fresh) Policy(model.L7PolicyID) *live.Policy { return &live.Policy{} }

func (f *fresh) AccessLog() *accesslog.Log { return nil }

func (f *fresh) SessionKey() []byte { return []byte(f.key) }

var up = model.Base{AdminStateUp: true}

// pool finds a pool, nil when there is none.
func (t *Table) pool(id model.PoolID) *Pool {
	for _, sv := range t.Services {
		for _, p := range sv.Pools {
			if p.ID == id {
				return p
			}
		}
	}
	return nil
}

// endpoints are all of t, by address.
func (t *Table) endpoints() map[netip.AddrPort]*Listener {
	all := map[netip.AddrPort]*Listener{}
	for _, sv := range t.Services {
		for _, e := range sv.Endpoints {
			all[e.Addr] = e.Listener
		}
	}
	return all
}

func service() *model.Service {
	return &model.Service{
		LoadBalancer: &model.LoadBalancer{ID: "lb", Base: up},
		Addresses:    []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("203.0.113.5")},
		Listeners:    []*model.Listener{{ID: "l", Base: up, Protocol: model.HTTP, Port: 80, DefaultPool: "p", ConnectionLimit: -1, TimeoutClientData: 50000}},
		Pools: []*model.Backends{{
			Pool: &model.Pool{ID: "p", Base: up, Protocol: model.HTTP, Algorithm: model.RoundRobin},
			Members: []model.Server{
				{ID: "a", AdminStateUp: true, Address: netip.MustParseAddr("10.0.0.3"), Port: 80, Weight: 1},
				{ID: "b", AdminStateUp: true, Address: netip.MustParseAddr("10.0.0.6"), Port: 80, Weight: 1},
			},
			Monitor: &model.HealthMonitor{ID: "hm", Base: up, Type: model.MonitorTCP, Delay: 5, Timeout: 10},
		}},
	}
}

func TestCompile(t *testing.T) {
	tab := NewCompiler(newFresh()).Compile(&model.Config{Index: 7, Services: []*model.Service{service()}})
	if tab.Index != 7 || len(tab.Failures) != 0 || len(tab.Services[0].Targets) != 2 || len(tab.pool("p").Members) != 2 || tab.pool("p").Member("a").Unprobed() != "" {
		t.Fatalf("table %+v", tab)
	}
	at := tab.endpoints()
	a, b := at[netip.MustParseAddrPort("10.0.0.9:80")], at[netip.MustParseAddrPort("203.0.113.5:80")]
	if a == nil || a != b || len(at) != 2 {
		t.Fatalf("endpoints %+v", at)
	}
	if a.ClientData != 50*time.Second || a.MemberData != model.MaxTimeout*time.Millisecond {
		t.Errorf("timeouts %s and %s", a.ClientData, a.MemberData)
	}
	var tried Tried
	first := a.Route.Default.Pick(netip.AddrPort{}, &Session{}, &tried)
	tried.Add(first)
	second := a.Route.Default.Pick(netip.AddrPort{}, &Session{}, &tried)
	if first == nil || second == nil || first == second {
		t.Errorf("picks %+v and %+v, want both members", first, second)
	}
	tried.Add(second)
	if m := a.Route.Default.Pick(netip.AddrPort{}, &Session{}, &tried); m != nil {
		t.Errorf("picked %+v when all were tried", m)
	}
}

func TestCompileNamesWhatItCannotServe(t *testing.T) {
	for name, tc := range map[string]struct {
		change    func(*model.Service)
		want      []model.Failure
		endpoints int
	}{
		"protocol": {
			func(s *model.Service) { s.Listeners[0].Protocol = model.SCTP },
			[]model.Failure{{Object: "l", Reason: "protocol SCTP is not served by this data plane"}},
			0,
		},
		"pool of another protocol": {
			func(s *model.Service) { s.Pools[0].Pool.Protocol = model.TCP },
			[]model.Failure{{Object: "l", Reason: "pool p speaks TCP, which a HTTP listener cannot use"}},
			0,
		},
		"header": {func(s *model.Service) { s.Listeners[0].InsertHeaders = map[string]string{"X-Foo": "true"} }, nil, 0},
		"clash": {func(s *model.Service) {
			l := *s.Listeners[0]
			l.ID = "l2"
			s.Listeners = append(s.Listeners, &l)
		}, []model.Failure{{Object: "l2", Reason: "10.0.0.9:80 is taken by listener l"}}, 2},
		"no address": {
			func(s *model.Service) { s.Addresses = nil },
			[]model.Failure{{Object: "l", Reason: "load balancer lb has no address"}},
			0,
		},
		"monitor type": {
			func(s *model.Service) { s.Pools[0].Monitor.Type = model.MonitorSCTP },
			[]model.Failure{{Object: "hm", Reason: "health monitor type SCTP is not served"}},
			2,
		},
		"algorithm": {
			func(s *model.Service) { s.Pools[0].Pool.Algorithm = "COIN_TOSS" },
			[]model.Failure{{Object: "p", Reason: "algorithm COIN_TOSS is not served by this data plane"}},
			2,
		},
		"persistence": {
			func(s *model.Service) { s.Pools[0].Pool.Persistence = &model.Persistence{Type: "PALM_READING"} },
			[]model.Failure{{Object: "p", Reason: "session persistence PALM_READING is not served by this data plane"}},
			2,
		},
		"member without address": {
			func(s *model.Service) { s.Pools[0].Members[0].Address = netip.Addr{} },
			[]model.Failure{{Object: "a", Reason: "address invalid AddrPort cannot be connected to"}},
			2,
		},
		"pool being deleted": {func(s *model.Service) { s.Pools = nil }, nil, 2},
		"listener down":      {func(s *model.Service) { s.Listeners[0].AdminStateUp = false }, nil, 0},
		"load balancer down": {func(s *model.Service) { s.LoadBalancer.AdminStateUp = false }, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := service(), service()
			good.LoadBalancer = &model.LoadBalancer{ID: "good", Base: up}
			good.Listeners[0].ID, good.Listeners[0].Port = "fine", 8080
			l := *bad.LoadBalancer
			bad.LoadBalancer = &l
			tc.change(bad)
			tab := NewCompiler(newFresh()).Compile(&model.Config{Services: []*model.Service{bad, good}})
			if name == "header" {
				if len(tab.Failures) != 1 || tab.Failures[0].Object != "l" {
					t.Errorf("failures %+v", tab.Failures)
				}
			} else if diff := cmp.Diff(tc.want, tab.Failures); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if got := len(tab.endpoints()) - 2; got != tc.endpoints {
				t.Errorf("%d endpoints of the changed service, want %d", got, tc.endpoints)
			}
			if l := tab.Services[0].Listeners[0]; l.ID != "l" || l.Live == nil {
				t.Error("the listener is not reported")
			}
		})
	}
}

func TestRoundGoesOnOverASwap(t *testing.T) {
	tables := NewCompiler(newFresh())
	tab := tables.Compile(&model.Config{Services: []*model.Service{service()}})
	seen := map[model.MemberID]int{}
	for range 10 { // one pick a table: always the first would be wrong
		var tried Tried
		seen[tab.pool("p").Pick(netip.AddrPort{}, &Session{}, &tried).ID()]++
		tab = tables.Compile(&model.Config{Services: []*model.Service{service()}})
	}
	if seen["a"] != 5 || seen["b"] != 5 {
		t.Errorf("picks over ten swaps: %v", seen)
	}
}

func TestAllows(t *testing.T) {
	l := &Listener{}
	client := netip.MustParseAddr("10.1.2.3")
	if !l.Allows(client) {
		t.Error("everybody may come when nobody is named")
	}
	l.Allowed = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.1.0.0/16")}
	if !l.Allows(client) || l.Allows(netip.MustParseAddr("10.2.0.1")) {
		t.Error("the second prefix is not applied")
	}
}
