package app

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/live"
	"lbd/dataplane/table"
	"lbd/dataplane/tlsterm"
	"lbd/store"
	"lbd/store/model"
)

// weightOfMember is how much live heap a member may take in store and table, in bytes:
// the 781 that it took when this was written, and a tenth. What a whole node may take
// for each is 1024 (decision 0034).
const weightOfMember = 860

// TestWhatAMemberWeighs measures a member of ten in one of two thousand pools, from its
// log entry to the table that connections use, after garbage collection.
func TestWhatAMemberWeighs(t *testing.T) {
	const pools, each = 2000, 10
	st, index := store.New(), uint64(0)
	apply := func(kind store.CommandKind, payload any) {
		t.Helper()
		index++
		b, err := store.Command{Kind: kind, At: time.Date(2030, 1, 1, 0, 0, int(index), 0, time.UTC), Payload: payload}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		cmd, err := store.Decode(b) // strings of their own, as from the log
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Apply(index, cmd); err != nil {
			t.Fatal(err)
		}
	}
	settle := func() { apply(store.SettleKind, &store.Settle{Index: index}) }
	up := model.Base{AdminStateUp: true}

	apply(store.ClusterInit, &store.ClusterInitPayload{ClusterID: "c", Node: model.Node{ID: "n", Name: "n"}, Users: []model.User{{ID: "u"}}})
	apply(store.NetworkCreate, &model.Network{ID: "net"})
	apply(store.SubnetCreate, &model.Subnet{ID: "sub", Network: "net", CIDR: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("10.0.0.1")})
	ids := make([]model.PoolID, pools)
	for i := range ids {
		ids[i] = model.PoolID(uuid.NewString())
		apply(store.TreeCreate, &store.TreeCreatePayload{
			LoadBalancerCreatePayload: store.LoadBalancerCreatePayload{
				LoadBalancer: model.LoadBalancer{ID: model.LoadBalancerID(uuid.NewString()), Base: up, VIP: model.VIP{Subnet: "sub"}},
				NewPort:      model.Port{ID: model.PortID(uuid.NewString()), MAC: "02:00:00:00:00:01"},
			},
			Pools:     []store.TreePool{{Pool: model.Pool{ID: ids[i], Base: up, Protocol: model.HTTP, Algorithm: model.RoundRobin}}},
			Listeners: []model.Listener{{ID: model.ListenerID(uuid.NewString()), Base: up, Protocol: model.HTTP, Port: 80, DefaultPool: ids[i]}},
		})
		settle()
	}
	tables := table.NewCompiler(plain{budget: live.NewBudget(1000), listeners: map[model.ListenerID]*live.Listener{}})
	serving := tables.Compile(st.Config())
	empty := heap()
	for i, id := range ids {
		b := &store.MemberBatchPayload{Pool: id}
		for m := range each {
			b.Members = append(b.Members, store.BatchMember{Member: model.Member{
				ID: model.MemberID(uuid.NewString()), Base: up, Address: netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}), Port: uint16(8000 + m), Weight: 1,
			}})
		}
		apply(store.MemberBatch, b)
		settle()
		serving = tables.Compile(st.Config()) // one by one: a table knows what the one before had
	}
	full := heap()
	if n := len(serving.Services); n != pools || len(serving.Services[0].Pools[0].Members) != each {
		t.Fatalf("%d services in the table", n)
	}
	got := (full - empty) / (pools * each)
	t.Logf("%d bytes for a member", got)
	if got > weightOfMember {
		t.Errorf("%d bytes for a member, at most %d are wanted", got, weightOfMember)
	}
	runtime.KeepAlive(st)
	runtime.KeepAlive(tables)
}

// heap is the live heap in bytes.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools kept for one more round
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// plain gives listeners and members their parts, without TLS and persistence.
type plain struct {
	table.Survivors
	budget    *live.Budget
	listeners map[model.ListenerID]*live.Listener
}

func (p plain) Listener(id model.ListenerID) *live.Listener {
	if p.listeners[id] == nil {
		p.listeners[id] = live.NewListener(id)
	}
	return p.listeners[id]
}

func (p plain) Member(key live.Key, addr netip.AddrPort) *live.Member {
	return live.NewMember(key, addr, p.budget)
}

func (plain) SessionKey() []byte        { return nil }
func (plain) AccessLog() *accesslog.Log { return nil }

func (plain) ServerTLS(*model.Listener, *model.Service) (*tlsterm.Server, error) { return nil, nil }
func (plain) ClientTLS(*model.Pool, *model.Service) (*tlsterm.Client, error)     { return nil, nil }
