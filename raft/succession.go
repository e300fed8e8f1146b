package raft

import (
	"net"
	"slices"

	hraft "github.com/hashicorp/raft"
)

// Freeze ends all changes of the voters by this node, for the rest of its life, and
// reports whether it leads and is the only voter there is. Then nobody else can
// lead as long as the data directory is with processes of this node: an election
// needs its vote, and so does the change that would give another node one. That
// holds on after Close, until a later process has a leader's right of its own;
// Config.Settled keeps that one from adding voters before.
func (n *Node) Freeze() (sole bool) {
	n.changing.Lock()
	defer n.changing.Unlock()
	n.frozen = true
	c := n.core.Load()
	return c != nil && c.leads() && c.alone()
}

// settled reports whether no earlier process acts for this node any more.
func (n *Node) settled() bool {
	if n.cfg.Settled == nil {
		return true
	}
	select {
	case <-n.cfg.Settled:
		return true
	default:
		return false
	}
}

// alone reports whether this node is the only voter, in the newest configuration,
// committed or not.
func (c *core) alone() bool {
	voters := voterIDs(c.servers())
	return slices.Equal(voters, []hraft.ServerID{c.id})
}

// PeerPort is the listener for peers, until Close.
func (n *Node) PeerPort() net.Listener { return n.mux.ln }
