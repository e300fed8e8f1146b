package raft

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"lbd/store"
	"lbd/store/model"
)

func TestFirstNodeLeadsAloneAndComesBack(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	mustWrite(t, a, "n1")
	c.leader()
	if err := a.node.Bootstrap(ctxFor(t, time.Second), initCommand); err == nil {
		t.Error("a second bootstrap is accepted")
	}
	if err := a.node.Read(ctxFor(t, patience)); err != nil {
		t.Errorf("read: %v", err)
	}
	before := a.node.State().LeaseUntil
	eventually(t, "the lease grows", func() bool { return a.node.State().LeaseUntil.After(before) })
	id, fingerprint := a.node.Self(), a.node.Secrets().Fingerprint

	c.kill(a)
	c.restart(a)
	if !a.node.HasState() || a.node.Self() != id || a.node.Secrets().Fingerprint != fingerprint {
		t.Error("the node came back as another")
	}
	c.leader()
	eventually(t, "the write is there", func() bool { return has(a, "n1") })
	mustWrite(t, a, "n2")
	if err := write(t, a, "n2"); store.KindOf(err) == "" || store.KindOf(err) == store.Unavailable {
		t.Errorf("the store's own refusal does not come through: %v", err)
	}
}

func TestThreeNodesSurviveTheLeader(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	c.voters(2, true)
	c.join("c", model.DataNode, b) // through a follower
	c.voters(3, false)
	for i, m := range []*member{a, b, c.members["c"]} {
		mustWrite(t, m, fmt.Sprintf("before-%d", i))
	}
	if err := b.node.Read(ctxFor(t, patience)); err != nil || !has(b, "before-2") {
		t.Errorf("a consistent read on a follower: %v, has the newest write: %v", err, has(b, "before-2"))
	}

	old := c.leader()
	acked := []string{"before-0", "before-1", "before-2"}
	for i := range 20 {
		name := fmt.Sprintf("w-%d", i)
		if write(t, c.others(old)[0], name) == nil {
			acked = append(acked, name)
		}
		if i == 10 {
			c.kill(old)
		}
	}
	next := c.leader(c.others(old)...)
	mustWrite(t, next, "after")
	c.restart(old)
	eventually(t, "the old leader has everything", func() bool { return has(old, "after") })
	for _, m := range c.members {
		if err := m.node.Read(ctxFor(t, patience)); err != nil {
			t.Errorf("read on %s: %v", m.name, err)
		}
		for _, name := range acked {
			if !has(m, name) {
				t.Errorf("%s lacks the acknowledged write %s", m.name, name)
			}
		}
	}
}

func TestTransferGoesWhereItIsSent(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	w := c.join("w", model.Witness, a)
	c.voters(3, false)
	if c.leader() != a {
		t.Fatal("a joining node took the lead")
	}
	if err := a.node.Transfer(ctxFor(t, patience), w.node.Self()); store.KindOf(err) != store.Conflict {
		t.Errorf("transfer to a witness: %v", err)
	}
	if s := a.node.State(); !s.IsLeader || !time.Now().Before(s.LeaseUntil) {
		t.Error("a refused transfer cost the lease")
	}
	begun := time.Now()
	if err := a.node.Transfer(ctxFor(t, patience), b.node.Self()); err != nil {
		t.Fatal(err)
	}
	c.leader(b)
	t.Logf("transfer took %v", time.Since(begun))
	eventually(t, "the follower knows", func() bool { return a.node.State().Leader == b.node.Self() })

	asked := make(chan model.NodeID, 1)
	b.node.OnSwitchover(func(ctx context.Context, to model.NodeID) error {
		asked <- to
		return b.node.Transfer(ctx, to)
	})
	if err := w.node.Switchover(ctxFor(t, patience), ""); err != nil {
		t.Fatal(err)
	}
	c.leader(a)
	if len(asked) != 1 {
		t.Error("the leader was not asked to release")
	}
}

func TestWitnessNeverLeads(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	w := c.join("w", model.Witness, a)
	b := c.join("b", model.DataNode, a)
	c.voters(3, false)
	begun := time.Now()
	c.kill(a)
	for m := c.leader(w, b); m != b; {
		t.Fatalf("%s leads", m.name)
	}
	t.Logf("takeover took %v with detection after %v", time.Since(begun), c.timing.Detect)
	c.kill(b)
	time.Sleep(4 * c.timing.Detect) // the time in which a wrong leader would appear
	if s := w.node.State(); s.IsLeader {
		t.Error("the witness leads")
	} else if s.Quorum != QuorumLost {
		t.Errorf("quorum is %q on a lone witness", s.Quorum)
	}
	begun = time.Now()
	if err := write(t, w, "x"); store.KindOf(err) != store.Unavailable || time.Since(begun) > writeWait+time.Second {
		t.Errorf("write without a quorum: %v after %v", err, time.Since(begun))
	}
	c.restart(b)
	c.leader(b)
}

