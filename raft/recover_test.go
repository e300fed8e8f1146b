package raft

import (
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// Two of three voters are lost for good: the third becomes a cluster of its own with
// all that it had. Nothing of that is done by accident.
func TestRecoverAfterALostQuorum(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	w := c.join("w", model.Witness, a)
	c.voters(3, false)
	mustWrite(t, b, "acknowledged")
	eventually(t, "it is on every node", func() bool { return has(a, "acknowledged") })

	attempt := func(m *member, lost ...string) (*Recovery, error) {
		return Recover(ctxFor(t, patience), RecoverConfig{DataDir: m.cfg.DataDir, Lost: lost, dial: m.cfg.dial})
	}
	refused := func(m *member, want string, lost ...string) {
		t.Helper()
		if r, err := attempt(m, lost...); err == nil || !strings.Contains(err.Error(), want) || r != nil && r.Done {
			t.Errorf("recover %s without %v: %+v, %v, want an error with %q", m.name, lost, r, err, want)
		}
	}
	refused(a, "in use by another lbd process", "b", "w")
	c.kill(a)
	refused(a, "node b takes connections", "b", "w")
	c.kill(b)
	refused(a, "node w takes connections", "b", "w")
	c.kill(w)
	refused(w, "cannot serve alone", "a", "b")
	refused(a, "node w is not said to be lost", "b")
	refused(a, `no member "x"`, "b", "w", "x")
	r, err := attempt(a)
	if err != nil || r.Done || r.Names() != "b,w" || r.LastIndex == 0 || r.Others[1].Kind != model.Witness {
		t.Fatalf("to look only: %+v, %v", r, err)
	}
	if _, err := Recover(ctxFor(t, patience), RecoverConfig{
		DataDir: a.cfg.DataDir, Lost: []string{"b", "w"}, dial: a.cfg.dial,
		Guard: func(st *store.Store) error { return store.Errorf(store.Conflict, "%d networks", len(networks(st))) },
	}); err == nil || err.Error() != "1 networks" {
		t.Errorf("the guard's word is %v", err)
	}
	if r, err = attempt(a, "w", "b"); err != nil || !r.Done {
		t.Fatalf("recover: %+v, %v", r, err)
	}
	refused(a, "only member", "b", "w")

	c.restart(a)
	if c.leader(a) != a || !has(a, "acknowledged") {
		t.Fatal("the recovered node does not lead, or lost what it had")
	}
	eventually(t, "the records of the lost are gone", func() (gone bool) {
		a.st.Read(func(st *store.State) { gone = len(st.Nodes()) == 1 })
		return gone
	})
	mustWrite(t, a, "since")

	// The lost ones were not lost: together they are a majority of what they know.
	c.start(b)
	c.start(w)
	for _, m := range []*member{b, w} {
		eventually(t, m.name+" knows that it was removed", func() bool { return m.node.State().Removed })
	}
	time.Sleep(3 * testTiming.Detect) // an election more
	if s := b.node.State(); s.IsLeader && !s.LeaseUntil.IsZero() {
		t.Errorf("a lost node leads: %+v", s)
	}
	if s := a.node.State(); !s.IsLeader || !has(a, "since") {
		t.Errorf("the lost nodes disturbed the recovered one: %+v", s)
	}
	c.kill(b)
	c.kill(w)
	delete(c.members, "b")
	delete(c.members, "w")
	c.join("b", model.DataNode, a)
	c.voters(2, true)
}

func networks(st *store.Store) (names []string) {
	st.Read(func(s *store.State) {
		for _, n := range s.Networks() {
			names = append(names, n.Name)
		}
	})
	return names
}
