package status

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lbd/store/model"
)

// TestNewestWins: whatever the order of arrival, and however often a report
// arrives, the row is the newest of what was put.
func TestNewestWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New()
		best := map[model.NodeID]model.Report{}
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			r := model.Report{
				Node:  model.NodeID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node")),
				Epoch: rapid.Int64Range(1, 3).Draw(t, "epoch"),
				Seq:   rapid.Uint64Range(1, 5).Draw(t, "seq"),
			}
			old, known := best[r.Node]
			want := !known || r.Epoch > old.Epoch || r.Epoch == old.Epoch && r.Seq > old.Seq
			if got := b.Put(r); got != want {
				t.Fatalf("Put(%+v) over %+v = %v", r, old, got)
			}
			if want {
				best[r.Node] = r
			}
		}
		rows := b.Reports()
		if len(rows) != len(best) {
			t.Fatalf("%d rows, want %d", len(rows), len(best))
		}
		for i, h := range rows {
			if want := best[h.Node]; h.Epoch != want.Epoch || h.Seq != want.Seq {
				t.Fatalf("row %d: %+v, want %+v", i, h.Report, want)
			}
		}
	})
}

func TestAgeGrowsUntilTheNodeIsHeardAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New()
		b.Put(model.Report{Node: "a", Epoch: 1, Seq: 1})
		time.Sleep(3 * time.Second)
		if h, ok := b.Get("a"); !ok || h.Age != 3*time.Second {
			t.Errorf("age %v, known %v", h.Age, ok)
		}
		b.Put(model.Report{Node: "a", Epoch: 1, Seq: 1}) // a repeat is no sign of life
		if h, _ := b.Get("a"); h.Age != 3*time.Second {
			t.Errorf("age after a repeat: %v", h.Age)
		}
		b.Put(model.Report{Node: "a", Epoch: 1, Seq: 2})
		if h := b.Reports()[0]; h.Age != 0 {
			t.Errorf("age after news: %v", h.Age)
		}
	})
}

// TestLargeAndSmallReportsOvertakeEachOther: whatever the order of arrival, the row
// ends with the newest small part and the newest large part of the newest process.
func TestLargeAndSmallReportsOvertakeEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type sent struct {
			epoch int64
			seq   uint64
			large bool
		}
		var all []sent
		for epoch := range int64(2) {
			for seq := range uint64(5) {
				all = append(all, sent{epoch + 1, seq + 1, rapid.Bool().Draw(t, "large")})
			}
		}
		b := New()
		for _, s := range rapid.Permutation(all).Draw(t, "arrival") {
			r := model.Report{Node: "a", Epoch: s.epoch, Seq: s.seq, Applied: s.seq}
			if s.large {
				r.Listeners = map[model.ListenerID]model.ListenerCounters{"l": {Requests: int64(s.seq)}}
				b.Put(r)
			} else {
				b.PutSmall(r)
			}
		}
		last := int64(0) // the newest large part of the second process
		for _, s := range all[5:] {
			if s.large {
				last = int64(s.seq)
			}
		}
		h, _ := b.Get("a")
		if h.Epoch != 2 || h.Seq != 5 || h.Applied != 5 || h.Listeners["l"].Requests != last {
			t.Fatalf("%+v, want the large part of report %d", h.Report, last)
		}
	})
}

func TestBoardIsBounded(t *testing.T) {
	b := New()
	for i := range MaxRows + 10 {
		put := b.Put(model.Report{Node: model.NodeID(fmt.Sprint(i)), Epoch: 1})
		if put != (i < MaxRows) {
			t.Fatalf("row %d taken: %v", i, put)
		}
	}
	b.Forget("0")
	if !b.Put(model.Report{Node: "new", Epoch: 1}) {
		t.Error("no place after one was forgotten")
	}
}

// TestANewerClaimEndsTheOlder: the last word of a node that died as the active one
// is not shown beside that of its successor.
func TestANewerClaimEndsTheOlder(t *testing.T) {
	b := New()
	vip := []netip.Addr{netip.MustParseAddr("10.0.0.9")}
	active := func(node string, seq, term uint64) {
		b.Put(model.Report{Node: model.NodeID(node), Epoch: 1, Seq: seq, Role: model.RoleReport{Role: model.RoleActive, Term: term, VIPs: vip, Ready: true}})
	}
	role := func(node string) model.RoleName { h, _ := b.Get(model.NodeID(node)); return h.Role.Role }
	active("a", 1, 2)
	b.Put(model.Report{Node: "b", Epoch: 1, Seq: 1, Role: model.RoleReport{Role: model.RoleStandby}})
	if role("a") != model.RoleActive || role("b") != model.RoleStandby {
		t.Errorf("before: a is %s, b %s", role("a"), role("b"))
	}
	active("b", 2, 3)
	if role("a") != model.RoleUnknown || role("b") != model.RoleActive {
		t.Errorf("after: a is %s, b %s", role("a"), role("b"))
	}
	for _, h := range b.Reports() {
		if held := len(h.Role.VIPs) > 0; held != (h.Node == "b") {
			t.Errorf("%s holds %v", h.Node, h.Role.VIPs)
		}
	}
	b.Put(model.Report{Node: "a", Epoch: 2, Seq: 1, Role: model.RoleReport{Role: model.RoleStandby}})
	if role("a") != model.RoleStandby {
		t.Errorf("it is back: a is %s", role("a"))
	}
}

// TestAVIPThatMovedIsNotShownTwice: where shares are held, several nodes are active in
// whatever term; the last word of one that died does not outlive its successor's.
func TestAVIPThatMovedIsNotShownTwice(t *testing.T) {
	x, y := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	share := func(node model.NodeID, seq, term, table uint64, vips ...netip.Addr) model.Report {
		return model.Report{Node: node, Epoch: 1, Seq: seq, Role: model.RoleReport{Role: model.RoleActive, Share: true, Term: term, Table: table, VIPs: vips}}
	}
	b := New()
	b.Put(share("a", 1, 7, 20, x))
	b.Put(share("b", 1, 9, 20, y))
	is := func(a, b2 string) {
		t.Helper()
		got := map[model.NodeID]string{}
		for _, h := range b.Reports() {
			got[h.Node] = fmt.Sprintf("%s %v", h.Role.Role, h.Role.VIPs)
		}
		if got["a"] != a || got["b"] != b2 {
			t.Errorf("%v, want a %s and b %s", got, a, b2)
		}
	}
	is("active [10.0.0.1]", "active [10.0.0.2]")
	b.Put(share("b", 2, 9, 21, x, y))
	is("active []", "active [10.0.0.1 10.0.0.2]")
	if h, _ := b.Get("a"); len(h.Role.VIPs) != 0 {
		t.Errorf("one row: %v", h.Role.VIPs)
	}
	b.Put(share("b", 3, 9, 22, y))
	b.Put(share("a", 2, 9, 22, x))
	is("active [10.0.0.1]", "active [10.0.0.2]")
}
