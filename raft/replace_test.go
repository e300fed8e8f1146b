package raft

import (
	"slices"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// kinds waits until every open member knows these kinds, by name.
func (c *cluster) kinds(want map[string]model.NodeKind) {
	c.t.Helper()
	eventually(c.t, "the kinds of all nodes", func() bool {
		for _, m := range c.members {
			same := true
			m.st.Read(func(st *store.State) {
				for name, kind := range want {
					n, ok := st.NodeByName(name)
					same = same && ok && n.Kind == kind
				}
			})
			if m.open && !same {
				return false
			}
		}
		return true
	})
}

// A spare takes the place of a dead voter and can lead; the dead one comes back as a
// spare, and takes the next one's place.
func TestASpareTakesTheDeadVotersPlace(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.replaceAfter = 4 * testTiming.Detect
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	d := c.join("d", model.DataNode, a)
	s := c.join("s", model.Spare, a)
	c.voters(3, false)
	lead := c.leader()
	dead := b
	if lead == b {
		dead = d
	}
	died := time.Now()
	c.kill(dead)
	c.kinds(map[string]model.NodeKind{dead.name: model.Spare, "s": model.DataNode})
	if took := time.Since(died); took < c.replaceAfter-testTiming.Detect {
		t.Errorf("a node was replaced %v after it died", took)
	}
	eventually(t, "three voters, the spare among them", func() bool {
		v := lead.node.State().Voters
		return len(v) == 3 && slices.Contains(v, s.node.Self()) && !slices.Contains(v, dead.node.Self())
	})
	if got := s.node.Kind(); got != model.DataNode {
		t.Errorf("the spare says it is a %s", got)
	}
	eventually(t, "the spare may lead", func() bool { return lead.node.Transfer(ctxFor(t, patience), s.node.Self()) == nil })
	if got := c.leader(); got != s {
		t.Errorf("%s leads", got.name)
	}
	mustWrite(t, s, "net")

	c.restart(dead)
	eventually(t, "the dead one is back, as a spare", func() bool { return has(dead, "net") && dead.node.Kind() == model.Spare })
	next := a
	c.kill(next)
	c.kinds(map[string]model.NodeKind{next.name: model.Spare, dead.name: model.DataNode})
	c.voters(3, false)
}
