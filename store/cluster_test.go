package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func initPayload() *store.ClusterInitPayload {
	return &store.ClusterInitPayload{
		ClusterID:   "c1",
		Node:        model.Node{ID: "n1", Name: "one", Kind: model.DataNode, Addresses: prefixes("10.0.0.254/24")},
		Projects:    []model.Project{{ID: "p1", Record: model.Record{Name: "admin"}, Enabled: true}},
		Users:       []model.User{{ID: "u1", Record: model.Record{Name: "admin"}, Enabled: true, PasswordHash: "$argon2id$x"}},
		Roles:       []model.Role{{ID: "r1", Record: model.Record{Name: "admin"}}, {ID: "r2", Record: model.Record{Name: "reader"}}},
		Assignments: []model.Assignment{{User: "u1", Project: "p1", Role: "r1"}},
	}
}

func TestSettings(t *testing.T) {
	c := newCluster(t)
	profile := func() (p model.Profile) {
		c.read(func(st *store.State) { p = st.Settings().Profile })
		return p
	}
	if got := profile(); got != model.ProfileDefault {
		t.Errorf("a new cluster has profile %q", got)
	}
	c.refused(store.SettingsPut, &model.Settings{Profile: "hasty"}, store.Invalid, "Invalid input for field/attribute profile. Value: 'hasty'. Value should be one of: 'fast', 'default', 'calm'.")
	c.ok(store.SettingsPut, &model.Settings{Profile: model.ProfileCalm})
	if got := profile(); got != model.ProfileCalm {
		t.Errorf("the profile is %q", got)
	}
}

func TestRoleChangesAreBoundedAndOnePerTerm(t *testing.T) {
	c := newCluster(t)
	for term := uint64(model.MaxRoleChanges + 10); term > 0; term-- { // late notes of old terms
		c.ok(store.RoleChangeNote, &model.RoleChange{Term: term, Node: "n1", GapMS: -1})
	}
	c.ok(store.RoleChangeNote, &model.RoleChange{Term: 20, Node: "n1", GapMS: 41})
	c.refused(store.RoleChangeNote, &model.RoleChange{Term: 20, Node: "n2"}, store.Conflict, "term 20 belongs to node n1")
	c.refused(store.RoleChangeNote, &model.RoleChange{Node: "n2"}, store.Invalid, "a role change needs a term and a node")
	var got []*model.RoleChange
	c.read(func(st *store.State) { got = st.RoleChanges() })
	if len(got) != model.MaxRoleChanges || got[0].Term != 11 || got[9].GapMS != 41 {
		t.Errorf("%d changes, the first of term %d, term 20 with gap %d", len(got), got[0].Term, got[9].GapMS)
	}
}

func TestClusterInit(t *testing.T) {
	c := newCluster(t)
	wrong := initPayload()
	wrong.Assignments[0].Role = "x"
	c.refused(store.ClusterInit, wrong, store.Invalid, "assignment of role x to user u1 on project p1 names what is not there")
	wrong = initPayload()
	wrong.ClusterID = ""
	c.refused(store.ClusterInit, wrong, store.Invalid, "the cluster has no id")
	wrong = initPayload()
	wrong.Node.Name = ""
	c.refused(store.ClusterInit, wrong, store.Invalid, "a node needs an id and a name")
	wrong = initPayload()
	wrong.Users = append(wrong.Users, model.User{})
	c.refused(store.ClusterInit, wrong, store.Invalid, "a project, user or role has no id")

	c.ok(store.ClusterInit, initPayload())
	c.read(func(st *store.State) {
		if st.ClusterID() != "c1" {
			t.Errorf("cluster %q", st.ClusterID())
		}
		u, ok := st.UserByName("admin")
		if !ok || u.ID != "u1" || u.PasswordHash == "" || u.Created != at(c.index) {
			t.Errorf("user %+v", u)
		}
		p, ok := st.ProjectByName("admin")
		if !ok || p.ID != "p1" || !p.Enabled {
			t.Errorf("project %+v", p)
		}
		if r, ok := st.RoleByName("reader"); !ok || r.ID != "r2" {
			t.Errorf("role %+v", r)
		}
		if _, ok := st.RoleByName("x"); ok {
			t.Error("found a role that is not there")
		}
		if rs := st.RolesOf("u1", "p1"); len(rs) != 1 || rs[0].ID != "r1" {
			t.Errorf("roles %v", rs)
		}
		if ps := st.ProjectsOf("u1"); len(ps) != 1 || ps[0].ID != "p1" {
			t.Errorf("projects %v", ps)
		}
		if ps := st.ProjectsOf("u2"); len(ps) != 0 {
			t.Errorf("projects of nobody %v", ps)
		}
	})
	c.refused(store.ClusterInit, initPayload(), store.Conflict, "the cluster is initialised already")
}

