package raft

import (
	"context"

	"lbd/store"
	"lbd/store/model"
)

// restartPath asks a node to restart; answered by the node itself, unlike verbs of
// the leader.
const restartPath = "/restart"

// OnRestart sets what this node does when it is asked to restart: refuse, or say
// the version that will run, and begin soon after it has returned.
func (n *Node) OnRestart(fn func(context.Context) (version string, err error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onRestart = fn
}

// Restart asks a node, perhaps this one, to restart, and returns the version that
// it will run. What it refuses it refuses before anything has ended.
func (n *Node) Restart(ctx context.Context, id model.NodeID) (version string, err error) {
	if id == n.Self() {
		return n.restartSelf(ctx)
	}
	var addr string
	n.st.Read(func(st *store.State) {
		if node, ok := st.Node(id); ok {
			addr = node.Cluster
		}
	})
	if addr == "" {
		return "", store.Errorf(store.NotFound, "Node %s could not be found.", id)
	}
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	if _, err := n.client.post(ctx, addr, restartPath, struct{}{}, &version); err != nil {
		if store.KindOf(err) != "" {
			return "", err
		}
		return "", store.Errorf(store.Unavailable, "Node %s could not be asked to restart: %v.", n.nameOf(id), err)
	}
	return version, nil
}

func (n *Node) restartSelf(ctx context.Context) (string, error) {
	n.mu.Lock()
	fn := n.onRestart
	n.mu.Unlock()
	if fn == nil {
		return "", store.Errorf(store.Unavailable, "This node cannot restart by itself.")
	}
	return fn(ctx)
}

// answerRestart serves a peer: every member may ask, as every member holds the
// cluster's keys.
func (n *Node) answerRestart(ctx context.Context, from model.NodeID, _ []byte) (any, error) {
	n.log.Info("asked to restart", "by", n.nameOf(from))
	return n.restartSelf(ctx)
}
