package raft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// wake lets the membership loop look at once.
func (n *Node) wake() {
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

// members is the loop of the leader that brings the Raft configuration to what
// the nodes in the store ask for, until the node closes.
func (n *Node) members() {
	watch := n.st.Watch()
	defer watch.Close()
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.done:
			return
		case <-tick.C:
		case <-watch.C():
		case <-n.kick:
		}
		c := n.core.Load()
		c.peers.settleMoves(c.servers())
		if !c.leads() {
			continue
		}
		if c.witness {
			n.handOnWitness(c)
			continue
		}
		for n.reconcile(c) {
		}
	}
}

// reconcile takes one step and reports whether to look again at once.
func (n *Node) reconcile(c *core) bool {
	n.changing.Lock()
	defer n.changing.Unlock()
	if n.frozen || !n.settled() {
		return false
	}
	if _, held := c.heldByArbiter(time.Now()); held {
		return false
	}
	r := c.lib.Load()
	term := r.CurrentTerm()
	var nodes []*model.Node
	n.st.Read(func(st *store.State) { nodes = st.Nodes() })
	if len(nodes) == 0 || n.termAt(r.CommitIndex()) != term {
		return false // the store may lack what an earlier leader committed
	}
	nodes, gone := n.split(nodes)
	if gone != nil {
		return n.dropRecord(gone)
	}
	commit := r.CommitIndex()
	caughtUp := func(id hraft.ServerID) bool {
		m, _ := c.peers.match(id, term)
		return m+transferLag >= commit && c.peers.sinceAnswer(id, time.Now()) < n.Timing().Detect
	}
	ch := plan(nodes, c.servers(), c.id, caughtUp)
	if !c.leadsIn(term) {
		return false
	}
	if ch.op == noChange {
		return n.replaceLost(c, nodes, caughtUp)
	}
	var f hraft.IndexFuture
	switch ch.op {
	case addVoter:
		f = r.AddVoter(ch.id, ch.addr, 0, changeTimeout)
	case addNonvoter:
		f = r.AddNonvoter(ch.id, ch.addr, 0, changeTimeout)
	case demote:
		f = r.DemoteVoter(ch.id, 0, changeTimeout)
	default:
		f = r.RemoveServer(ch.id, 0, changeTimeout)
	}
	ctx, cancel := context.WithTimeout(context.Background(), changeTimeout)
	defer cancel()
	if err := n.await(ctx, f); err != nil {
		n.log.Warn("change of voters", "change", ch.op.String(), "node", ch.id, "err", err)
		return false
	}
	if ch.op == removeServer && ch.id != seatID {
		c.peers.forget(ch.id)
	}
	n.log.Info("voters changed", "change", ch.op.String(), "node", ch.id)
	n.notify()
	return true
}

// dropRecord removes an exiled node from the store and reports whether it did.
func (n *Node) dropRecord(gone *model.Node) bool {
	ctx, cancel := context.WithTimeout(context.Background(), changeTimeout)
	defer cancel()
	_, err := n.leadCommand(ctx, removal(gone.ID))
	if err != nil {
		n.log.Warn("remove the record of a node that was taken out", "node", gone.Name, "err", err)
		return false
	}
	n.log.Info("the record of a node that was taken out is removed", "node", gone.Name)
	return true
}

func removal(id model.NodeID) store.Command {
	return store.Command{Kind: store.NodeRemove, At: time.Now().UTC(), Actor: "system:members", Payload: &store.NodeRef{ID: id}}
}

// isWitness tells whether a member is known as a witness.
func (n *Node) isWitness(id hraft.ServerID) (is bool) {
	n.st.Read(func(st *store.State) {
		m, ok := st.Node(model.NodeID(id))
		is = ok && m.Kind == model.Witness
	})
	return is
}

// handOnWitness gives leadership away should a witness ever have it.
func (n *Node) handOnWitness(c *core) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*n.Timing().Detect)
	defer cancel()
	if err := n.Transfer(ctx, ""); err != nil {
		n.log.Warn("a witness leads and cannot hand on", "err", err)
	}
}

type removeBody struct {
	ID model.NodeID `json:"id"`
}

// Remove takes a node out of the cluster. It may be dead. The active node must
// hand over first.
func (n *Node) Remove(ctx context.Context, id model.NodeID) error {
	return n.ask(ctx, "remove", removeBody{id}, nil, true)
}

