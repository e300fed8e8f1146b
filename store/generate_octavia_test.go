package store_test

import (
	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// octaviaGenerators are the verbs of load balancing that touch many objects, or
// none.
var octaviaGenerators = map[store.CommandKind]func(*rapid.T) any{
	store.QuotaUpdate: func(t *rapid.T) any {
		p := &store.QuotaPatch{Limits: map[model.QuotaClass]*int{}}
		p.Project = model.ProjectID(rapid.SampledFrom([]string{"a", "b", "p", ""}).Draw(t, "project"))
		for range rapid.IntRange(0, 2).Draw(t, "classes") {
			class := rapid.SampledFrom(model.QuotaClasses()).Draw(t, "class")
			p.Limits[class] = rapid.SampledFrom([]*int{nil, ptr(-2), ptr(-1), ptr(1), ptr(2), ptr(3)}).Draw(t, "limit")
		}
		return p
	},
	store.TreeCreate: func(t *rapid.T) any {
		n := id(t, "lb")
		p := &store.TreeCreatePayload{LoadBalancerCreatePayload: store.LoadBalancerCreatePayload{
			NewPort:      model.Port{ID: model.PortID("vip-" + n)},
			LoadBalancer: model.LoadBalancer{ID: model.LoadBalancerID(n), Base: up(t), VIP: vip(t)},
		}}
		for range rapid.IntRange(0, 2).Draw(t, "pools") {
			x := store.TreePool{Pool: model.Pool{ID: model.PoolID(id(t, "pool")), Base: up(t), Protocol: protocol(t)}}
			for range rapid.IntRange(0, 2).Draw(t, "members") {
				x.Members = append(x.Members, aMember(t))
			}
			if rapid.Bool().Draw(t, "monitored") {
				x.Monitor = &model.HealthMonitor{ID: model.HealthMonitorID(id(t, "monitor")), Base: up(t), Type: model.MonitorTCP}
			}
			p.Pools = append(p.Pools, x)
		}
		for range rapid.IntRange(0, 2).Draw(t, "listeners") {
			p.Listeners = append(p.Listeners, model.Listener{
				ID: model.ListenerID(id(t, "listener")), Base: up(t), Protocol: protocol(t),
				Port: uint16(rapid.IntRange(80, 82).Draw(t, "port")), DefaultPool: model.PoolID(maybe(t, "pool")),
			})
		}
		return p
	},
	store.LoadBalancerRenew: func(t *rapid.T) any { return &store.LoadBalancerRef{ID: model.LoadBalancerID(id(t, "lb"))} },
	store.MemberBatch: func(t *rapid.T) any {
		p := &store.MemberBatchPayload{Pool: model.PoolID(id(t, "pool")), Additive: rapid.Bool().Draw(t, "additive")}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			p.Members = append(p.Members, store.BatchMember{Member: aMember(t), KeepName: rapid.Bool().Draw(t, "keep")})
		}
		return p
	},
	store.QuotaReset: func(t *rapid.T) any { return &store.QuotaRef{Project: model.ProjectID(id(t, "project"))} },
}

// aMember is one without a pool.
func aMember(t *rapid.T) model.Member {
	return model.Member{
		ID: model.MemberID(id(t, "member")), Base: up(t), Address: someAddr(t), Port: 80,
		Subnet: model.SubnetID(maybe(t, "subnet")), MonitorAddress: maybeAddr(t),
	}
}
