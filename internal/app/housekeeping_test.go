package app

import (
	"context"
	"errors"
	"log/slog"
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
		leads: func() bool { return leads }, apply: apply, read: st.Read, chores: chores(), now: func() time.Time { return now },
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
