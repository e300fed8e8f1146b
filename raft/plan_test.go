package raft

import (
	"slices"
	"strings"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"lbd/store/model"
)

// setting writes nodes as "a b w=witness s=spare" and servers as "a b- seat",
// a minus marking those without a vote.
func setting(nodes, servers string) (ns []*model.Node, ss []hraft.Server) {
	for i, f := range strings.Fields(nodes) {
		id, kind, _ := strings.Cut(f, "=")
		if kind == "" {
			kind = string(model.DataNode)
		}
		ns = append(ns, &model.Node{ID: model.NodeID(id), Name: id, Kind: model.NodeKind(kind), Cluster: id + ":1", Joined: time.Unix(int64(i), 0)})
	}
	for _, f := range strings.Fields(servers) {
		id, non := strings.CutSuffix(f, "-")
		s := hraft.Server{ID: hraft.ServerID(id), Address: hraft.ServerAddress(id + ":1")}
		if id == string(seatID) {
			s.Address = seatAddress
		}
		if non {
			s.Suffrage = hraft.Nonvoter
		}
		ss = append(ss, s)
	}
	return ns, ss
}

func TestPlan(t *testing.T) {
	all := func(hraft.ServerID) bool { return true }
	none := func(hraft.ServerID) bool { return false }
	f := func(nodes, servers string, caught func(hraft.ServerID) bool, want string) {
		t.Helper()
		ns, ss := setting(nodes, servers)
		ch := plan(ns, ss, "a", caught)
		got := ch.op.String()
		if ch.op != noChange {
			got += " " + string(ch.id)
		}
		if got != want {
			t.Errorf("%q with %q: %s, want %s", nodes, servers, got, want)
		}
	}
	f("a", "a", all, "none")
	f("a b", "a", all, "add non-voter b")
	f("a b", "a b-", none, "none")
	f("a b", "a b-", all, "add voter b")
	f("a b", "a b", all, "add voter seat")
	f("a b", "a b seat", all, "none")
	f("a b c", "a b seat", all, "add non-voter c")
	f("a b c", "a b seat c-", none, "none") // the seat stays until c can vote
	f("a b c", "a b seat c-", all, "remove seat")
	f("a b c", "a b c-", all, "add voter c")
	f("a b w=witness", "a b seat w-", all, "remove seat")
	f("a b w=witness", "a b w-", all, "add voter w")
	f("a b w=witness", "a b w", all, "none")
	f("a w=witness", "a w", all, "none")
	f("a b s=spare", "a b seat s-", all, "none")
	f("a b s=spare", "a b s seat", all, "demote s")
	f("a b", "a b c", all, "remove c")
	f("a b", "a b w", all, "remove w")
	f("a", "a b seat", all, "remove seat") // before b, or the seat would have no peer
	f("a", "a b", all, "remove b")
	f("a b c d e f", "a b c d e f-", all, "none") // five vote
	f("a b c d e w=witness", "a b c d e w-", all, "demote e")
	f("a b c d e w=witness", "a b c d e- w-", all, "add voter w")

	ns, ss := setting("a b", "a b seat")
	ss[1].Address = "old:1"
	if ch := plan(ns, ss, "a", all); ch != (change{addVoter, "b", "b:1"}) {
		t.Errorf("a changed address: %+v", ch)
	}
}

// TestPlanEnds: from any configuration, any set of nodes is reached in a few
// steps, one server at a time; the seat is there only with two data voters.
func TestPlanEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d", "e", "f", "g"}
		nodes, servers := "a", "a"
		for _, n := range names[1:] {
			nodes += rapid.SampledFrom([]string{"", " " + n, " " + n + "=witness", " " + n + "=spare"}).Draw(t, "node")
			servers += rapid.SampledFrom([]string{"", " " + n, " " + n + "-"}).Draw(t, "server")
		}
		servers += rapid.SampledFrom([]string{"", " seat"}).Draw(t, "seat")
		ns, ss := setting(nodes, servers)
		for range 30 {
			ch := plan(ns, ss, "a", func(hraft.ServerID) bool { return true })
			if ch.op == noChange {
				seat, data, voters := false, 0, 0
				for _, s := range ss {
					seat = seat || s.ID == seatID
					voters += btoi(s.Suffrage == hraft.Voter)
				}
				for _, n := range wantedVoters(ns) {
					data += btoi(n.Kind == model.DataNode)
				}
				if want := len(wantedVoters(ns)); voters != want+btoi(seat) || seat != (want == 2 && data == 2) || len(ss) != len(ns)+btoi(seat) {
					t.Fatalf("%q ends with %v", nodes, ss)
				}
				return
			}
			if ch.id == "a" && ch.op != addVoter {
				t.Fatalf("the leader takes itself out: %v", ch)
			}
			ss = stepped(ss, ch)
		}
		t.Fatalf("%q from %q does not end", nodes, servers)
	})
}

func stepped(ss []hraft.Server, ch change) []hraft.Server {
	var out []hraft.Server
	for _, s := range ss {
		if s.ID != ch.id {
			out = append(out, s)
		}
	}
	switch ch.op {
	case addVoter:
		out = append(out, hraft.Server{ID: ch.id, Address: ch.addr})
	case addNonvoter, demote:
		old, _ := inConfig(ss, ch.id)
		if ch.op == demote {
			ch.addr = old.Address
		}
		out = append(out, hraft.Server{ID: ch.id, Address: ch.addr, Suffrage: hraft.Nonvoter})
	}
	return out
}

func TestReplacement(t *testing.T) {
	f := func(nodes, servers, lost, caught, want string) {
		t.Helper()
		ns, ss := setting(nodes, servers)
		in := func(list string) func(hraft.ServerID) bool {
			return func(id hraft.ServerID) bool { return slices.Contains(strings.Fields(list), string(id)) }
		}
		got := "none"
		if out, by := replacement(ns, ss, "a", in(lost), in(caught)); out != nil {
			got = string(out.ID) + " by " + string(by.ID)
		}
		if got != want {
			t.Errorf("%q with %q, lost %q, caught up %q: %s, want %s", nodes, servers, lost, caught, got, want)
		}
	}
	const nodes, servers = "a b c s=spare t=spare w=witness", "a b c s- t- w"
	f(nodes, servers, "", "s t", "none")
	f(nodes, servers, "b", "s t", "b by s")
	f(nodes, servers, "b c", "t", "b by t")
	f(nodes, servers, "b", "", "none") // no spare has the log, or none lives
	f(nodes, servers, "w", "s", "none")
	f(nodes, servers, "a", "s", "none") // who asks is alive
	f(nodes, "a b c t-", "b", "s", "none")
	f("a b c", "a b c", "b", "", "none")
	f("a b s=spare", "a b- s-", "b", "s", "none") // it has no vote to lose
	f("a b s=spare", "a b s", "b", "s", "none")   // the plan has work to do with it first
}
