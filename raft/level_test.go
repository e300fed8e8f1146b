package raft

import (
	"context"
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// group proposes a group of a domain that does not exist: when it may be proposed at
// all, the store has not found the domain.
func (m *member) group(t *testing.T) error {
	t.Helper()
	_, err := m.node.Apply(ctxFor(t, patience), store.Command{Kind: store.GroupCreate, At: time.Now().UTC(), Payload: &model.Group{ID: "g", Domain: "none"}})
	return err
}

func proposed(err error) bool { return store.KindOf(err) == store.NotFound }

func isTooOld(err error, name string) bool {
	return store.KindOf(err) == store.Conflict && strings.Contains(err.Error(), "Node "+name+" ") && strings.Contains(err.Error(), "upgrade it first")
}

// What a voter of an older build cannot read is not proposed, on whatever node it is
// asked for, until that voter runs a newer one; all else goes on.
func TestNothingIsProposedThatAVoterCannotRead(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.levels = map[string]int{"old": firstLevel}
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	old := c.join("old", model.Witness, a)
	c.voters(3, false)
	for _, m := range []*member{a, b} {
		if err := m.group(t); !isTooOld(err, "old") {
			t.Errorf("a group, asked for on %s: %v", m.name, err)
		}
		if err := m.node.SpreadOn(ctxFor(t, patience), "test"); !isTooOld(err, "old") {
			t.Errorf("Spread, turned on at %s: %v", m.name, err)
		}
	}
	mustWrite(t, b, "net")
	eventually(t, "the old one has what it can read", func() bool { return has(old, "net") })

	c.kill(old)
	old.cfg.level = 0
	c.restart(old)
	c.voters(3, false)
	// Whoever speaks to another says what it can read, so the reports of the new
	// build tell the leader.
	eventually(t, "the voter that was upgraded is known to be", func() bool {
		old.node.Push(Small, []byte("{}"))
		return proposed(a.group(t))
	})
	if err := b.group(t); !proposed(err) {
		t.Errorf("a group, asked for on b: %v", err)
	}
}

// A leader of an older build proposes what it is given, so it is not given it.
func TestAnOlderLeaderIsNotGivenWhatItCannotRead(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.levels = map[string]int{"old": firstLevel}
	old := c.first("old")
	b := c.join("b", model.DataNode, old)
	c.join("w", model.Witness, old)
	c.voters(3, false)
	c.leader(old)
	if err := b.group(t); !isTooOld(err, "old") {
		t.Errorf("a group: %v", err)
	}
	mustWrite(t, b, "net")
}

// Nobody knows the build of a voter that was away since the others were started: it
// is named, and that it can be taken out. Its own replacement is not in its way.
func TestASilentVoterIsNotTakenForANewOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	d := c.join("d", model.DataNode, a)
	c.voters(3, false)
	if err := a.group(t); !proposed(err) {
		t.Errorf("a group: %v", err)
	}
	for _, m := range []*member{d, a, b} {
		c.kill(m)
	}
	c.restart(a)
	c.restart(b)
	lead := c.leader(a, b)
	if err := lead.group(t); store.KindOf(err) != store.Unavailable || !strings.Contains(err.Error(), "node d ") || !strings.Contains(err.Error(), "lbd remove d") {
		t.Errorf("a group while d is away: %v", err)
	}
	body, err := store.Command{Kind: store.NodeReplace, Payload: &store.NodeReplacement{Lost: d.node.Self(), By: "spare"}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := lead.node.mayPropose(ctxFor(t, patience), lead.node.core.Load(), body); err != nil {
		t.Errorf("the replacement of d: %v", err)
	}
	if err := lead.node.mayPropose(context.Background(), lead.node.core.Load(), []byte("\x01{\"kind\":\"tomorrow.put\"}")); store.KindOf(err) != store.Conflict {
		t.Errorf("a kind of a newer build: %v", err)
	}
}
