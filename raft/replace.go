package raft

import (
	"context"
	"slices"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// replacement picks the data node that is lost, and the spare that takes its place,
// the oldest of each; nil: nothing is to be done. lost tells whether a voter has been
// silent for too long, caughtUp whether a non-voter has the log. What the nodes are
// then decides who votes, see plan, which takes the lost one's vote before it gives
// the spare one: with that, no more of the voters are dead than before.
//
// A spare is no substitute for a witness: with three data nodes the cluster would not
// go back to what it was when the witness returns.
func replacement(nodes []*model.Node, servers []hraft.Server, self hraft.ServerID, lost, caughtUp func(hraft.ServerID) bool) (out, in *model.Node) {
	for _, n := range slices.SortedFunc(slices.Values(nodes), olderNode) {
		id := hraftID(n.ID)
		s, ok := inConfig(servers, id)
		switch {
		case !ok || id == self:
		case out == nil && n.Kind == model.DataNode && s.Suffrage == hraft.Voter && lost(id):
			out = n
		case in == nil && n.Kind == model.Spare && s.Suffrage == hraft.Nonvoter && caughtUp(id):
			in = n
		}
	}
	if out == nil || in == nil {
		return nil, nil
	}
	return out, in
}

// replaceLost lets a spare take the place of a data node that was heard on no path
// for Config.ReplaceAfter, and reports whether it did. The entry needs the majority
// that is there, so a leader that is cut off replaces nobody.
func (n *Node) replaceLost(c *core, nodes []*model.Node, caughtUp func(hraft.ServerID) bool) bool {
	if n.cfg.ReplaceAfter <= 0 {
		return false
	}
	out, in := replacement(nodes, c.servers(), c.id, func(id hraft.ServerID) bool {
		return c.peers.silence(id, time.Now()) > n.cfg.ReplaceAfter
	}, caughtUp)
	if out == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), changeTimeout)
	defer cancel()
	_, err := n.leadCommand(ctx, store.Command{
		Kind: store.NodeReplace, At: time.Now().UTC(), Actor: "system:members", Payload: &store.NodeReplacement{Lost: out.ID, By: in.ID},
	})
	if err != nil {
		n.log.Warn("replace a lost node by a spare", "node", out.Name, "spare", in.Name, "err", err)
		return false
	}
	n.metrics.replaced.Inc()
	n.log.Warn("a spare takes the place of a lost node", "node", out.Name, "spare", in.Name, "silent_for", n.cfg.ReplaceAfter)
	return true
}

// Kind is what this node is for: what the cluster says, since a spare may have taken
// the place of a lost node, or what it was started as while the cluster's word is not
// known.
func (n *Node) Kind() (kind model.NodeKind) {
	kind = n.cfg.Kind
	if c := n.core.Load(); c != nil {
		n.st.Read(func(st *store.State) {
			if x, ok := st.Node(model.NodeID(c.id)); ok {
				kind = x.Kind
			}
		})
	}
	return kind
}
