package store_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// Any sequence of commands leaves two replicas with the same bytes, even when
// one of them was restored from a snapshot halfway; leaves no reference
// dangling and no index wrong; and a refused command leaves no trace.
func TestReplicasAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := store.New(), store.New()
		begin := foundation()
		for i := range rapid.IntRange(20, 120).Draw(t, "steps") {
			var cmd store.Command
			if i < len(begin) {
				cmd = begin[i]
			} else {
				kind := drawKind(t)
				cmd = store.Command{Kind: kind, Payload: generators[kind](t)}
			}
			index, kind := uint64(i+1), cmd.Kind
			cmd.At = at(index)
			entry, err := cmd.Encode()
			if err != nil {
				t.Fatal(err)
			}
			before := first.Content()
			err = applyEntry(t, first, index, entry)
			if other := applyEntry(t, second, index, entry); (err == nil) != (other == nil) || err != nil && err.Error() != other.Error() {
				t.Fatalf("%s: one says %v, the other %v", kind, err, other)
			}
			if err != nil && !bytes.Equal(before, first.Content()) {
				t.Fatalf("%s is refused (%v) but changed the state", kind, err)
			}
			if i%4 == 3 { // it costs more than all the rest
				if err := first.Verify(); err != nil {
					t.Fatalf("after %s: %v", kind, err)
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "what else") == 0 {
				second = reborn(t, second)
			}
			if rapid.IntRange(0, 3).Draw(t, "config") == 0 {
				checkConfig(t, first)
			}
		}
		if err := first.Verify(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Content(), second.Content()) {
			t.Fatal("the replicas differ")
		}
		if d := cmp.Diff(outline(reborn(t, first).Config()), outline(first.Config())); d != "" {
			t.Fatalf("a Config made step by step differs from one made at once: %s", d)
		}
	})
}

func applyEntry(t *rapid.T, s *store.Store, index uint64, entry []byte) error {
	cmd, err := store.Decode(entry)
	if err != nil {
		t.Fatal(err)
	}
	return s.Apply(index, cmd)
}

func reborn(t *rapid.T, s *store.Store) *store.Store {
	var b bytes.Buffer
	if err := s.Snapshot().Write(&b); err != nil {
		t.Fatal(err)
	}
	n := store.New()
	if err := n.Restore(&b); err != nil {
		t.Fatal(err)
	}
	return n
}

// checkConfig holds what the data plane relies on.
func checkConfig(t *rapid.T, s *store.Store) {
	for _, sv := range s.Config().Services {
		pools := map[model.PoolID]bool{"": true}
		for _, b := range sv.Pools {
			pools[b.Pool.ID] = true
			if b.Pool.Provisioning == model.PendingDelete {
				t.Fatalf("pool %s is on its way out", b.Pool.ID)
			}
		}
		for _, p := range sv.Policies {
			if !pools[p.Policy.RedirectPool] || p.Policy.Provisioning == model.PendingDelete {
				t.Fatalf("policy %s (%s) leads to pool %s", p.Policy.ID, p.Policy.Provisioning, p.Policy.RedirectPool)
			}
		}
		for _, l := range sv.Listeners {
			if !pools[l.DefaultPool] {
				t.Fatalf("listener %s points to pool %s, which is not there", l.ID, l.DefaultPool)
			}
		}
		for _, a := range sv.Addresses {
			if !a.IsValid() {
				t.Fatalf("load balancer %s has no address", sv.LoadBalancer.ID)
			}
		}
	}
}
