package vrrp

import (
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// machine is what a keeper drives, in memory. It checks at every change that the
// order of things is kept.
type machine struct {
	t interface {
		Helper()
		Errorf(string, ...any)
	}
	clock    int64
	deadline int64
	vips     map[netip.Addr]int // at the gate; 0 shut
	on       map[netip.Addr]bool
	others   map[netip.Addr]string
	guarded  []int
	said     map[netip.Addr]string
	fail     map[netip.Addr]error
	links    map[string]linkInfo
	calls    []string
}

func newMachine(t *testing.T) *machine {
	return &machine{
		t: t, clock: 1000, vips: map[netip.Addr]int{}, on: map[netip.Addr]bool{}, others: map[netip.Addr]string{},
		said: map[netip.Addr]string{}, fail: map[netip.Addr]error{},
		links: map[string]linkInfo{
			"eth0": {name: "eth0", index: 2, up: true, gated: true},
			"eth1": {name: "eth1", index: 3, up: true, gated: true},
			"lo":   {name: "lo", index: 1, up: true},
		},
	}
}

func (m *machine) keeper() *keeper {
	k := newKeeper(slog.New(slog.DiscardHandler), m, m, m, func() map[string]linkInfo { return m.links }, func() int64 { return m.clock })
	if err := k.start(); err != nil {
		m.t.Errorf("start: %v", err)
	}
	return k
}

func (m *machine) note(s string) { m.calls = append(m.calls, s) }

func (m *machine) Guard(links []int) error { m.guarded = links; return nil }
func (m *machine) Guards(link int) bool    { return slices.Contains(m.guarded, link) }
func (m *machine) Close() error            { return nil }
func (m *machine) Deadline(t int64) error  { m.deadline = t; m.note("deadline"); return nil }

func (m *machine) Allow(a netip.Addr, link int, _ hwAddr) error {
	m.vips[a] = link
	m.note("allow " + a.String())
	return nil
}

func (m *machine) Shut(a netip.Addr) error {
	if _, ok := m.vips[a]; ok {
		m.vips[a] = 0
	}
	m.note("shut " + a.String())
	return nil
}

func (m *machine) Forget(a netip.Addr) error {
	if m.on[a] {
		m.t.Errorf("the gate forgets %s, which is on", a)
	}
	delete(m.vips, a)
	m.note("forget " + a.String())
	return nil
}

func (m *machine) Add(a netip.Addr) error {
	if link, ok := m.vips[a]; !ok || link == 0 || !m.Guards(link) {
		m.t.Errorf("%s comes on without a gate", a)
	}
	if m.fail[a] != nil {
		return m.fail[a]
	}
	m.on[a] = true
	m.note("add " + a.String())
	return nil
}

func (m *machine) Remove(a netip.Addr) error {
	if m.deadline > m.clock && m.vips[a] != 0 {
		m.t.Errorf("%s goes off while the gate is open for it", a)
	}
	if m.fail[a] != nil {
		return m.fail[a]
	}
	delete(m.on, a)
	m.note("remove " + a.String())
	return nil
}

func (m *machine) List() (map[netip.Addr]bool, map[netip.Addr]string, error) {
	return maps.Clone(m.on), m.others, nil
}
func (m *machine) up() error                     { return nil }
func (m *machine) listen(VIP, int, hwAddr) error { return nil }
func (m *machine) dropped(a netip.Addr)          { delete(m.said, a) }
func (m *machine) again(link string)             { m.note("again " + link) }
func (m *machine) defend(a netip.Addr)           { m.note("defend " + a.String()) }
func (m *machine) claimed(vips []VIP) {
	for _, v := range vips {
		if !m.on[v.Addr] {
			m.t.Errorf("%s is announced and not on", v.Addr)
		}
		m.said[v.Addr] = v.Link
		m.note("announce " + v.Addr.String())
	}
}

func (m *machine) give(k *keeper, o Order) {
	k.take(orderMessage{Order: o})
	for k.step() {
	}
}

func TestOrderOfClaimAndRelease(t *testing.T) {
	m := newMachine(t)
	k := m.keeper()
	m.calls = nil
	m.give(k, Order{Seq: 1, Term: 1, Deadline: 2000, VIPs: []VIP{vipOf("10.0.0.1")}})
	m.give(k, Order{Seq: 2, Term: 1, Deadline: 3000, VIPs: []VIP{vipOf("10.0.0.1")}})
	m.give(k, Order{Seq: 3, Term: 1, Deadline: 4000, VIPs: []VIP{vipOf("10.0.0.2")}})
	m.give(k, Order{Seq: 4})
	want := []string{
		"deadline", "allow 10.0.0.1", "add 10.0.0.1", "announce 10.0.0.1",
		"deadline",
		"deadline", "shut 10.0.0.1", "remove 10.0.0.1", "forget 10.0.0.1", "allow 10.0.0.2", "add 10.0.0.2", "announce 10.0.0.2",
		"deadline", "shut 10.0.0.2", "remove 10.0.0.2", "forget 10.0.0.2",
	}
	if d := cmp.Diff(want, m.calls); d != "" {
		t.Error(d)
	}
	if r := k.report(); r.Seq != 4 || r.Term != 1 || r.Deadline != 0 || len(r.Holding) != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestDeadlinePasses(t *testing.T) {
	m := newMachine(t)
	k := m.keeper()
	o := Order{Seq: 1, Term: 3, Deadline: 2000, VIPs: []VIP{vipOf("10.0.0.1")}}
	m.give(k, o)
	m.clock = 1999
	k.expire()
	if r := k.report(); len(r.Holding) != 1 || r.Deadline != 2000 {
		t.Errorf("before: %+v", r)
	}
	m.clock = 2000
	if r := k.report(); len(r.Holding) != 0 || r.Deadline != 0 {
		t.Errorf("at the deadline, before anybody acted: %+v", r)
	}
	// A renewal in time for nothing: the gate was shut, somebody may have
	// claimed. It counts, and the links are told again.
	m.calls = nil
	o.Seq, o.Deadline = 2, 3000
	m.give(k, o)
	if !slices.Contains(m.calls, "again ") {
		t.Errorf("after the gap: %v", m.calls)
	}
	m.clock = 3000
	k.expire()
	for k.step() {
	}
	if len(m.on) > 0 || m.deadline != 0 || len(m.vips) > 0 {
		t.Errorf("after: on %v, deadline %d, gate %v", m.on, m.deadline, m.vips)
	}
	o.Seq, o.Deadline = 3, 2500 // an order that waited in the socket
	m.give(k, o)
	if len(m.on) > 0 || k.report().Seq != 3 {
		t.Errorf("a stale order: on %v, %+v", m.on, k.report())
	}
}

// A new number asks for announcements, for a peer was heard again; a renewal does not.
func TestAnnounceAgainWhenOrdered(t *testing.T) {
	m := newMachine(t)
	k := m.keeper()
	o := Order{Seq: 1, Term: 1, Deadline: 2000, Announce: 3, VIPs: []VIP{vipOf("10.0.0.1")}}
	m.give(k, o)
	for i, c := range []struct {
		announce uint64
		want     bool
	}{{3, false}, {4, true}, {4, false}} {
		m.calls = nil
		o.Seq, o.Deadline, o.Announce = o.Seq+1, o.Deadline+100, c.announce
		m.give(k, o)
		if got := slices.Contains(m.calls, "again "); got != c.want {
			t.Errorf("renewal %d: announced again %v, want %v", i, got, c.want)
		}
	}
}

func TestReleaseThatFailsIsNotConfirmed(t *testing.T) {
	m := newMachine(t)
	k := m.keeper()
	a := vipOf("10.0.0.1")
	m.give(k, Order{Seq: 1, Term: 1, Deadline: 2000, VIPs: []VIP{a}})
	m.fail[a.Addr] = errors.New("no")
	m.give(k, Order{Seq: 2})
	if r := k.report(); r.Seq != 1 {
		t.Errorf("confirmed with the address on: %+v", r)
	}
	if link := m.vips[a.Addr]; link != 0 {
		t.Error("the gate is open for what could not be removed")
	}
	delete(m.fail, a.Addr)
	k.resync()
	k.step()
	if r := k.report(); r.Seq != 2 || len(m.on) != 0 {
		t.Errorf("after the retry: %+v", r)
	}
}

func TestAddressThatFailsIsTriedAgain(t *testing.T) {
	m := newMachine(t)
	k := m.keeper()
	a, b := vipOf("10.0.0.1"), vipOf("10.0.0.2")
	m.fail[a.Addr] = errors.New("no room")
	m.give(k, Order{Seq: 1, Term: 1, Deadline: 2000, VIPs: []VIP{a, b, {netip.MustParseAddr("10.0.0.3"), "lo"}}})
	r := k.report()
	want := Report{
		Seq: 1, Term: 1, Deadline: 2000, Holding: []netip.Addr{b.Addr},
		Problems: []Problem{
			{a.Addr, "no room"},
			{netip.MustParseAddr("10.0.0.3"), "link lo is not an Ethernet link of its own"},
		},
	}
	if d := cmp.Diff(want, r, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(Report{}, "Since"), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	clear(m.fail)
	k.resync()
	k.step()
	if r := k.report(); len(r.Holding) != 2 || len(r.Problems) != 1 {
		t.Errorf("later: %+v", r)
	}
}

func TestLinkThatWasReplaced(t *testing.T) {
	m := newMachine(t)
	k := m.keeper()
	a := vipOf("10.0.0.1")
	m.give(k, Order{Seq: 1, Term: 1, Deadline: 2000, VIPs: []VIP{a}})
	before := m.links
	m.links = maps.Clone(before)
	m.links["eth0"] = linkInfo{name: "eth0", index: 9, gated: true}
	k.linksChanged(before)
	k.step()
	if m.vips[a.Addr] != 9 || !m.Guards(9) || m.Guards(2) {
		t.Errorf("gate: %v on %v", m.vips, m.guarded)
	}
	if r := k.report(); !slices.Equal(r.LinksDown, []string{"eth0"}) {
		t.Errorf("report %+v", r)
	}
}

// Whatever orders come, and however the steps fall between them: nothing is on
// without a gate, nothing is held past a deadline or for an older term, and when
// all is done the machine is as the newest order says.
func TestAnyOrders(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(t)
		m.t = rt
		k := m.keeper()
		var newest Order // the one that stands
		var term uint64
		for seq := range uint64(rapid.IntRange(1, 30).Draw(rt, "orders")) {
			m.clock += rapid.Int64Range(0, 500).Draw(rt, "passes")
			o := Order{Seq: seq + 1, Term: rapid.Uint64Range(1, 3).Draw(rt, "term")}
			if rapid.IntRange(0, 4).Draw(rt, "kind") > 0 {
				o.Deadline = m.clock + rapid.Int64Range(-100, 800).Draw(rt, "lease")
			}
			for i := range rapid.IntRange(0, 150).Draw(rt, "vips") {
				o.VIPs = append(o.VIPs, VIP{netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(rt, "link")})
			}
			k.take(orderMessage{Order: o})
			switch {
			case o.Deadline <= m.clock:
				newest, term = Order{}, max(term, o.Term)
			case o.Term >= term:
				newest, term = o, o.Term
			}
			for range rapid.IntRange(0, 3).Draw(rt, "steps") {
				k.step()
			}
			if m.deadline > max(0, newest.Deadline) {
				rt.Fatalf("gate open until %d, ordered %d", m.deadline, newest.Deadline)
			}
			k.expire()
		}
		for k.step() {
		}
		want := map[netip.Addr]bool{}
		if newest.Deadline > m.clock {
			for _, v := range newest.VIPs {
				want[v.Addr] = true
				if m.vips[v.Addr] != m.links[v.Link].index || m.said[v.Addr] != v.Link {
					rt.Fatalf("%s: gate %d, announced on %s, want %s", v.Addr, m.vips[v.Addr], m.said[v.Addr], v.Link)
				}
			}
		}
		if !maps.Equal(m.on, want) || len(m.vips) != len(want) {
			rt.Fatalf("on %d, at the gate %d, want %d", len(m.on), len(m.vips), len(want))
		}
	})
}
