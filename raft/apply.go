package raft

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

func hraftID(id model.NodeID) hraft.ServerID { return hraft.ServerID(id) }

// applied is the leader's answer to a write.
type applied struct {
	Index uint64       `json:"index"`
	Error *store.Error `json:"error,omitempty"` // the store refused: Index counts all the same
}

// Apply proposes a command on whatever node it is called and returns once it is
// committed and applied here. A refusal by the store comes back as it was made.
// When there is no leader or no quorum for five seconds, or while the arbiter
// holds the quorum, the error is of kind Unavailable and says so; it also says
// when the outcome is unknown.
func (n *Node) Apply(ctx context.Context, cmd store.Command) (uint64, error) {
	b, err := cmd.Encode()
	if err != nil {
		return 0, err
	}
	if len(b) > maxBody/2 {
		return 0, store.Errorf(store.Invalid, "The request is too large: %d bytes, at most %d are allowed.", len(b), maxBody/2)
	}
	if c := n.core.Load(); c != nil && !c.leads() {
		if err := n.mayPropose(ctx, c, b); err != nil {
			return 0, err
		}
	}
	select {
	case n.writes <- struct{}{}:
		defer func() { <-n.writes }()
	default:
		return 0, store.Errorf(store.Unavailable, "Too many writes are waiting (%d); try again.", maxWrites)
	}
	var a applied
	if err := n.ask(ctx, "apply", b, &a, false); err != nil {
		return 0, err
	}
	wait, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	if err := n.st.WaitIndex(wait, a.Index); err != nil {
		return a.Index, store.Errorf(store.Unavailable, "The write is done, but this node has not caught up with it.")
	}
	if a.Error != nil {
		return a.Index, a.Error
	}
	return a.Index, nil
}

// leadApply is Apply on the leader.
func (n *Node) leadApply(ctx context.Context, _ model.NodeID, body []byte) (any, error) {
	c := n.core.Load()
	if !c.leads() {
		return nil, errNotLeader
	}
	if err := n.closedByArbiter(c); err != nil {
		return nil, err
	}
	if err := n.mayPropose(ctx, c, body); err != nil {
		return nil, err
	}
	f := c.lib.Load().Apply(body, writeWait)
	done := make(chan error, 1)
	n.wg.Go(func() { done <- f.Error() }) // ends with the commit or the leadership
	timeout := time.NewTimer(writeWait)
	defer timeout.Stop()
	look := time.NewTicker(max(n.Timing().Detect/4, lookAgain))
	defer look.Stop()
	for {
		select {
		case err := <-done:
			return appliedResult(f, err)
		case <-ctx.Done():
			return nil, store.Errorf(store.Unavailable, "The request was given up; the write may or may not take effect.")
		case <-timeout.C:
			return nil, store.Errorf(store.Unavailable, "No majority has confirmed the write within %v; it may or may not take effect.", writeWait)
		case <-n.done:
			return nil, store.Errorf(store.Unavailable, "This node is shutting down; the write may or may not take effect.")
		case <-look.C:
			if err := n.closedByArbiter(c); err != nil {
				return nil, store.Errorf(store.Unavailable, "%v This write may or may not take effect then.", err)
			}
		}
	}
}

func appliedResult(f hraft.ApplyFuture, err error) (any, error) {
	switch {
	case err == nil:
	case errors.Is(err, hraft.ErrNotLeader), errors.Is(err, hraft.ErrEnqueueTimeout), errors.Is(err, hraft.ErrLeadershipTransferInProgress):
		return nil, errNotLeader // nothing was written
	case errors.Is(err, hraft.ErrLeadershipLost):
		return nil, store.Errorf(store.Unavailable, "The leader changed while the write was under way; it may or may not have taken effect.")
	default:
		return nil, store.Errorf(store.Unavailable, "The leader cannot write: %v. The write may or may not take effect.", err)
	}
	a := applied{Index: f.Index()}
	switch e, _ := f.Response().(error); {
	case e == nil:
	case errors.As(e, &a.Error):
	default:
		return nil, store.Errorf(store.Unavailable, "The leader cannot apply the write: %v.", e)
	}
	return a, nil
}

// closedByArbiter refuses writes while the seat holds the quorum.
func (n *Node) closedByArbiter(c *core) error {
	peer, held := c.heldByArbiter(time.Now())
	if !held {
		return nil
	}
	return store.Errorf(store.Unavailable, "The quorum is held by the arbiter: writes are closed until node %s is back.", n.nameOf(model.NodeID(peer)))
}

// nameOf is a node's name, or its id when it is not in the store.
func (n *Node) nameOf(id model.NodeID) (name string) {
	name = string(id)
	n.st.Read(func(st *store.State) {
		if node, ok := st.Node(id); ok {
			name = node.Name
		}
	})
	return name
}

// leaderVerbs are what only the leader does.
func (n *Node) leaderVerbs() map[string]func(context.Context, model.NodeID, []byte) (any, error) {
	return map[string]func(context.Context, model.NodeID, []byte) (any, error){
		"apply":      n.leadApply,
		"read":       n.leadRead,
		"join":       decoded(n.leadJoin),
		"pending":    n.leadPending,
		"approve":    decoded(n.leadApprove),
		"enter":      decoded(n.leadEnter),
		"remove":     decoded(n.leadRemove),
		"switchover": decoded(n.leadSwitchover),
		"spread-on":  decoded(n.leadSpreadOn),
	}
}

// decoded gives a verb its argument.
func decoded[T any](fn func(context.Context, T) (any, error)) func(context.Context, model.NodeID, []byte) (any, error) {
	return func(ctx context.Context, _ model.NodeID, body []byte) (any, error) {
		var in T
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, store.Errorf(store.Invalid, "The request cannot be read: %v.", err)
		}
		return fn(ctx, in)
	}
}
