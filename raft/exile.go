package raft

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"lbd/store"
	"lbd/store/model"
)

// Exiles are former members that were taken out without their consent being
// possible: the peer of a node that had only the arbiter seat beside it, and
// everybody who was lost at a recovery. Should one of them live after all, it
// knows nothing of that, and its own configuration may still give it a quorum. So
// whoever took it out never listens to it again, above all not to its Raft
// messages, which could undo what was acknowledged since; and tells it, whereupon
// it lets go of the VIPs and refuses to run (see removed).
type exiles struct {
	disk *local

	mu  sync.Mutex
	ids map[model.NodeID]time.Time // guarded by mu; at most maxExiles, what is on disk
}

// maxExiles bounds the list; the oldest go first. More than so many dead members
// that come back is nothing to prepare for.
const maxExiles = 64

var (
	bucketExiles = []byte("exiles")
	keyRemoved   = []byte("removed")
)

func openExiles(disk *local) (*exiles, error) {
	e := &exiles{disk: disk, ids: make(map[model.NodeID]time.Time)}
	err := disk.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketExiles).ForEach(func(k, v []byte) error {
			var at time.Time
			if err := json.Unmarshal(v, &at); err != nil {
				return err
			}
			e.ids[model.NodeID(k)] = at
			return nil
		})
	})
	if err != nil {
		return nil, damaged(disk.db.Path(), fmt.Errorf("the list of removed nodes: %w", err))
	}
	return e, nil
}

// add returns after the list is on disk. Names that the configuration still has
// are without effect, so that this can be done before the configuration changes.
func (e *exiles) add(at time.Time, ids ...model.NodeID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := maps.Clone(e.ids)
	for _, id := range ids {
		next[id] = at
	}
	for len(next) > maxExiles {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(next)), func(a, b model.NodeID) int { return next[a].Compare(next[b]) })
		delete(next, oldest)
	}
	err := e.disk.db.Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(bucketExiles); err != nil {
			return err
		}
		b, err := tx.CreateBucket(bucketExiles)
		if err != nil {
			return err
		}
		for id, at := range next {
			v, err := json.Marshal(at)
			if err != nil {
				return err
			}
			if err := b.Put([]byte(id), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the list of removed nodes: %w", err)
	}
	e.ids = next
	return nil
}

func (e *exiles) has(id model.NodeID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.ids[id]
	return ok
}

// exiled tells whether a node is not to be listened to.
func (n *Node) exiled(id model.NodeID) bool {
	if n.exiles == nil || !n.exiles.has(id) {
		return false
	}
	if c := n.core.Load(); c != nil {
		if _, still := inConfig(c.servers(), hraftID(id)); still {
			return false
		}
	}
	return true
}

// split parts the nodes that the store knows into those to keep, and one, if any,
// that was exiled.
func (n *Node) split(nodes []*model.Node) (rest []*model.Node, gone *model.Node) {
	for _, node := range nodes {
		if !n.exiled(node.ID) {
			rest = append(rest, node)
		} else if gone == nil {
			gone = node
		}
	}
	return rest, gone
}

// errRemoved is what a node that was taken out is told by every member that it
// talks to.
func errRemoved(name string) *store.Error {
	return store.Errorf(store.Forbidden, "Node %s was removed from the cluster while it was away: empty its data directory and join again.", name)
}

// removed notes that a member says that this node is none any more. For good: the
// others may be away when it starts next.
func (n *Node) removed(by string) {
	c := n.core.Load()
	if c == nil || c.banished.Swap(true) {
		return
	}
	n.log.Error("this node was removed from the cluster: it holds no VIPs any more; empty its data directory and join again", "by", by)
	term := c.term()
	c.fence.surrender(term)
	c.resign.Store(term)
	if err := n.local.markRemoved(); err != nil {
		n.log.Error("keep that this node was removed", "err", err)
	}
	n.notify()
}

