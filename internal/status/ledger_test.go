package status

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"lbd/store/model"
)

func every(model.ListenerID) bool { return true }

func conns(n int64) model.ListenerCounters {
	return model.ListenerCounters{TotalConnections: n, BytesIn: 10 * n}
}

// machine is a node with a file, and a ledger while it runs.
type machine struct {
	id    model.NodeID
	epoch int64
	l     *Ledger
	live  Totals
	file  map[model.NodeID]Totals
	shown map[model.NodeID]Totals // its own board
}

func (m *machine) start() {
	m.epoch++
	file := map[model.NodeID]Totals{}
	for id, t := range m.file {
		file[id] = maps.Clone(t)
	}
	m.l, m.live, m.shown = NewLedger(file), Totals{}, map[model.NodeID]Totals{}
	m.l.SetSelf(m.id)
}

func (m *machine) sum(id model.ListenerID) (n int64) {
	own := m.l.Own(m.live, every)
	n = own[id].TotalConnections
	for node, t := range m.shown {
		if node != m.id {
			n += t[id].TotalConnections
		}
	}
	for _, t := range m.l.Silent(func(x model.NodeID) bool { _, ok := m.shown[x]; return ok }) {
		n += t[id].TotalConnections
	}
	return n
}

// Whatever is counted, reported, written down, killed and started, what a node shows
// never shrinks while it runs, never exceeds what was counted, and once everybody has
// spoken everybody shows what was reported or written down.
func TestSumsOnlyGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ms []*machine
		for i := range 3 {
			m := &machine{id: model.NodeID(fmt.Sprint("n", i))}
			m.start()
			ms = append(ms, m)
		}
		const lis model.ListenerID = "l"
		counted := int64(0)
		last := map[*machine]int64{}
		report := func(m *machine) {
			row := m.l.Own(m.live, every)
			for _, o := range ms {
				if o == m || o.l == nil {
					continue
				}
				known, ok := o.l.epochs[m.id]
				o.shown[m.id] = o.l.Heard(m.id, m.epoch, row)
				if !ok || known != m.epoch {
					m.l.Told(o.l.For(m.id))
				}
			}
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			m := rapid.SampledFrom(ms).Draw(t, "node")
			if m.l == nil {
				m.start()
				delete(last, m)
				for _, o := range ms { // they hear it, and it hears them
					if o.l != nil {
						report(o)
					}
				}
				continue
			}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				n := rapid.Int64Range(1, 9).Draw(t, "n")
				m.live[lis] = plus(m.live[lis], conns(n))
				counted += n
			case 2, 3:
				report(m)
			case 4:
				m.l.Own(m.live, every)
				m.file = m.l.Remember()
			case 5: // killed
				report(m)
				m.l = nil
				continue
			}
			now := m.sum(lis)
			if now < last[m] {
				t.Fatalf("%s shows %d after %d", m.id, now, last[m])
			}
			if now > counted {
				t.Fatalf("%s shows %d of %d", m.id, now, counted)
			}
			last[m] = now
		}
		for _, m := range ms {
			if m.l == nil {
				m.start()
			}
		}
		for range 3 {
			for _, m := range ms {
				report(m)
			}
		}
		want := ms[0].sum(lis)
		for _, m := range ms {
			if got := m.sum(lis); got != want || got > counted {
				t.Fatalf("%s shows %d, %s %d; %d counted", m.id, got, ms[0].id, want, counted)
			}
		}
	})
}

func TestRemovedNodesCountOn(t *testing.T) {
	l := NewLedger(nil)
	l.SetSelf("a")
	l.Heard("b", 1, Totals{"l": conns(5), "old": conns(1)})
	l.Heard("c", 1, Totals{"l": conns(2)})
	member := func(id model.NodeID) bool { return id != "b" }
	exists := func(id model.ListenerID) bool { return id != "old" }
	l.Prune(member, exists)
	l.Prune(member, exists)
	got := l.Silent(func(id model.NodeID) bool { return id == "c" })
	if len(got) != 1 || got[gone]["l"] != conns(5) || len(got[gone]) != 1 {
		t.Errorf("%v", got)
	}
}

func TestOwnForgetsListenersThatAreGone(t *testing.T) {
	l := NewLedger(map[model.NodeID]Totals{"a": {"kept": conns(3), "gone": conns(4), "idle": conns(5)}})
	l.SetSelf("a")
	own := l.Own(Totals{"kept": {TotalConnections: 1, ActiveConnections: 1}}, func(id model.ListenerID) bool { return id != "gone" })
	if len(own) != 2 || own["kept"].TotalConnections != 4 || own["kept"].ActiveConnections != 1 || own["idle"] != conns(5) {
		t.Errorf("%v", own)
	}
}
