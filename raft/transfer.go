package raft

import (
	"context"
	"errors"
	"fmt"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// transferLag is how many entries a successor may be behind, which gets them before
// it is asked to stand, or a new voter.
const transferLag = 64

// Transfer hands leadership to a data node, or to the best one when to is empty.
// The caller has released the VIPs. It fails at once, with everything as it was,
// when this node does not lead or there is nobody fit; once the lease is given up
// there is no way back: when the successor then fails, this node steps down and
// a new election decides.
func (n *Node) Transfer(ctx context.Context, to model.NodeID) error {
	return n.transfer(ctx, to, n.settled())
}

// Abdicate is Transfer, to the best node, by a process that leads and has not got the VIP
// holder of the one before, whose lease must be over: it is longestLease at most.
func (n *Node) Abdicate(ctx context.Context) error { return n.transfer(ctx, "", true) }

func (n *Node) transfer(ctx context.Context, to model.NodeID, settled bool) error {
	c := n.core.Load()
	if c == nil || !c.leads() {
		return store.Errorf(store.Unavailable, "This node does not lead.")
	}
	r := c.lib.Load()
	term := r.CurrentTerm()
	target, err := n.successor(c, term, to, settled)
	if err != nil {
		return err
	}
	// In this order: the successor may know that the lock was let go after its stamp.
	c.hand.Store(&hand{target.ID, term, c.peers.stamp(target.ID)})
	if !c.fence.surrender(term) {
		return errHandingOver
	}
	n.trans.seat.claim.drop()
	n.notify()
	f := r.LeadershipTransferToServer(target.ID, target.Address)
	done := make(chan error, 1)
	n.wg.Go(func() { done <- f.Error() }) // bounded by the library: one election timeout, twice
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-n.done:
		err = errClosing
	}
	if err == nil && !c.leadsIn(term) {
		return nil
	}
	if err == nil {
		err = errors.New("it did not take over")
	}
	c.resign.Store(term)
	n.log.Warn("leadership was not taken over, stepping down", "node", target.ID, "term", term, "err", err)
	return fmt.Errorf("hand leadership to node %s: %w", n.nameOf(model.NodeID(target.ID)), err)
}

// hand is what a successor is told: that the lease of term was given up after its
// stamp was made.
type hand struct {
	to    hraft.ServerID
	term  uint64
	stamp string
}

// CanTransfer tells whether Transfer would find a successor now: whoever leads
// should ask before he lets the VIPs go.
func (n *Node) CanTransfer() error {
	c := n.core.Load()
	if c == nil || !c.leads() {
		return store.Errorf(store.Unavailable, "This node does not lead.")
	}
	_, err := n.successor(c, c.term(), "", n.settled())
	return err
}

// errHandingOver: what this node holds is for its own next process.
var errHandingOver = store.Errorf(store.Conflict, "Leadership cannot be handed over: the node is restarting.")

// successor finds a data node that is a voter, was heard lately and has the log.
func (n *Node) successor(c *core, term uint64, to model.NodeID, settled bool) (hraft.Server, error) {
	if !settled || c.fence.bequest(term) {
		return hraft.Server{}, errHandingOver
	}
	kinds := make(map[hraft.ServerID]model.NodeKind)
	n.st.Read(func(st *store.State) {
		for _, node := range st.Nodes() {
			kinds[hraftID(node.ID)] = node.Kind
		}
	})
	if to != "" {
		if _, ok := kinds[hraftID(to)]; !ok {
			return hraft.Server{}, store.Errorf(store.NotFound, "Node %s could not be found.", to)
		}
		if hraftID(to) == c.id {
			return hraft.Server{}, store.Errorf(store.Conflict, "Node %s leads already.", n.nameOf(to))
		}
	}
	last, now := c.lib.Load().LastIndex(), time.Now()
	var best hraft.Server
	var most uint64
	reason := "there is no other data node with a vote"
	for _, s := range c.servers() {
		if s.ID == c.id || s.ID == seatID || to != "" && s.ID != hraftID(to) {
			continue
		}
		name := n.nameOf(model.NodeID(s.ID))
		match, _ := c.peers.match(s.ID, term)
		switch {
		case s.Suffrage != hraft.Voter || kinds[s.ID] != model.DataNode:
			if to != "" {
				reason = fmt.Sprintf("node %s is a %s", name, kinds[s.ID])
			}
		case c.peers.sinceAnswer(s.ID, now) > c.timing().Detect:
			reason = fmt.Sprintf("node %s does not answer", name)
		case match+transferLag < last:
			reason = fmt.Sprintf("node %s has not caught up (%d of %d)", name, match, last)
		case match >= most:
			best, most = s, match
		}
	}
	if best.ID == "" {
		return best, store.Errorf(store.Conflict, "Leadership cannot be handed over: %s.", reason)
	}
	return best, nil
}

type switchoverBody struct {
	To model.NodeID `json:"to"`
}

// Switchover asks the leader, wherever it is, to release the VIPs and hand over.
func (n *Node) Switchover(ctx context.Context, to model.NodeID) error {
	return n.ask(ctx, "switchover", switchoverBody{to}, nil, false)
}

// OnSwitchover sets what the leader does when a switchover is asked for: release
// the VIPs, then Transfer.
func (n *Node) OnSwitchover(fn func(ctx context.Context, to model.NodeID) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onSwitch = fn
}

func (n *Node) leadSwitchover(ctx context.Context, b switchoverBody) (any, error) {
	c := n.core.Load()
	if !c.leads() {
		return nil, errNotLeader
	}
	n.mu.Lock()
	fn := n.onSwitch
	n.mu.Unlock()
	if fn == nil {
		fn = n.Transfer
	}
	// Refuse before any VIP is let go.
	if _, err := n.successor(c, c.term(), b.To, n.settled()); err != nil {
		return nil, err
	}
	return nil, fn(ctx, b.To)
}
