package app

import (
	"context"
	"slices"
	"time"

	"lbd/api/deps"
	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
)

// cluster is deps.Cluster over the Raft node.
type cluster struct {
	node *raft.Node
}

var _ deps.Cluster = (*cluster)(nil)

func (c *cluster) Self() model.NodeID { return c.node.Self() }

func (c *cluster) Leader() (model.NodeID, uint64, bool) {
	st := c.node.State()
	return st.Leader, st.Term, st.Leader != ""
}

func (c *cluster) Barrier(ctx context.Context) error { return c.node.Read(ctx) }

func (c *cluster) JoinToken(_ context.Context, ttl time.Duration) (string, error) {
	return c.node.JoinToken(ttl)
}

func (c *cluster) Join(ctx context.Context, req deps.JoinRequest) (deps.JoinResponse, error) {
	resp, err := c.node.HandleJoin(ctx, raft.JoinHTTPRequest(req))
	return deps.JoinResponse(resp), err
}

func (c *cluster) Pending(ctx context.Context) ([]deps.PendingNode, error) {
	pending, err := c.node.Pending(ctx)
	out := make([]deps.PendingNode, 0, len(pending))
	for _, p := range pending {
		out = append(out, deps.PendingNode(p))
	}
	return out, err
}

func (c *cluster) Approve(ctx context.Context, code string) error { return c.node.Approve(ctx, code) }

// Remove refuses to leave fewer voters than Spread needs, also once it was turned off:
// the arbiter seat, which may take a voter's place, cannot say that nobody holds a
// share any more, and a node that starts without its peer would wait for that.
func (c *cluster) Remove(ctx context.Context, id model.NodeID) error {
	if st := c.node.State(); c.node.Spread().Version > 0 && len(st.Voters) <= leastVoters && slices.Contains(st.Voters, id) {
		return store.Errorf(store.Conflict, "A cluster that has used Spread keeps three voters: add another node before this one is removed.")
	}
	return c.node.Remove(ctx, id)
}

// SetProfile is an entry like any other, so every node follows.
func (c *cluster) SetProfile(ctx context.Context, actor string, p model.Profile) error {
	_, err := c.node.Apply(ctx, store.Command{Kind: store.SettingsPut, At: time.Now().UTC(), Actor: actor, Payload: &model.Settings{Profile: p}})
	return err
}

// Restart works for any node, which is asked over the peer port.
func (c *cluster) Restart(ctx context.Context, id model.NodeID) (string, error) {
	return c.node.Restart(ctx, id)
}

// Switchover works on any node: the leader does it, the others ask it to.
func (c *cluster) Switchover(ctx context.Context, to model.NodeID) error {
	return c.node.Switchover(ctx, to)
}
