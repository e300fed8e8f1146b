package raft

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lbd/store"
	"lbd/store/model"
)

func TestJoinByApproval(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a := c.first("a")
	b := c.join("b", model.DataNode, a)
	w := c.prepare("w", model.Witness)
	codes := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		done <- w.node.Join(ctxFor(t, patience), JoinRequest{Peers: []string{b.api.Addr().String()}, OnCode: func(code string) { codes <- code }})
	}()
	var code string
	select {
	case code = <-codes:
	case err := <-done:
		t.Fatalf("joined without approval: %v", err)
	case <-time.After(patience):
		t.Fatal("no code")
	}
	pending, err := b.node.Pending(ctxFor(t, patience))
	if err != nil || len(pending) != 1 || pending[0].Code != code || pending[0].Name != "w" || pending[0].Kind != model.Witness {
		t.Fatalf("pending: %+v, %v; the node shows %s", pending, err, code)
	}
	if err := b.node.Approve(ctxFor(t, patience), "no code"); store.KindOf(err) != store.NotFound {
		t.Errorf("approve nonsense: %v", err)
	}
	if err := b.node.Approve(ctxFor(t, patience), code); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.serve()
	c.voters(3, false)
	if pending, err := a.node.Pending(ctxFor(t, patience)); err != nil || len(pending) != 0 {
		t.Errorf("still pending: %v, %v", pending, err)
	}
	if s := w.node.Secrets(); s.Fingerprint != a.node.Secrets().Fingerprint || string(s.TokenKey) != string(a.node.Secrets().TokenKey) {
		t.Error("the new member has other keys")
	}
}

func TestJoinFailsWithOneSentenceAndNoDamage(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	other := newCluster(t).first("x")
	b := c.prepare("b", model.DataNode)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // takes connections and says nothing
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().String()
	free.Close()

	token := func(m *member, ttl time.Duration) string {
		s, err := m.node.JoinToken(ttl)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good, old := token(a, time.Hour), token(a, time.Second)
	eventually(t, "the token expires", func() bool {
		_, err := a.node.HandleJoin(context.Background(), JoinHTTPRequest{Token: old})
		return err != nil && strings.Contains(err.Error(), "expired")
	})
	f := func(name, peer, token string, d time.Duration, want ...string) {
		t.Helper()
		err := b.node.Join(ctxFor(t, d), JoinRequest{Peers: []string{peer}, Token: token})
		if err == nil {
			t.Fatalf("%s: joined", name)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", name, err, w)
			}
		}
		if strings.Contains(err.Error(), "\n") || b.node.HasState() || b.node.Self() != "" {
			t.Errorf("%s: %q, has state %v", name, err, b.node.HasState())
		}
		if _, err := os.Stat(filepath.Join(b.cfg.DataDir, logFile)); err == nil {
			t.Errorf("%s: a log was made", name)
		}
		t.Log(err)
	}
	f("refused", closed, good, patience, closed, "connection refused")
	f("silent", ln.Addr().String(), good, 300*time.Millisecond, ln.Addr().String(), "no answer in time")
	f("other cluster", other.api.Addr().String(), good, patience, "another cluster than the join token")
	f("other cluster's token", a.api.Addr().String(), token(other, time.Hour), patience, "another cluster than the join token")
	f("expired", a.api.Addr().String(), old, patience, "has expired")
	f("malformed", a.api.Addr().String(), "lbd1.x", patience, "malformed")
	f("no name", "no-such-name.invalid", good, patience, "no-such-name.invalid")
	f("not an address", "http://x", good, patience, "is not a host")

	if err := b.node.Join(ctxFor(t, patience), JoinRequest{Peers: []string{closed, a.api.Addr().String()}, Token: good}); err != nil {
		t.Errorf("after all failures: %v", err)
	}
}

func TestHandleJoinRefusesBadRequests(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	tok, err := a.node.JoinToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	good := JoinHTTPRequest{Token: tok, Name: "b", Kind: model.DataNode, Cluster: "127.0.0.1:1", API: "127.0.0.1:2", CSR: "x"}
	f := func(name string, kind store.Kind, want string, change func(*JoinHTTPRequest)) {
		t.Helper()
		req := good
		change(&req)
		_, err := a.node.HandleJoin(ctxFor(t, patience), req)
		if store.KindOf(err) != kind || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v (%q), want %q with %q", name, err, store.KindOf(err), kind, want)
		}
	}
	f("bad request for a certificate", store.Invalid, "certificate request", func(*JoinHTTPRequest) {})
	f("name", store.Invalid, "name", func(r *JoinHTTPRequest) { r.Name = "a b\n" })
	f("no name", store.Invalid, "name", func(r *JoinHTTPRequest) { r.Name = "" })
	f("kind", store.Invalid, "kind", func(r *JoinHTTPRequest) { r.Kind = "boss" })
	f("address", store.Invalid, "peer address", func(r *JoinHTTPRequest) { r.Cluster = "nowhere" })
	f("api", store.Invalid, "API address", func(r *JoinHTTPRequest) { r.API = "x:0" })
	f("taken", store.Conflict, "lbd remove a", func(r *JoinHTTPRequest) { r.Name = "a" })
	f("token", store.Forbidden, "malformed", func(r *JoinHTTPRequest) { r.Token = "x" })
	f("large", store.Invalid, "too large", func(r *JoinHTTPRequest) { r.CSR = strings.Repeat("x", 1<<20) })
}

func TestUnreachableJoinerIsToldSo(t *testing.T) {
	c := newCluster(t)
	a := c.first("a")
	tok, err := a.node.JoinToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b := c.prepare("b", model.DataNode)
	c.wire.wall("a", "b", true)
	err = b.node.Join(ctxFor(t, patience), JoinRequest{Peers: []string{a.api.Addr().String()}, Token: tok})
	if err == nil || !strings.Contains(err.Error(), "cannot reach node b at "+b.node.Addr()) {
		t.Fatalf("got %v", err)
	}
	// The same process may try again once the firewall is mended.
	c.wire.wall("a", "b", false)
	if err := b.node.Join(ctxFor(t, patience), JoinRequest{Peers: []string{a.api.Addr().String()}, Token: tok}); err != nil {
		t.Fatal(err)
	}
}
