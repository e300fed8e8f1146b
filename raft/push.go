package raft

import (
	"context"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// Push sends this node's report to all other nodes: the newest only, one at a
// time to each, dropped where a node does not answer. It does not wait. The
// report must not be changed afterwards.
func (n *Node) Push(report []byte) {
	self := n.Self()
	if self == "" || n.core.Load() == nil || len(report) > maxBody {
		return
	}
	peers := make(map[model.NodeID]bool)
	n.st.Read(func(st *store.State) {
		for _, node := range st.Nodes() {
			if node.ID != self {
				peers[node.ID] = true
			}
		}
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.done:
		return
	default:
	}
	for id, ch := range n.pushers {
		if !peers[id] {
			close(ch)
			delete(n.pushers, id)
		}
	}
	for id := range peers {
		ch, ok := n.pushers[id]
		if !ok {
			ch = make(chan []byte, 1)
			n.pushers[id] = ch
			n.wg.Go(func() { n.pusher(id, ch) })
		}
		select { // replace what was not sent yet
		case <-ch:
		default:
		}
		ch <- report // only Push sends, under mu: there is room
	}
}

// pusher sends reports to one node until its channel or the node is closed.
func (n *Node) pusher(to model.NodeID, reports <-chan []byte) {
	for {
		var report []byte
		var ok bool
		select {
		case report, ok = <-reports:
			if !ok {
				return
			}
		case <-n.done:
			return
		}
		var addr string
		n.st.Read(func(st *store.State) {
			if node, ok := st.Node(to); ok {
				addr = node.Cluster
			}
		})
		if addr == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), pushTimeout)
		_, err := n.client.post(ctx, addr, pushPath, report, nil)
		cancel()
		if err != nil {
			n.log.Debug("push report", "node", to, "err", err)
			_ = n.pause(context.Background(), lookAgain) // a dead node must not be called in a tight loop
			continue
		}
		if c := n.core.Load(); c != nil {
			c.peers.heard(hraftID(to), time.Now())
		}
	}
}

// OnPush sets who gets the reports of other nodes. fn is called on the
// connection's goroutine and must not keep it long.
func (n *Node) OnPush(fn func(from model.NodeID, report []byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onPush = fn
}

func (n *Node) receivePush(_ context.Context, from model.NodeID, report []byte) (any, error) {
	n.mu.Lock()
	fn := n.onPush
	n.mu.Unlock()
	if fn != nil {
		fn(from, report)
	}
	return nil, nil
}