func TestRemoveAndComeBackUnderTheSameName(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	s := c.join("s", model.Spare, a)
	c.voters(2, true)
	if got := s.node.State(); len(got.Voters) != 2 || s.node.State().IsLeader {
		t.Errorf("a spare votes: %v", got.Voters)
	}
	lead := c.leader()
	if err := b.node.Remove(ctxFor(t, patience), lead.node.Self()); store.KindOf(err) != store.Conflict {
		t.Errorf("the leader can be removed: %v", err)
	}
	token, err := a.node.JoinToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	again := c.prepare("b2", model.DataNode)
	again.node.cfg.Name = "b"
	err = again.node.Join(ctxFor(t, patience), JoinRequest{Peers: []string{a.api.Addr().String()}, Token: token})
	if err == nil || !strings.Contains(err.Error(), "lbd remove b") {
		t.Errorf("a taken name: %v", err)
	}
	if err := s.node.Remove(ctxFor(t, patience), b.node.Self()); err != nil {
		t.Fatal(err)
	}
	c.kill(b)
	delete(c.members, "b")
	c.kill(s)
	delete(c.members, "s")
	if err := again.node.Join(ctxFor(t, patience), JoinRequest{Peers: []string{a.api.Addr().String()}, Token: token}); err != nil {
		t.Fatalf("join after the removal: %v", err)
	}
	if err := a.node.Remove(ctxFor(t, patience), model.NodeID("nobody")); store.KindOf(err) != store.NotFound {
		t.Errorf("remove nobody: %v", err)
	}
}

func TestPushReachesPeersNewestFirst(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	got := make(chan string, 100)
	b.node.OnPush(func(from model.NodeID, report []byte) {
		if from == a.node.Self() {
			got <- string(report)
		}
	})
	for i := range 50 {
		a.node.Push(Small, fmt.Appendf(nil, "%d", i))
	}
	for last := ""; last != "49"; {
		select {
		case last = <-got:
		case <-time.After(patience):
			t.Fatalf("the newest report did not come, last was %q", last)
		}
	}
}

// TestLanesOfReportsAreApart: while a node reads a large report, small ones reach it,
// and small ones that come after a large one do not take its place.
func TestLanesOfReportsAreApart(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	got, release := make(chan string, 100), make(chan struct{})
	t.Cleanup(func() { close(release) })
	b.node.OnPush(func(from model.NodeID, report []byte) {
		got <- string(report)
		if strings.HasPrefix(string(report), "slow") {
			<-release
		}
	})
	await := func(want string) {
		t.Helper()
		for last := ""; last != want; {
			select {
			case last = <-got:
			case <-time.After(patience):
				t.Fatalf("%q did not come, last was %q", want, last)
			}
		}
	}
	a.node.Push(Large, []byte("slow large"))
	await("slow large")
	a.node.Push(Large, []byte("next large")) // waits for the one before
	a.node.Push(Small, []byte("small"))
	await("small")
	a.node.Push(Small, []byte("slow small"))
	await("slow small")
	a.node.Push(Small, []byte("newest small")) // waits, too
	release <- struct{}{}
	release <- struct{}{}
	for missing := []string{"next large", "newest small"}; len(missing) > 0; {
		select {
		case s := <-got:
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == s })
		case <-time.After(patience):
			t.Fatalf("%q did not come", missing)
		}
	}
}

func TestLastGoodSurvivesAndIsChecked(t *testing.T) {
	c := newCluster(t)
	a := c.prepare("a", model.DataNode)
	if _, err := a.node.LastGood(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing saved: %v", err)
	}
	want := &model.Config{Index: 7, Services: []*model.Service{{LoadBalancer: &model.LoadBalancer{ID: "lb"}}}}
	if err := a.node.SaveLastGood(want); err != nil {
		t.Fatal(err)
	}
	got, err := a.node.LastGood()
	if err != nil || got.Index != 7 || got.Services[0].LoadBalancer.ID != "lb" {
		t.Errorf("got %+v, %v", got, err)
	}
	damage(t, a.cfg.DataDir, lastGoodFile, func(b []byte) []byte { b[len(b)-3] ^= 1; return b })
	if _, err := a.node.LastGood(); err == nil {
		t.Error("a damaged file is used")
	}
}

