package raft

import (
	"context"

	"lbd/store"
	"lbd/store/model"
)

// Tell gives body, at most maxBody bytes, to another member and decodes its answer
// into out. It is sent once: what has become of it when err != nil is not known.
func (n *Node) Tell(ctx context.Context, to model.NodeID, body []byte, out any) error {
	var addr string
	n.st.Read(func(st *store.State) {
		if node, ok := st.Node(to); ok {
			addr = node.Cluster
		}
	})
	if addr == "" {
		return store.Errorf(store.NotFound, "Node %s not found.", to)
	}
	_, err := n.client.post(ctx, addr, tellPath, body, out)
	return err
}

// OnTell sets who answers what other members tell. fn is called on the connection's
// goroutine.
func (n *Node) OnTell(fn func(from model.NodeID, body []byte) (any, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onTell = fn
}

func (n *Node) answerTell(_ context.Context, from model.NodeID, body []byte) (any, error) {
	n.mu.Lock()
	fn := n.onTell
	n.mu.Unlock()
	if fn == nil {
		return nil, store.Errorf(store.Unavailable, "This node takes nothing of the kind.")
	}
	return fn(from, body)
}
