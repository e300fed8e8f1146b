package octavia_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// BenchmarkList serves one page of many load balancers, each with a listener, a
// pool and a member.
func BenchmarkList(b *testing.B) {
	const n = 10_000
	w := newContractWorld(b)
	w.apply(store.SubnetCreate, &model.Subnet{ID: "big", Network: theNetwork, CIDR: netip.MustParsePrefix("10.0.0.0/8")})
	at := func(kind store.CommandKind, payload any) {
		w.index++
		if err := w.st.Apply(w.index, store.Command{Kind: kind, At: epoch, Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
	up := model.Base{AdminStateUp: true}
	for i := range n {
		id := fmt.Sprintf("%05d", i)
		base := up
		base.Name, base.Project, base.Tags = "lb"+id, w.admin.Project, []string{"t" + id[4:]}
		at(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
			LoadBalancer: model.LoadBalancer{ID: model.LoadBalancerID("lb-" + id), Base: base, VIP: model.VIP{Subnet: "big"}, Provider: "lbd"},
			NewPort:      model.Port{ID: model.PortID("port-" + id)},
		})
		at(store.ListenerCreate, &model.Listener{ID: model.ListenerID("l-" + id), Base: up, LoadBalancer: model.LoadBalancerID("lb-" + id), Protocol: model.HTTP, Port: 80})
		at(store.PoolCreate, &store.PoolCreatePayload{
			Pool:     model.Pool{ID: model.PoolID("p-" + id), Base: up, Protocol: model.HTTP, Algorithm: model.RoundRobin},
			Listener: model.ListenerID("l-" + id),
		})
		at(store.MemberCreate, &model.Member{ID: model.MemberID("m-" + id), Base: up, Pool: model.PoolID("p-" + id), Address: netip.MustParseAddr("198.51.100.9"), Port: 80})
	}
	at(store.SettleKind, &store.Settle{Index: w.index})
	for _, query := range []string{
		"limit=100", "limit=1000", "limit=100&marker=lb-05000", "name=lb05000", "limit=100&sort=name:desc", "limit=100&tags=t7",
		"limit=100&operating_status=OFFLINE", "loadbalancer",
	} {
		b.Run(query, func(b *testing.B) {
			url := base + "loadbalancers?" + query
			if query == "loadbalancer" {
				url = base + "loadbalancers/lb-05000"
			}
			for b.Loop() {
				if rec := w.raw("admin", "GET", url, ""); rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
}