// askMembership asks every member once, right at the start, whether this node is
// still one. Whoever was taken out while it was away must know before it may stand,
// which is not before its promise of the start is over.
func (n *Node) askMembership(c *core) {
	for _, s := range c.servers() {
		if s.ID == c.id || s.ID == seatID {
			continue
		}
		n.wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), pushTimeout)
			defer cancel()
			if _, err := n.client.post(ctx, string(s.Address), pingPath, struct{}{}, nil); err != nil {
				n.log.Debug("ask whether this node is a member", "node", s.ID, "err", err)
			}
		})
	}
}

func (l *local) markRemoved() error {
	err := l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketIdentity).Put(keyRemoved, []byte("1")) })
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	return nil
}

// checkRemoved refuses a directory whose node was told that it is a member no more.
func (l *local) checkRemoved() error {
	var removed bool
	err := l.db.View(func(tx *bbolt.Tx) error {
		removed = tx.Bucket(bucketIdentity).Get(keyRemoved) != nil
		return nil
	})
	if err == nil && removed {
		err = fmt.Errorf("the node of %s was removed from its cluster: empty the directory and join again", filepath.Dir(l.db.Path()))
	}
	return err
}

// removeSilence is how long a peer must have been silent on every path before it
// can be taken out without its consent. Who comes back within that is better asked.
const removeSilence = 2 * time.Second

// forceOut takes the peer out while only the arbiter seat stands beside this
// leader: the operator says that it is gone for good. Everything acknowledged is
// here, because the seat has acknowledged nothing that the peer had not. What the
// seat must not do by itself, to acknowledge entries, it does for this one change.
func (n *Node) forceOut(ctx context.Context, c *core, node *model.Node) error {
	n.changing.Lock()
	defer n.changing.Unlock()
	if n.frozen {
		return store.Errorf(store.Unavailable, "This node is being restarted: try again in a moment.")
	}
	id := hraftID(node.ID)
	if d := c.peers.silence(id, time.Now()); d < removeSilence {
		return store.Errorf(store.Conflict, "Node %s was heard %v ago: it may be alive. Stop it, and remove it once it has been silent for %v.", node.Name, d.Round(100*time.Millisecond), removeSilence)
	}
	r := c.lib.Load()
	term := r.CurrentTerm()
	n.log.Warn("a silent node is taken out on the operator's word", "node", node.Name, "id", node.ID)
	c.forsaken.Store(&id)
	defer c.forsaken.Store(nil)
	ctx, cancel := context.WithTimeout(ctx, 2*changeTimeout)
	defer cancel()
	// The library changes the configuration only once an entry of its term is committed.
	if err := n.waitUntil(ctx, func() bool { return !c.leadsIn(term) || n.termAt(r.CommitIndex()) == term }); err != nil || !c.leadsIn(term) {
		return store.Errorf(store.Unavailable, "Node %s could not be removed: this node lost the lead meanwhile. Try again.", node.Name)
	}
	if err := n.exiles.add(time.Now(), node.ID); err != nil {
		return err
	}
	if err := n.await(ctx, r.RemoveServer(id, 0, changeTimeout)); err != nil {
		return store.Errorf(store.Unavailable, "Node %s could not be removed: %v. Try again.", node.Name, err)
	}
	c.peers.forget(id)
	n.log.Info("voters changed", "change", removeServer.String(), "node", id)
	n.notify()
	return nil
}

// await is the outcome of a change of the library's, unless ctx or the node ends first.
func (n *Node) await(ctx context.Context, f hraft.IndexFuture) error {
	done := make(chan error, 1)
	n.wg.Go(func() { done <- f.Error() }) // ends with the commit or the leadership
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-n.done:
		return errClosing
	}
}

// forsook tells whether the operator has given this peer up for good.
func (c *core) forsook(id hraft.ServerID) bool {
	f := c.forsaken.Load()
	return f != nil && *f == id
}
