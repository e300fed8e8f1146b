package raft

import (
	"context"
	"errors"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// Read returns once this node shows everything that was committed before the
// call: a linearizable read of the store may follow. It writes nothing.
func (n *Node) Read(ctx context.Context) error {
	var index uint64
	if err := n.ask(ctx, "read", struct{}{}, &index, true); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	if err := n.st.WaitIndex(wait, index); err != nil {
		return store.Errorf(store.Unavailable, "This node has not caught up with the leader.")
	}
	return nil
}

// leadRead finds the newest command that is surely committed and then makes sure that
// this node was still the leader when it was asked: most voters confirm a beat that was
// sent since (Raft, section 6.4 of Ongaro's thesis).
func (n *Node) leadRead(ctx context.Context, _ model.NodeID, _ []byte) (any, error) {
	c := n.core.Load()
	r := c.lib.Load()
	term, asked := r.CurrentTerm(), time.Now()
	if !c.leadsIn(term) {
		return nil, errNotLeader
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	// What an earlier leader committed is known only once an entry of this term is.
	commit := r.CommitIndex()
	for n.termAt(commit) != term {
		if err := n.closedByArbiter(c); err != nil {
			return nil, store.Errorf(store.Unavailable, "A consistent read is not possible: %v", err)
		}
		if n.pause(ctx, lookAgain/4) != nil {
			return nil, n.noLeader(nil)
		}
		if !c.leadsIn(term) {
			return nil, errNotLeader
		}
		commit = r.CommitIndex()
	}
	for {
		if err := n.verifyLeader(ctx, r); err != nil {
			return nil, err
		}
		// The library takes the answer to any of its beats, of before a pause too.
		if c.peers.confirmedSince(asked, term, voterIDs(c.servers()), c.id) {
			return n.commandAt(commit), nil
		}
		if n.pause(ctx, lookAgain/4) != nil {
			return nil, n.noLeader(nil)
		}
		if !c.leadsIn(term) {
			return nil, errNotLeader
		}
	}
}

// verifyLeader makes the library ask the voters at once whether this node still leads.
func (n *Node) verifyLeader(ctx context.Context, r *hraft.Raft) error {
	f := r.VerifyLeader()
	done := make(chan error, 1)
	n.wg.Go(func() { done <- f.Error() }) // ends with the answers or the leadership
	select {
	case err := <-done:
		switch {
		case errors.Is(err, hraft.ErrNotLeader), errors.Is(err, hraft.ErrLeadershipLost):
			return errNotLeader
		case err != nil:
			return store.Errorf(store.Unavailable, "The leader cannot be confirmed: %v.", err)
		}
		return nil
	case <-ctx.Done():
		return n.noLeader(ctx.Err())
	case <-n.done:
		return errClosing
	}
}

// termAt is the term of an entry, zero when it is not in the log any more.
func (n *Node) termAt(index uint64) uint64 {
	var l hraft.Log
	if index == 0 || n.disk.logs.GetLog(index, &l) != nil {
		return 0
	}
	return l.Term
}

// commandAt is the newest entry up to index that the store gets to see. Others
// (no-ops, configurations) never show in Store.Index.
func (n *Node) commandAt(index uint64) uint64 {
	var l hraft.Log
	for ; index > 0; index-- {
		if n.disk.logs.GetLog(index, &l) != nil {
			break // compacted: the snapshot holds all before, and it was made from this store
		}
		if l.Type == hraft.LogCommand {
			return index
		}
	}
	return min(index, n.st.Index())
}

// waitUntil polls cond until it holds, ctx ends or the node closes.
func (n *Node) waitUntil(ctx context.Context, cond func() bool) error {
	for !cond() {
		if err := n.pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
