package raft

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// spreadCluster is two data nodes and a witness with load balancers x and y; leader
// and standby among the data nodes.
func spreadCluster(t *testing.T) (c *cluster, leader, standby *member) {
	t.Helper()
	c = newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	c.join("w", model.Witness, a)
	c.voters(3, false)
	apply := func(kind store.CommandKind, payload any) {
		t.Helper()
		if _, err := a.node.Apply(ctxFor(t, patience), store.Command{Kind: kind, At: time.Now().UTC(), Payload: payload}); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	apply(store.NetworkCreate, &model.Network{ID: "net"})
	apply(store.SubnetCreate, &model.Subnet{ID: "sub", Network: "net", CIDR: netip.MustParsePrefix("10.0.0.0/24")})
	for _, id := range []string{"x", "y"} {
		apply(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
			LoadBalancer: model.LoadBalancer{ID: model.LoadBalancerID(id), VIP: model.VIP{Subnet: "sub"}}, NewPort: model.Port{ID: model.PortID("vip-" + id)},
		})
	}
	if leader = c.leader(a, b); leader == a {
		return c, a, b
	}
	return c, b, a
}

// may tells whether a member's VIP holder may hold a load balancer now.
func (m *member) may(lb model.LoadBalancerID) bool {
	r := m.node.State().Rights
	return time.Now().Before(r.Until) && r.May(m.node.Self(), m.node.Spread().Places[lb])
}

func (m *member) move(t *testing.T, lb model.LoadBalancerID, to *member) uint64 {
	t.Helper()
	var base uint64
	m.st.Read(func(st *store.State) { base = st.Spread().Version })
	p := &store.SpreadPayload{Base: base, On: true, Moves: []store.SpreadMove{{LoadBalancer: lb, Node: to.node.Self()}}}
	index, err := m.node.Apply(ctxFor(t, patience), store.Command{Kind: store.SpreadPut, At: time.Now().UTC(), Payload: p})
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func (m *member) knows(t *testing.T, version uint64) {
	t.Helper()
	eventually(t, m.name+" has the table", func() bool { return m.node.Spread().Version >= version })
}

func TestSpreadMovesWhatIsLetGo(t *testing.T) {
	_, a, b := spreadCluster(t)
	if !a.may("x") || b.may("x") || !a.node.State().Rights.All {
		t.Error("the leader does not hold everything before Spread is on")
	}
	if err := b.node.SpreadOn(ctxFor(t, patience), "test"); err != nil {
		t.Fatal(err)
	}
	if err := b.node.SpreadOn(ctxFor(t, patience), "test"); store.KindOf(err) != store.Conflict {
		t.Errorf("turned on twice: %v", err)
	}
	a.knows(t, 1)
	if !a.may("x") || !a.may("y") || b.may("x") || a.node.State().Rights.All {
		t.Error("turning Spread on moves something")
	}
	v := a.move(t, "x", b)
	b.knows(t, v)
	b.node.Obey(v)
	lasting(t, 3*testTiming.Detect, "the standby may hold what the leader has not let go", func() bool { return !b.may("x") })
	a.node.Obey(v)
	eventually(t, "the standby may hold what was let go", func() bool { return b.may("x") })
	if a.may("x") || !a.may("y") || b.may("y") {
		t.Errorf("after the move: %v %v", a.node.State().Rights, b.node.State().Rights)
	}

	// Off again: the leader has everything once the other has let go.
	off := store.Command{Kind: store.SpreadPut, At: time.Now().UTC(), Payload: &store.SpreadPayload{Base: v}}
	index, err := a.node.Apply(ctxFor(t, patience), off)
	if err != nil {
		t.Fatal(err)
	}
	a.node.Obey(index)
	eventually(t, "the leader may hold everything", func() bool {
		all := a.node.State().Rights.All
		if all && b.may("x") {
			t.Fatal("both may hold x")
		}
		if !a.may("y") {
			t.Fatal("the leader lost what it had")
		}
		return all && a.may("x")
	})
}

func TestSpreadSurvivesItsLeader(t *testing.T) {
	c, a, b := spreadCluster(t)
	if err := a.node.SpreadOn(ctxFor(t, patience), "test"); err != nil {
		t.Fatal(err)
	}
	v := a.move(t, "x", b)
	a.node.Obey(v)
	b.knows(t, v)
	b.node.Obey(v)
	eventually(t, "x has moved", func() bool { return b.may("x") })

	c.kill(a)
	lasting(t, 3*testTiming.Detect, "a node loses its share when the leader dies", func() bool { return b.may("x") })
	c.leader(b)
	v = b.move(t, "y", b)
	b.node.Obey(v)
	eventually(t, "the survivor may hold the dead one's share", func() bool { return b.may("y") })

	c.restart(a)
	a.knows(t, v)
	a.node.Obey(v)
	v = b.move(t, "y", a)
	a.knows(t, v)
	b.node.Obey(v)
	a.node.Obey(v)
	eventually(t, "who comes back gets a share again", func() bool { return a.may("y") && !b.may("y") })
}

func TestSpreadIsNotForTwoNodesAlone(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	c.join("b", model.DataNode, a)
	c.voters(2, true)
	err := a.node.SpreadOn(ctxFor(t, patience), "test")
	if store.KindOf(err) != store.Conflict || err.Error() != "Spread needs three voters: add a witness (lbd --witness --join) or a third node first." {
		t.Errorf("%v", err)
	}
}

// lasting fails when a condition does not hold for as long as d.
func lasting(t *testing.T, d time.Duration, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for ctx.Err() == nil {
		if !cond() {
			t.Fatal(what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// A question that was late, or that asks for less, takes nothing from what the ones
// before it have earned.
func TestALaterQuestionShortensNoPromise(t *testing.T) {
	now := time.Unix(1000, 0)
	v := newSpreadVoter(now)
	now = now.Add(spreadQuiet)
	a, b := owed{"a", 1}, owed{"b", 2}
	if _, ok := v.ask(a, 3, longestLease, 3, rival{}, now); !ok {
		t.Fatal("no lease")
	}
	if _, ok := v.ask(a, 3, time.Millisecond, 3, rival{}, now); !ok {
		t.Fatal("no lease for less")
	}
	now = now.Add(longestLease - time.Millisecond)
	if cleared, ok := v.ask(b, 5, longestLease, 5, rival{}, now); !ok || cleared != 3 {
		t.Errorf("cleared %d, %v, while somebody may hold by version 3", cleared, ok)
	}
}
