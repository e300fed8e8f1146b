package raft

import (
	"context"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// Lane is a queue of reports of one size. Lanes neither replace nor hold up each
// other's reports: every write of the cluster waits for what a small one tells, and a
// large one is on its way, and being read, for tens of milliseconds.
type Lane int

const (
	// Small reports are for what cannot wait.
	Small Lane = iota
	// Large reports have what is there once for each member or listener.
	Large
)

// route is a lane to one node.
type route struct {
	to   model.NodeID
	lane Lane
}

// Push sends this node's report to all other nodes: of each lane the newest only, one
// at a time to each, dropped where a node does not answer. It does not wait. Reports
// of different lanes may overtake each other. The report must not be changed afterwards.
func (n *Node) Push(lane Lane, report []byte) {
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
	for r, ch := range n.pushers {
		if !peers[r.to] {
			close(ch)
			delete(n.pushers, r)
		}
	}
	for id := range peers {
		r := route{id, lane}
		ch, ok := n.pushers[r]
		if !ok {
			ch = make(chan []byte, 1)
			n.pushers[r] = ch
			n.wg.Go(func() { n.pusher(id, ch) })
		}
		select { // replace what was not sent yet
		case <-ch:
		default:
		}
		ch <- report // only Push sends, under mu: there is room
	}
}

// pusher sends the reports of a route until its channel or the node is closed.
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
// connection's goroutine, for two lanes of a node at once, and holds up the next
// report of its lane.
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
