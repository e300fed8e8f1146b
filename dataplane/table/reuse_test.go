package table

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/dataplane/live"
	"lbd/store/model"
)

// many are n services, each with a listener and a pool of each members.
func many(n, each int) *model.Config {
	cfg := &model.Config{Index: 1}
	for i := range n {
		id := fmt.Sprintf("%05d", i)
		b := &model.Backends{Pool: &model.Pool{ID: model.PoolID("p" + id), Base: up, Protocol: model.HTTP, Algorithm: model.RoundRobin}}
		for m := range each {
			b.Members = append(b.Members, model.Server{
				ID: model.MemberID(fmt.Sprintf("%s-%d", id, m)), AdminStateUp: true, Port: uint16(8000 + m), Weight: 1,
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
			tables := NewCompiler(survivors)
			first := tables.Compile(cfg)
			if len(first.FreshPools) != 2 {
				t.Fatalf("%d pools compiled at first", len(first.FreshPools))
			}
			changed := *cfg.Services[1]
			tc.change(&changed)
			next := tables.Compile(&model.Config{Index: 2, Services: []*model.Service{cfg.Services[0], &changed}})
			id := changed.Pools[0].Pool.ID
			if stays := next.pool(id) == first.pool(id); stays != tc.stays || next.Services[0] != first.Services[0] {
				t.Errorf("the pool stays: %t, want %t", stays, tc.stays)
			}
			if want := map[bool]int{true: 0, false: 1}[tc.stays]; len(next.FreshPools) != want {
				t.Errorf("%d pools compiled, want %d", len(next.FreshPools), want)
			}
			if n := len(next.Services[1].Targets); n != tc.targets {
				t.Errorf("%d targets, want %d", n, tc.targets)
			}
		})
	}
}

// bare is a table as far as it does not depend on how it was made.
func bare(t *Table) map[string]any {
	out := map[string]any{"failures": t.Failures}
	for addr, l := range t.endpoints() {
		out[addr.String()] = l.ID
	}
	for _, sv := range t.Services {
		for _, l := range sv.Listeners {
			out["counted "+string(l.ID)] = true
		}
		for _, p := range sv.Pools {
			for _, m := range p.Members {
				out["member "+string(m.ID())] = m.Addr.String()
			}
		}
	}
	return out
}

// TestTablesOneAfterTheOther: however a configuration came about, its table is the one
// that is made of it alone; Fresh and Gone are the difference to the table before; what
// nobody touched is the same.
func TestTablesOneAfterTheOther(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables, pool := NewCompiler(newFresh()), many(12, 2).Services
	var last *Table = &Table{}
	made := map[*model.Service]*Service{}
	clashes := 0
	var now []*model.Service
	for turn := range 300 {
		now = slices.Clone(now)
		for range 1 + r.IntN(3) {
			i := r.IntN(len(now) + 1)
			switch svc := pool[r.IntN(len(pool))]; {
			case i == len(now) || r.IntN(3) == 0:
				if !slices.ContainsFunc(now, func(s *model.Service) bool { return s.LoadBalancer.ID == svc.LoadBalancer.ID }) {
					now = slices.Insert(now, i, svc)
				}
			case r.IntN(2) == 0:
				now = slices.Delete(now, i, i+1)
			default:
				changed := *now[i]
				switch b := *changed.Pools[0]; r.IntN(4) {
				case 0:
					changed.Addresses = pool[r.IntN(len(pool))].Addresses // perhaps another's
				case 1:
					b.Members = b.Members[:1]
					changed.Pools = []*model.Backends{&b}
				case 2:
					l := *changed.Listeners[0]
					l.Port = uint16(r.IntN(2)) // 0 is not served
					changed.Listeners = []*model.Listener{&l}
				}
				now[i] = &changed
			}
		}
		next := tables.Compile(&model.Config{Index: uint64(turn), Services: now})
		alone := NewCompiler(newFresh()).Compile(&model.Config{Index: uint64(turn), Services: now})
		if diff := cmp.Diff(bare(alone), bare(next)); diff != "" {
			t.Fatalf("turn %d (-made alone +made of the one before):\n%s", turn, diff)
		}
		left := slices.Clone(last.Services)
		for _, sv := range next.Gone {
			i := slices.Index(left, sv)
			if i < 0 {
				t.Fatalf("turn %d: gone, but was not there", turn)
			}
			left = slices.Delete(left, i, i+1)
		}
		left = append(left, next.Fresh...)
		if len(left) != len(next.Services) {
			t.Fatalf("turn %d: %d services, %d by the difference", turn, len(next.Services), len(left))
		}
		for i, sv := range next.Services {
			if !slices.Contains(left, sv) {
				t.Fatalf("turn %d: service %d is neither fresh nor of the table before", turn, i)
			}
			if old := made[now[i]]; old != nil && old != sv && len(old.Failures) == 0 && !tables.clash && clashes == 0 && slices.Contains(last.Services, old) {
				t.Fatalf("turn %d: service %d was made again", turn, i)
			}
			made[now[i]] = sv
		}
		clashes = 0
		if tables.clash {
			clashes = 1
		}
		last = next
	}
}

// TestAnotherSecretOfCookies: all is made anew when the secret that cookies are made
// with changes.
func TestAnotherSecretOfCookies(t *testing.T) {
	s := newFresh()
	tables, cfg := NewCompiler(s), many(2, 1)
	first := tables.Compile(cfg)
	if next := tables.Compile(cfg); next.Services[0] != first.Services[0] || len(next.Fresh) != 0 {
		t.Error("made anew without need")
	}
	s.key = "another"
	if next := tables.Compile(cfg); len(next.Fresh) != 2 || len(next.Gone) != 2 {
		t.Errorf("%d made anew", len(next.Fresh))
	}
}

// BenchmarkCompile compiles 10,000 services with 100,000 members anew, where one pool
// has changed, and where one service comes and goes.
func BenchmarkCompile(b *testing.B) {
	cfg, survivors := many(10_000, 10), newFresh()
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			NewCompiler(survivors).Compile(cfg)
		}
	})
	b.Run("one pool changed", func(b *testing.B) {
		tables := NewCompiler(survivors)
		tables.Compile(cfg)
		for b.Loop() {
			svc, backends := *cfg.Services[5000], *cfg.Services[5000].Pools[0]
			svc.Pools = []*model.Backends{&backends}
			cfg = &model.Config{Services: slices.Clone(cfg.Services)}
			cfg.Services[5000] = &svc
			tables.Compile(cfg)
		}
	})
	b.Run("one service less, one more", func(b *testing.B) {
		tables := NewCompiler(survivors)
		tables.Compile(cfg)
		less := &model.Config{Services: slices.Delete(slices.Clone(cfg.Services), 5000, 5001)}
		for b.Loop() {
			tables.Compile(less)
			tables.Compile(cfg)
		}
	})
}

