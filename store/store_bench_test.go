package store_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// big is lbs load balancers with one listener and one pool each, and members
// members spread over the pools.
func big(b *testing.B, lbs, members int) *cluster {
	b.Helper()
	c := newCluster(b)
	c.must(store.NetworkCreate, &model.Network{ID: "net"})
	c.must(store.SubnetCreate, subnet("sub", "net", "10.0.0.0/8", "10.0.0.1"))
	for i := range lbs {
		id := fmt.Sprintf("lb%d", i)
		c.must(store.LoadBalancerCreate, lb(id))
		c.must(store.ListenerCreate, listener("l-"+id, id, 80))
		c.must(store.PoolCreate, pool("p-"+id, "", "l-"+id))
	}
	for i := range members {
		c.must(store.MemberCreate, bigMember(i, i%lbs))
	}
	c.must(store.SettleKind, &store.Settle{Index: c.index})
	return c
}

func bigMember(i, lb int) *model.Member {
	return &model.Member{
		ID: model.MemberID(fmt.Sprintf("m%d", i)), Pool: model.PoolID(fmt.Sprintf("p-lb%d", lb)),
		Address: netip.AddrFrom4([4]byte{172, byte(16 + i>>16), byte(i >> 8), byte(i)}), Port: 80, Weight: 1,
	}
}

// must applies without the encoding, which is not what is measured.
func (c *cluster) must(kind store.CommandKind, payload any) {
	c.index++
	if err := c.s.Apply(c.index, store.Command{Kind: kind, At: at(c.index), Payload: payload}); err != nil {
		c.t.Fatal(err)
	}
}

func BenchmarkApply(b *testing.B) {
	const lbs, members = 10_000, 100_000
	b.Run("member.create/members=100000", func(b *testing.B) {
		c := big(b, lbs, members)
		i := members
		for b.Loop() {
			c.must(store.MemberCreate, bigMember(i, i%lbs))
			i++
		}
	})
	b.Run("loadbalancer.create/loadbalancers=10000", func(b *testing.B) {
		c := big(b, lbs, 0)
		i := lbs
		for b.Loop() {
			c.must(store.LoadBalancerCreate, lb(fmt.Sprintf("lb%d", i)))
			i++
		}
	})
	b.Run("settle/one_load_balancer", func(b *testing.B) {
		c := big(b, lbs, members)
		for b.Loop() {
			c.must(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb7"})
			c.must(store.SettleKind, &store.Settle{Index: c.index})
		}
	})
}

func BenchmarkConfig(b *testing.B) {
	c := big(b, 10_000, 100_000)
	b.Run("unchanged", func(b *testing.B) {
		c.s.Config()
		for b.Loop() {
			c.s.Config()
		}
	})
	b.Run("one_member_changed", func(b *testing.B) {
		for b.Loop() {
			c.must(store.MemberUpdate, &store.MemberPatch{ID: "m7", Pool: "p-lb7"})
			c.s.Config()
		}
	})
	b.Run("all", func(b *testing.B) {
		var buf bytes.Buffer
		if err := c.s.Snapshot().Write(&buf); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			b.StopTimer()
			s := store.New()
			if err := s.Restore(bytes.NewReader(buf.Bytes())); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			s.Config()
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	c := big(b, 10_000, 100_000)
	b.Run("capture", func(b *testing.B) {
		for b.Loop() {
			c.s.Snapshot()
		}
	})
	b.Run("write", func(b *testing.B) {
		sn := c.s.Snapshot()
		for b.Loop() {
			if err := sn.Write(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