func (n *Node) leadRemove(ctx context.Context, b removeBody) (any, error) {
	c := n.core.Load()
	if !c.leads() {
		return nil, errNotLeader
	}
	var node *model.Node
	data := 0
	n.st.Read(func(st *store.State) {
		node, _ = st.Node(b.ID)
		for _, other := range st.Nodes() {
			if other.Kind == model.DataNode {
				data++
			}
		}
	})
	switch {
	case node == nil:
		if _, still := inConfig(c.servers(), hraftID(b.ID)); !still {
			return nil, store.Errorf(store.NotFound, "Node %s could not be found.", b.ID)
		}
	case hraftID(b.ID) == c.id:
		return nil, store.Errorf(store.Conflict, "Node %s leads the cluster: switch over to another node first (lbd switchover), or stop it.", node.Name)
	case node.Kind == model.DataNode && data == 1:
		return nil, store.Errorf(store.Conflict, "Node %s is the last data node.", node.Name)
	default:
		if peer, held := c.heldByArbiter(time.Now()); held && peer == hraftID(b.ID) {
			if err := n.forceOut(ctx, c, node); err != nil {
				return nil, err
			}
		}
		_, err := n.leadCommand(ctx, removal(b.ID))
		if err != nil && store.KindOf(err) != store.NotFound {
			return nil, err
		}
	}
	n.wake()
	ctx, cancel := context.WithTimeout(ctx, 2*changeTimeout)
	defer cancel()
	err := n.waitUntil(ctx, func() bool {
		_, still := inConfig(c.servers(), hraftID(b.ID))
		return !still || !c.leads()
	})
	if err != nil {
		return nil, store.Errorf(store.Unavailable, "Node %s is removed, but the voters could not be changed yet: no majority answers.", n.nameOf(b.ID))
	}
	return nil, nil
}

// leadCommand applies a command of the leader's own.
func (n *Node) leadCommand(ctx context.Context, cmd store.Command) (uint64, error) {
	b, err := cmd.Encode()
	if err != nil {
		return 0, err
	}
	v, err := n.leadApply(ctx, n.Self(), b)
	if err != nil {
		return 0, err
	}
	a, ok := v.(applied)
	if !ok {
		return 0, errors.New("apply gave no result")
	}
	if a.Error != nil {
		return a.Index, a.Error
	}
	return a.Index, nil
}

func inConfig(servers []hraft.Server, id hraft.ServerID) (hraft.Server, bool) {
	for _, s := range servers {
		if s.ID == id {
			return s, true
		}
	}
	return hraft.Server{}, false
}

// enterBody is a node's wish to be in the configuration. Join is set by a new
// member; without it a known member tells its new address.
type enterBody struct {
	Node model.Node `json:"node"`
	Join bool       `json:"join"`
}

// leadEnter puts a node that has a certificate into the store and the Raft
// configuration, and answers when it is there.
func (n *Node) leadEnter(ctx context.Context, b enterBody) (any, error) {
	c := n.core.Load()
	if !c.leads() {
		return nil, errNotLeader
	}
	node := b.Node
	var refusal error
	n.st.Read(func(st *store.State) {
		old, known := st.Node(node.ID)
		switch {
		case !known && !b.Join:
			refusal = store.Errorf(store.Forbidden, "Node %s was removed from the cluster: empty its data directory and join again.", node.Name)
		case known && !b.Join:
			addr := node.Cluster
			node = *old
			node.Cluster = addr
		}
		for _, other := range st.Nodes() {
			if other.ID != node.ID && other.Name == node.Name {
				refusal = nameTaken(other)
			} else if other.ID != node.ID && other.Cluster == node.Cluster {
				refusal = store.Errorf(store.Conflict, "The address %s belongs to node %s. If that node is gone, remove it first: lbd remove %s", other.Cluster, other.Name, other.Name)
			}
		}
	})
	if refusal != nil {
		return nil, refusal
	}
	if hraftID(node.ID) != c.id {
		if err := n.dialBack(ctx, node); err != nil {
			return nil, err
		}
	}
	if !b.Join {
		// Use the new address before it is agreed on: agreeing may need this node.
		if s, ok := inConfig(c.servers(), hraftID(node.ID)); ok && string(s.Address) != node.Cluster {
			c.peers.move(s.ID, addrMove{s.Address, hraft.ServerAddress(node.Cluster)})
		}
		tctx, cancel := context.WithTimeout(ctx, writeWait)
		err := n.waitUntil(tctx, func() bool { return n.closedByArbiter(c) == nil })
		cancel()
		if err != nil {
			return nil, n.closedByArbiter(c)
		}
	}
	if _, err := n.leadCommand(ctx, store.Command{
		Kind: store.NodePut, At: time.Now().UTC(), Actor: "system:members", Payload: &node,
	}); err != nil {
		return nil, err
	}
	n.wake()
	ctx, cancel := context.WithTimeout(ctx, enterTimeout)
	defer cancel()
	err := n.waitUntil(ctx, func() bool {
		s, ok := inConfig(c.servers(), hraftID(node.ID))
		return !c.leads() || ok && s.Address == hraft.ServerAddress(node.Cluster) && (s.Suffrage == hraft.Voter || !n.shouldVote(node.ID))
	})
	if err != nil {
		return nil, store.Errorf(store.Unavailable, "Node %s is a member but has not caught up within %v.", node.Name, enterTimeout)
	}
	if !c.leads() {
		return nil, errNotLeader
	}
	return nil, nil
}