func TestMetricsAreRegisteredAndTakenBack(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	c.kill(a)
	reg := prometheus.NewRegistry()
	a.cfg.Registry = reg
	c.restart(a)
	c.leader()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		m := f.Metric[0]
		values[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	for _, name := range []string{"lbd_raft_term", "lbd_raft_is_leader", "lbd_raft_lease_left_seconds", "lbd_raft_last_index", "lbd_raft_elections_total"} {
		if values[name] <= 0 {
			t.Errorf("%s is %v", name, values[name])
		}
	}
	c.kill(a)
	if families, _ := reg.Gather(); len(families) != 0 {
		t.Errorf("left behind: %d metrics", len(families))
	}
}

func TestEveryProfileKeepsTheGuard(t *testing.T) {
	for name, d := range map[string]Timing{
		"fast": TimingOf(model.ProfileFast), "default": TimingOf(model.ProfileDefault), "calm": TimingOf(model.ProfileCalm), "unknown": TimingOf("unknown"),
		"default that cannot be kept": patient,
	} {
		if d.Detect < d.Lease+leastGuard || d.Lease > longestLease || 3*d.Beat > d.Lease || d.promise() < d.Lease {
			t.Errorf("profile %s: %+v, promise %v", name, d, d.promise())
		}
	}
	if TimingOf("unknown") != TimingOf(model.ProfileDefault) {
		t.Error("an unknown profile is not the default")
	}
}

// A profile is an entry of the log like any other: all nodes follow it, and
// leases go on meanwhile.
func TestTheProfileIsFollowedByAllNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.timing = Timing{}
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	w := c.join("w", model.Witness, a)
	c.voters(3, false)
	for _, p := range []model.Profile{model.ProfileCalm, model.ProfileDefault, model.ProfileCalm} {
		if _, err := c.leader().node.Apply(ctxFor(t, patience), store.Command{Kind: store.SettingsPut, Payload: &model.Settings{Profile: p}}); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*member{a, b, w} {
			eventually(t, "node "+m.name+" keeps profile "+string(p), func() bool {
				s := m.node.State().Slowed
				return m.node.Timing() == TimingOf(p) || p == model.ProfileDefault && s != (Timing{}) && m.node.Timing() == s // a busy machine
			})
		}
		eventually(t, "a lease of the profile's length", func() bool {
			l := c.leader().node
			return time.Until(l.State().LeaseUntil) > l.Timing().Lease*2/3
		})
	}
}

func TestTimingRefusesALeaseThatOutlivesThePromise(t *testing.T) {
	_, err := Open(Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Timing: Timing{Detect: 215 * time.Millisecond, Lease: 200 * time.Millisecond}}, store.New())
	if err == nil || !strings.Contains(err.Error(), "detection time") {
		t.Errorf("got %v", err)
	}
	d := Timing{}.withDefaults()
	if diff := cmp.Diff(Timing{Detect: defaultDetect, Lease: defaultLease, Beat: defaultLease / 5}, d); diff != "" {
		t.Error(diff)
	}
	if p := d.promise(); p <= d.Lease || p > d.Detect {
		t.Errorf("promise %v is not between lease and detection", p)
	}
}

// TestSuccession: a process that takes over from another one of a sole voter leads
// at once, and changes no voters before the other one has nothing to say any more.
func TestSuccession(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	mustWrite(t, a, "before")
	if !a.node.Freeze() {
		t.Fatal("a sole voter that leads is not told so")
	}
	settled := make(chan struct{})
	a.cfg.Settled = settled
	c.kill(a)
	began := time.Now()
	c.restart(a)
	eventually(t, "the successor leads", func() bool { return a.node.State().IsLeader })
	t.Logf("it leads %v after its predecessor has ended", time.Since(began))
	mustWrite(t, a, "after")

	joined := make(chan *member, 1)
	go func() { joined <- c.join("b", model.DataNode, a) }()
	eventually(t, "the new node is in the store", func() bool {
		n := 0
		a.st.Read(func(st *store.State) { n = len(st.Nodes()) })
		return n == 2
	})
	if a.node.reconcile(a.node.core.Load()) || len(a.node.core.Load().servers()) != 1 {
		t.Error("the configuration was changed before it may")
	}
	close(settled)
	b := <-joined
	c.voters(2, true)
	if a.node.Freeze() || b.node.Freeze() {
		t.Error("one of two voters is told that it is alone")
	}
}
