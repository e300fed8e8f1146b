package table

import (
	"fmt"
	"net/netip"
	"testing"

	"lbd/store/model"
)

// many are n services, each with a listener and a pool of each members.
func many(n, each int) *model.Config {
	cfg := &model.Config{Index: 1}
	for i := range n {
		id := fmt.Sprintf("%05d", i)
		b := &model.Backends{Pool: &model.Pool{ID: model.PoolID("p" + id), Base: up, Protocol: model.HTTP, Algorithm: model.RoundRobin}}
		for m := range each {
			b.Members = append(b.Members, &model.Member{
				ID: model.MemberID(fmt.Sprintf("%s-%d", id, m)), Base: up, Port: uint16(8000 + m), Weight: 1,
				Address: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}),
			})
		}
		cfg.Services = append(cfg.Services, &model.Service{
			LoadBalancer: &model.LoadBalancer{ID: model.LoadBalancerID("lb" + id), Base: up},
			Addresses:    []netip.Addr{netip.AddrFrom4([4]byte{10, 32, byte(i >> 8), byte(i)})},
			Listeners:    []*model.Listener{{ID: model.ListenerID("l" + id), Base: up, Protocol: model.HTTP, Port: 80, DefaultPool: b.Pool.ID}},
			Pools:        []*model.Backends{b},
		})
	}
	return cfg
}

// TestUnchangedPoolStays: a pool is compiled again only when something it was made
// of has changed, and the new table is whole.
func TestUnchangedPoolStays(t *testing.T) {
	monitor := &model.HealthMonitor{ID: "hm", Base: up, Type: model.MonitorTCP, Delay: 5, Timeout: 10}
	for _, tc := range []struct {
		name    string
		before  func(svc *model.Service)
		change  func(svc *model.Service)
		stays   bool
		targets int
	}{
		{"nothing", nil, func(*model.Service) {}, true, 0},
		{"nothing, monitored", func(svc *model.Service) { svc.Pools[0].Monitor = monitor }, func(*model.Service) {}, true, 2},
		{"another listener", nil, func(svc *model.Service) { svc.Listeners = nil }, true, 0},
		{"new backends", nil, func(svc *model.Service) {
			b := *svc.Pools[0]
			b.Members = b.Members[:1]
			svc.Pools = []*model.Backends{&b}
		}, false, 0},
		{"load balancer switched off", func(svc *model.Service) { svc.Pools[0].Monitor = monitor }, func(svc *model.Service) {
			lb := *svc.LoadBalancer
			lb.AdminStateUp = false
			svc.LoadBalancer = &lb
		}, false, 0},
		{"with persistence", func(svc *model.Service) { svc.Pools[0].Pool.Persistence = &model.Persistence{Type: "SOURCE_IP"} }, func(*model.Service) {}, false, 0},
		{"with a failure", func(svc *model.Service) { svc.Pools[0].Members[0].Port = 0 }, func(*model.Service) {}, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, survivors := many(2, 2), newFresh()
			if tc.before != nil {
				tc.before(cfg.Services[1])
			}
			first := Compile(cfg, survivors, nil)
			if len(first.Fresh) != 2 {
				t.Fatalf("%d pools compiled at first", len(first.Fresh))
			}
			changed := *cfg.Services[1]
			tc.change(&changed)
			next := Compile(&model.Config{Index: 2, Services: []*model.Service{cfg.Services[0], &changed}}, survivors, first)
			id := changed.Pools[0].Pool.ID
			if stays := next.Pools[id] == first.Pools[id]; stays != tc.stays || next.Pools["p00000"] != first.Pools["p00000"] {
				t.Errorf("the pool stays: %t, want %t", stays, tc.stays)
			}
			if want := map[bool]int{true: 0, false: 1}[tc.stays]; len(next.Fresh) != want {
				t.Errorf("%d pools compiled, want %d", len(next.Fresh), want)
			}
			if len(next.Targets) != tc.targets {
				t.Errorf("%d targets, want %d", len(next.Targets), tc.targets)
			}
			if l := next.Endpoints[netip.MustParseAddrPort("10.32.0.0:80")]; l == nil || l.Route.Default != next.Pools["p00000"] {
				t.Errorf("the listener of the untouched service: %+v", l)
			}
		})
	}
}

// BenchmarkCompile compiles 10,000 services with 100,000 members anew, and where one
// pool has changed.
func BenchmarkCompile(b *testing.B) {
	cfg, survivors := many(10_000, 10), newFresh()
	before := Compile(cfg, survivors, nil)
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			Compile(cfg, survivors, nil)
		}
	})
	b.Run("one pool changed", func(b *testing.B) {
		for b.Loop() {
			svc, backends := *cfg.Services[5000], *cfg.Services[5000].Pools[0]
			svc.Pools = []*model.Backends{&backends}
			cfg.Services[5000] = &svc
			Compile(cfg, survivors, before)
		}
	})
}
