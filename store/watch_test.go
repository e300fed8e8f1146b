package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"lbd/store"
	"lbd/store/model"
)

func network(id string) *model.Network { return &model.Network{ID: model.NetworkID(id)} }

func TestWatchCoalesces(t *testing.T) {
	c := newCluster(t)
	w, closed := c.s.Watch(), c.s.Watch()
	defer w.Close()
	closed.Close()
	if len(w.C()) != 0 {
		t.Error("a token before any change")
	}
	c.ok(store.NetworkCreate, network("a"))
	c.ok(store.NetworkCreate, network("b"))
	if len(w.C()) != 1 {
		t.Errorf("%d tokens after two changes", len(w.C()))
	}
	<-w.C()
	c.refused(store.NetworkCreate, network("a"), store.Conflict, "Already an entity with that specified id.")
	if len(w.C()) != 0 {
		t.Error("a token for a refused command")
	}
	if len(closed.C()) != 0 {
		t.Error("a token after Close")
	}
	w.Close()
	w.Close() // harmless
}

func TestWaitIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		if err := c.s.WaitIndex(t.Context(), 0); err != nil {
			t.Error(err)
		}
		done := make(chan error, 2)
		go func() { done <- c.s.WaitIndex(t.Context(), 2) }()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- c.s.WaitIndex(ctx, 9) }()
		c.ok(store.NetworkCreate, network("a"))
		synctest.Wait()
		if len(done) != 0 {
			t.Error("woken too early")
		}
		// A refused command counts too: its proposer waits for it.
		c.refused(store.NetworkCreate, network("a"), store.Conflict, "Already an entity with that specified id.")
		if err := <-done; err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestRestoreWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := everything(t)
		s := store.New()
		w := s.Watch()
		defer w.Close()
		done := make(chan error, 1)
		go func() { done <- s.WaitIndex(t.Context(), c.index) }()
		synctest.Wait()
		if err := s.Restore(newReader(snapshotOf(t, c.s))); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		<-w.C()
	})
}

// Readers, watchers, waiters, Config and Snapshot run beside a writer; the race
// detector and the index say whether they see whole states.
func TestConcurrentUse(t *testing.T) {
	const entries = 300
	c := newCluster(t)
	c.networks()
	last := c.index + entries
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			w := c.s.Watch()
			defer w.Close()
			for c.s.Index() < last {
				<-w.C()
				c.s.Read(func(st *store.State) {
					for _, l := range st.Listeners() {
						if _, ok := st.LoadBalancer(l.LoadBalancer); !ok {
							t.Errorf("listener %s without load balancer", l.ID)
						}
					}
				})
			}
		})
		wg.Go(func() {
			for i := uint64(1); i <= last; i++ {
				if err := c.s.WaitIndex(t.Context(), i); err != nil {
					t.Error(err)
				}
				if cfg := c.s.Config(); cfg.Index < i {
					t.Errorf("config of index %d after waiting for %d", cfg.Index, i)
				}
			}
		})
	}
	wg.Go(func() {
		for c.s.Index() < last {
			snapshotOf(t, c.s)
		}
	})
	for i := range uint64(entries) {
		id := string(rune('a' + i%20))
		var err error
		switch i % 60 / 20 {
		case 0:
			err = c.apply(store.LoadBalancerCreate, lb(id))
		case 1:
			err = c.apply(store.ListenerCreate, listener("l"+id, id, 80))
		default:
			if err = c.apply(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: model.LoadBalancerID(id), Cascade: true}); err == nil && i%20 == 19 {
				err = c.s.Apply(c.index, store.Command{Kind: store.SettleKind, At: at(c.index), Payload: &store.Settle{Index: c.index}})
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}