func (n *Node) shouldVote(id model.NodeID) (yes bool) {
	n.st.Read(func(st *store.State) {
		for _, w := range wantedVoters(st.Nodes()) {
			yes = yes || w.ID == id
		}
	})
	return yes
}

// dialBack makes sure that the leader reaches the node under its own address. It
// tries again for reachTimeout when there is no answer: a lost SYN is no firewall.
func (n *Node) dialBack(ctx context.Context, node model.Node) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	var id model.NodeID
	var err error
	for {
		tctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
		_, err = n.client.post(tctx, node.Cluster, pingPath, struct{}{}, &id)
		cancel()
		if !isTimeout(err) || ctx.Err() != nil {
			break
		}
	}
	if err == nil && id != node.ID {
		err = fmt.Errorf("node %s answers there", id)
	}
	if err != nil {
		return store.Errorf(store.Invalid, "The leader (%s) cannot reach node %s at %s: %v. Is the peer port open, and is --advertise right?", n.cfg.Name, node.Name, node.Cluster, plainError(err))
	}
	return nil
}

// meet lets this node reach a member at its new address although no leader can
// be asked: an election may need it.
func (n *Node) meet(ctx context.Context, from model.NodeID, body []byte) {
	var b enterBody
	c := n.core.Load()
	if c == nil || json.Unmarshal(body, &b) != nil || b.Join || b.Node.ID != from {
		return
	}
	s, ok := inConfig(c.servers(), hraftID(from))
	if !ok || string(s.Address) == b.Node.Cluster || n.dialBack(ctx, b.Node) != nil {
		return
	}
	c.peers.move(s.ID, addrMove{s.Address, hraft.ServerAddress(b.Node.Cluster)})
}

// announce tells the cluster the new address of a member, until it is heard.
func (n *Node) announce(ident *identity) {
	c := n.core.Load()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-n.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	for n.pause(ctx, n.Timing().Detect) == nil {
		body := enterBody{Node: n.record(ident, time.Now())}
		var err error
		if _, known := n.leader(); known || c.leads() {
			err = n.ask(ctx, "enter", body, nil, true)
		} else {
			err = n.askAround(ctx, c, body)
		}
		if err == nil {
			fresh := *n.identity()
			fresh.Advertise = n.addr
			if err := n.local.save(&fresh); err != nil {
				n.log.Warn("keep the announced address", "err", err)
			}
			n.mu.Lock()
			n.ident = &fresh
			n.mu.Unlock()
			n.log.Info("the cluster knows the new peer address", "addr", n.addr)
			return
		}
		n.log.Debug("announce the new peer address", "err", err)
		if store.KindOf(err) == store.Forbidden {
			n.log.Error("this node was removed from the cluster", "err", err)
			return
		}
	}
}

// askAround asks every voter to pass the wish on: the leader does not know this
// node's address, so this node does not hear from it.
func (n *Node) askAround(ctx context.Context, c *core, body enterBody) error {
	err := error(errNotLeader)
	for _, s := range c.servers() {
		if s.ID == c.id || s.ID == seatID {
			continue
		}
		tctx, cancel := context.WithTimeout(ctx, peerTimeout)
		_, err = n.client.post(tctx, string(s.Address), anyPath+"enter", body, nil)
		cancel()
		if err == nil || store.KindOf(err) == store.Forbidden {
			return err
		}
	}
	return err
}
