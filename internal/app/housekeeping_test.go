package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"lbd/store"
	"lbd/store/model"
)

// TestExpiredRevocationsGo: on the leader only, and only when there are some.
func TestExpiredRevocationsGo(t *testing.T) {
	st, index, leads := store.New(), uint64(0), false
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var fail error
	apply := func(_ context.Context, cmd store.Command) (uint64, error) {
		if fail != nil {
			return 0, fail
		}
		index++
		return index, st.Apply(index, cmd)
	}
	must := func(kind store.CommandKind, payload any) {
		t.Helper()
		if _, err := apply(t.Context(), store.Command{Kind: kind, At: now, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	must(store.ClusterInit, &store.ClusterInitPayload{ClusterID: "c", Node: model.Node{ID: "n", Name: "n"}, Users: []model.User{{ID: "u"}}})
	must(store.TokenRevoke, &model.Revocation{Audit: "short", User: "u", Expires: now.Add(time.Minute)})
	must(store.TokenRevoke, &model.Revocation{Audit: "long", User: "u", Expires: now.Add(time.Hour)})
	h := &housekeeper{
		leads: func() bool { return leads }, apply: apply, read: st.Read, chores: chores(func() []model.NodeID { return nil }), now: func() time.Time { return now },
		log: slog.New(slog.DiscardHandler), proposed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"chore"}),
	}
	before := index
	expect := func(what string, entries uint64, short, long bool) {
		t.Helper()
		h.round(t.Context())
		st.Read(func(st *store.State) {
			if index-before != entries || st.Revoked("short") != short || st.Revoked("long") != long {
				t.Errorf("%s: %d entries; short kept %v, long kept %v", what, index-before, st.Revoked("short"), st.Revoked("long"))
			}
		})
	}
	leads = true
	expect("nothing is due", 0, true, true)
	now = now.Add(time.Minute)
	leads = false
	expect("not the leader", 0, true, true)
	leads, fail = true, errors.New("no quorum")
	expect("no quorum", 0, true, true)
	fail = nil
	expect("due", 1, false, true)
	expect("done", 1, false, true)
	now = now.Add(time.Hour)
	expect("the other one", 2, false, false)
	if n := testutil.ToFloat64(h.proposed.WithLabelValues("tokens")); n != 2 {
		t.Errorf("counted %v entries", n)
	}
}

// TestExpiredSecretsGo: a hundred a round, whoever is written down as a consumer,
// but never what a listener uses.
func TestExpiredSecretsGo(t *testing.T) {
	st, index := store.New(), uint64(0)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	apply := func(_ context.Context, cmd store.Command) (uint64, error) {
		index++
		return index, st.Apply(index, cmd)
	}
	must := func(kind store.CommandKind, payload any) {
		t.Helper()
		if _, err := apply(t.Context(), store.Command{Kind: kind, At: now, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	secret := func(id string, life time.Duration) {
		t.Helper()
		s := model.Secret{ID: model.SecretID(id), Type: "opaque", Sealed: []byte("x"), ContentType: "application/octet-stream"}
		if life > 0 {
			s.Expires = now.Add(life)
		}
		must(store.SecretCreate, &s)
	}
	must(store.ClusterInit, &store.ClusterInitPayload{ClusterID: "c", Node: model.Node{ID: "n", Name: "n"}})
	must(store.NetworkCreate, &model.Network{ID: "net"})
	must(store.SubnetCreate, &model.Subnet{ID: "sub", Network: "net", CIDR: netip.MustParsePrefix("10.0.0.0/24")})
	must(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
		LoadBalancer: model.LoadBalancer{ID: "lb", VIP: model.VIP{Subnet: "sub"}}, NewPort: model.Port{ID: "vip"},
	})
	const used = "00000000-0000-4000-8000-000000000001"
	secret(used, time.Minute)
	secret("for ever", 0)
	secret("later", time.Hour)
	for i := range 150 {
		secret(fmt.Sprintf("short %03d", i), time.Minute)
	}
	must(store.SecretUpdate, &store.SecretPatch{ID: "short 000", AccessPatch: store.AccessPatch{AddConsumer: &model.Consumer{Service: "s", ResourceType: "t", ResourceID: "r"}}})
	must(store.ListenerCreate, &model.Listener{
		ID: "l", LoadBalancer: "lb", Protocol: model.TerminatedHTTPS, Port: 443, TLS: &model.ListenerTLS{Certificate: used},
	})
	var out bytes.Buffer
	h := &housekeeper{
		leads: func() bool { return true }, apply: apply, read: st.Read, chores: chores(func() []model.NodeID { return nil }), now: func() time.Time { return now },
		log: slog.New(slog.NewTextHandler(&out, nil)), proposed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"chore"}),
	}
	expect := func(what string, left int) {
		t.Helper()
		h.round(t.Context())
		st.Read(func(st *store.State) {
			if n := len(st.Secrets()); n != left {
				t.Errorf("%s: %d secrets are left, want %d", what, n, left)
			}
		})
	}
	expect("nothing has expired", 153)
	now = now.Add(time.Minute)
	expect("the first hundred", 53)
	expect("the rest", 3)
	expect("done", 3)
	must(store.ListenerDelete, &store.ListenerRef{ID: "l"})
	must(store.SettleKind, &store.Settle{Index: index})
	expect("used no more", 2)
	now = now.Add(time.Hour)
	expect("the one that lived longer", 1)
	if n := testutil.ToFloat64(h.proposed.WithLabelValues("secrets")); n != 152 {
		t.Errorf("counted %v", n)
	}
	if !strings.Contains(out.String(), "chore=secrets entries=100") || strings.Contains(out.String(), "WARN") {
		t.Errorf("log: %s", out.String())
	}
}

// TestAmphoraeOfNodesThatAreBack: shown again with one entry a node, those of silent
// nodes not.
func TestAmphoraeOfNodesThatAreBack(t *testing.T) {
	st, index := store.New(), uint64(0)
	apply := func(_ context.Context, cmd store.Command) (uint64, error) {
		index++
		return index, st.Apply(index, cmd)
	}
	must := func(kind store.CommandKind, payload any) {
		t.Helper()
		if _, err := apply(t.Context(), store.Command{Kind: kind, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	must(store.ClusterInit, &store.ClusterInitPayload{ClusterID: "c", Node: model.Node{ID: "n1", Name: "n1"}})
	must(store.NodePut, &model.Node{ID: "n2", Name: "n2"})
	must(store.NetworkCreate, &model.Network{ID: "net"})
	must(store.SubnetCreate, &model.Subnet{ID: "sub", Network: "net", CIDR: netip.MustParsePrefix("10.0.0.0/24")})
	for _, lb := range []model.LoadBalancerID{"a", "b"} {
		must(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{
			LoadBalancer: model.LoadBalancer{ID: lb, VIP: model.VIP{Subnet: "sub"}}, NewPort: model.Port{ID: model.PortID("vip-" + lb)},
		})
		for _, n := range []model.NodeID{"n1", "n2"} {
			must(store.AmphoraDismiss, &model.Dismissal{Node: n, LoadBalancer: lb})
		}
	}
	var heard []model.NodeID
	h := &housekeeper{
		leads: func() bool { return true }, apply: apply, read: st.Read, chores: chores(func() []model.NodeID { return heard }), now: time.Now,
		log: slog.New(slog.DiscardHandler), proposed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"chore"}),
	}
	for _, tc := range []struct {
		heard         []model.NodeID
		entries, left int
	}{{nil, 0, 4}, {[]model.NodeID{"n2", "n3"}, 1, 2}, {[]model.NodeID{"n2"}, 0, 2}, {[]model.NodeID{"n1", "n2"}, 1, 0}} {
		before := index
		heard = tc.heard
		h.round(t.Context())
		st.Read(func(st *store.State) {
			if left := len(st.Dismissals()); index-before != uint64(tc.entries) || left != tc.left {
				t.Errorf("%v are heard: %d entries, %d left", heard, index-before, left)
			}
		})
	}
}