// TestMembersStayAlive: whatever becomes of a pool's members, those that are in it before
// and after keep what is alive of them, and those that are not are named.
func TestMembersStayAlive(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tables, cfg := NewCompiler(newFresh()), many(1, 12)
	all := cfg.Services[0].Pools[0].Members
	alive := map[model.MemberID]*live.Member{}
	for turn := range 300 {
		svc, b := *cfg.Services[0], *cfg.Services[0].Pools[0]
		b.Members = nil
		for _, m := range all {
			if r.IntN(8) > 0 || turn%3 == 0 {
				b.Members = append(b.Members, m)
			}
		}
		if turn%5 == 0 {
			r.Shuffle(len(b.Members), func(i, j int) { b.Members[i], b.Members[j] = b.Members[j], b.Members[i] })
		}
		svc.Pools = []*model.Backends{&b}
		p := tables.Compile(&model.Config{Services: []*model.Service{&svc}}).Services[0].Pools[0]
		next := map[model.MemberID]*live.Member{}
		for i := range p.Members {
			m := &p.Members[i]
			if m.ID() != b.Members[i].ID || p.Member(m.ID()) != m || m.Live.Key.Member != m.ID() || alive[m.ID()] != nil && alive[m.ID()] != m.Live {
				t.Fatalf("turn %d: member %s is %+v", turn, b.Members[i].ID, m)
			}
			next[m.ID()] = m.Live
			delete(alive, m.ID())
		}
		if len(p.Left) != len(alive) {
			t.Fatalf("turn %d: %d left, %d named", turn, len(alive), len(p.Left))
		}
		for _, m := range p.Left {
			if alive[m.Key.Member] != m {
				t.Fatalf("turn %d: %s did not leave", turn, m.Key.Member)
			}
		}
		alive = next
	}
}
