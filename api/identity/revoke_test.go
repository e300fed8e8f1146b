package identity_test

import (
	"log/slog"
	"testing"
	"time"

	"lbd/api"
	"lbd/api/deps"
	"lbd/api/identity"
	"lbd/store"
)

// node2 is another node of the world's cluster: the same store and key.
func (w *world) node2() *world {
	cfg := deps.Config{TokenKey: key, Plain: true}
	log := slog.New(slog.DiscardHandler)
	n := *w
	n.part = identity.New(cfg, w.st, w.log, nil, log)
	n.h = api.New(cfg, api.Deps{Auth: n.part, Basic: n.part.Basic, Local: n.part.LocalAdmin, Reader: w.st, Log: log}, n.part, whoami{}).Handler()
	return &n
}

func TestARevokedTokenIsRefusedByEveryNode(t *testing.T) {
	w := newWorld(t, deps.Config{TokenTTL: time.Hour})
	other := w.node2()
	bob := w.token("bob", `{"project":{"name":"demo"}}`)
	second := w.token("bob", `{"project":{"name":"demo"}}`)
	if a := other.get(bob, "/whoami"); a.status != 200 {
		t.Fatalf("the other node: %d", a.status)
	}
	revoke := func() answer {
		return w.do("DELETE", "/v3/auth/tokens", "", "X-Auth-Token", second, "X-Subject-Token", bob)
	}
	w.log.err = store.Errorf(store.Unavailable, "no leader")
	if a := revoke(); a.status != 503 {
		t.Errorf("revoked without a leader: %d", a.status)
	}
	w.log.err = nil
	if a := revoke(); a.status != 204 {
		t.Fatalf("revoke: %d %v", a.status, a.body)
	}
	for _, n := range []*world{w, other} {
		if a := n.get(bob, "/whoami"); a.status != 401 {
			t.Errorf("a revoked token: %d", a.status)
		}
		if a := n.get(second, "/whoami"); a.status != 200 {
			t.Errorf("another token of the same user: %d", a.status)
		}
	}
	w.st.Read(func(st *store.State) {
		if n, due := st.Revocations(time.Now().Add(2 * time.Hour)); n != 1 || due != 1 {
			t.Errorf("%d kept, %d due in two hours", n, due)
		}
	})
}

func BenchmarkValidateToken(b *testing.B) {
	w := newWorld(b, deps.Config{})
	token := w.token("admin", "")
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.part.Authenticate(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}