func TestNodes(t *testing.T) {
	c := newCluster(t)
	c.ok(store.ClusterInit, initPayload())
	joined := c.index
	c.ok(store.NodePut, &model.Node{ID: "n2", Name: "two", Kind: model.Witness})
	c.refused(store.NodePut, &model.Node{ID: "n3", Name: "two", Kind: model.DataNode}, store.Conflict, "a node named two is in the cluster already")
	c.refused(store.NodePut, &model.Node{ID: "n3", Name: "three", Kind: "cat"}, store.Invalid, `node three is of unknown kind "cat"`)
	c.ok(store.NodePut, &model.Node{ID: "n1", Name: "uno", API: "10.0.0.5:9876"})
	c.read(func(st *store.State) {
		n, ok := st.NodeByName("uno")
		want := &model.Node{ID: "n1", Name: "uno", Kind: model.DataNode, API: "10.0.0.5:9876", Joined: at(joined), Revision: c.index}
		if d := cmp.Diff(want, n, byValue); !ok || d != "" {
			t.Error(d)
		}
		var names []string
		for _, n := range st.Nodes() {
			names = append(names, n.Name)
		}
		if d := cmp.Diff([]string{"uno", "two"}, names); d != "" {
			t.Error(d)
		}
	})
	c.ok(store.NodeRemove, &store.NodeRef{ID: "n2"})
	c.refused(store.NodeRemove, &store.NodeRef{ID: "n2"}, store.NotFound, "Node n2 not found.")
	c.ok(store.NodePut, &model.Node{ID: "n3", Name: "two"})
}

// A spare takes a data node's place; what either says of itself later changes
// neither kind.
func TestASpareReplacesANode(t *testing.T) {
	c := newCluster(t)
	c.ok(store.ClusterInit, initPayload()) // n1
	c.ok(store.NodePut, &model.Node{ID: "w", Name: "w", Kind: model.Witness})
	c.ok(store.NodePut, &model.Node{ID: "s", Name: "s", Kind: model.Spare})
	for _, x := range []struct {
		lost, by model.NodeID
		kind     store.Kind
		text     string
	}{
		{"nobody", "s", store.NotFound, "Node nobody not found."},
		{"n1", "nobody", store.NotFound, "Node nobody not found."},
		{"w", "s", store.Conflict, "node w is a witness node: only a data node is replaced"},
		{"s", "s", store.Conflict, "node s is a spare node: only a data node is replaced"},
		{"n1", "n1", store.Conflict, "node one is a data node: only a spare replaces another"},
		{"n1", "w", store.Conflict, "node w is a witness node: only a spare replaces another"},
	} {
		c.refused(store.NodeReplace, &store.NodeReplacement{Lost: x.lost, By: x.by}, x.kind, x.text)
	}
	c.ok(store.NodeReplace, &store.NodeReplacement{Lost: "n1", By: "s"})
	c.ok(store.NodePut, &model.Node{ID: "s", Name: "s", Kind: model.Spare, API: "10.0.0.9:9876"})
	c.ok(store.NodePut, &model.Node{ID: "n1", Name: "uno"})
	c.read(func(st *store.State) {
		for id, want := range map[model.NodeID]model.NodeKind{"n1": model.Spare, "s": model.DataNode, "w": model.Witness} {
			if n, ok := st.Node(id); !ok || n.Kind != want {
				t.Errorf("%s: %+v, want a %s", id, n, want)
			}
		}
	})
}

func TestUnknownCommands(t *testing.T) {
	s := store.New()
	if err := s.Apply(1, store.Command{Kind: "x"}); store.KindOf(err) != store.Invalid {
		t.Errorf("unknown kind: %v", err)
	}
	if err := s.Apply(2, store.Command{Kind: store.PoolCreate, Payload: &store.PoolRef{}}); store.KindOf(err) != store.Invalid {
		t.Errorf("wrong payload: %v", err)
	}
	if s.Index() != 2 {
		t.Errorf("index %d", s.Index())
	}
}

// A deleted amphora stays so until its node is heard again, or goes with its node or
// load balancer.
func TestDismissedAmphorae(t *testing.T) {
	c := newCluster(t)
	c.ok(store.ClusterInit, initPayload())
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("a"))
	c.ok(store.LoadBalancerCreate, lb("b"))
	c.settle()
	c.ok(store.NodePut, &model.Node{ID: "n2", Name: "two", Kind: model.DataNode})
	c.refused(store.AmphoraDismiss, &model.Dismissal{Node: "x", LoadBalancer: "a"}, store.NotFound, "Node x not found.")
	c.refused(store.AmphoraDismiss, &model.Dismissal{Node: "n1", LoadBalancer: "x"}, store.NotFound, "Load Balancer x not found.")
	c.refused(store.AmphoraRestore, &store.NodeRef{ID: "x"}, store.NotFound, "Node x not found.")
	all := []model.Dismissal{{Node: "n1", LoadBalancer: "a"}, {Node: "n1", LoadBalancer: "b"}, {Node: "n2", LoadBalancer: "a"}, {Node: "n2", LoadBalancer: "b"}}
	dismiss := func() {
		for _, d := range all {
			c.ok(store.AmphoraDismiss, &d)
			c.ok(store.AmphoraDismiss, &d)
		}
	}
	expect := func(what string, want []model.Dismissal) {
		t.Helper()
		c.read(func(st *store.State) {
			if diff := cmp.Diff(want, st.Dismissals()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			for _, d := range all {
				if st.Dismissed(d) != slices.Contains(want, d) {
					t.Errorf("%s: %v is dismissed: %v", what, d, st.Dismissed(d))
				}
			}
		})
	}
	dismiss()
	expect("all", all)
	c.ok(store.AmphoraRestore, &store.NodeRef{ID: "n1"})
	c.ok(store.AmphoraRestore, &store.NodeRef{ID: "n1"})
	expect("the node is heard", all[2:])
	dismiss()
	c.ok(store.NodeRemove, &store.NodeRef{ID: "n2"})
	expect("the node is removed", all[:2])
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "a"})
	c.settle()
	expect("the load balancer is deleted", all[1:2])
}
