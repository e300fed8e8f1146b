package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"
)

const (
	// gateEvery is the pause between two looks at a node that restarts.
	gateEvery = 100 * time.Millisecond
	// lookWithin bounds one of them: a connection may have gone to a process that ends.
	lookWithin = 2 * time.Second
	// upgradeWithin bounds an upgrade of the largest cluster, with time to drain.
	upgradeWithin = 15 * time.Minute
)

func restartCommand(fs *flag.FlagSet) func(context.Context, *call) error {
	wait := waitFlag(fs)
	return func(ctx context.Context, c *call) error {
		v, err := look(ctx, c.client)
		if err != nil {
			return err
		}
		for _, n := range v.Nodes {
			if len(c.args) == 0 && n.Self || len(c.args) == 1 && (n.Name == c.args[0] || n.ID == c.args[0]) {
				return (&roll{c, *wait}).restart(ctx, v, n)
			}
		}
		return fmt.Errorf("no node %v in the cluster", c.args)
	}
}

func upgradeCommand(fs *flag.FlagSet) func(context.Context, *call) error {
	wait := waitFlag(fs)
	return func(ctx context.Context, c *call) error { return (&roll{c, *wait}).all(ctx) }
}

func waitFlag(fs *flag.FlagSet) *time.Duration {
	return fs.Duration("wait", time.Minute, "how long a node may take to come back and be ready")
}

// roll restarts nodes and waits at the gate behind each.
type roll struct {
	*call
	wait time.Duration
}

func look(ctx context.Context, c *client) (*clusterView, error) {
	v := &clusterView{}
	return v, c.call(ctx, "GET", "/v1/cluster", nil, v)
}

// all restarts every node, the active one last: it meets a binary that has come up elsewhere,
// and where it has to move its VIPs it does so once.
func (r *roll) all(ctx context.Context) error {
	v, err := look(ctx, r.client)
	if err != nil {
		return err
	}
	if err := sound(v); err != nil {
		return fmt.Errorf("nothing was restarted: %w", err)
	}
	todo, done := v.Nodes, 0
	for len(todo) > 0 {
		next := 0
		for i, n := range todo { // roles may have changed since
			if roleIn(v, n.ID) != "active" {
				next = i
				break
			}
		}
		if err := r.restart(ctx, v, todo[next]); err != nil {
			return fmt.Errorf("stopped after %d of %d nodes: %w", done, len(v.Nodes), err)
		}
		done++
		todo = append(todo[:next:next], todo[next+1:]...)
		if v, err = look(ctx, r.client); err != nil {
			return fmt.Errorf("stopped after %d of %d nodes: %w", done, done+len(todo), err)
		}
	}
	return nil
}

func roleIn(v *clusterView, id string) string {
	for _, n := range v.Nodes {
		if n.ID == id {
			return n.Role
		}
	}
	return ""
}

// restart has one node restart and returns when the cluster is sound with it.
func (r *roll) restart(ctx context.Context, v *clusterView, n nodeView) error {
	// What some node has applied is committed. (The commit index counts entries that
	// only say who leads, and those nobody applies.)
	var committed uint64
	for _, o := range v.Nodes {
		committed = max(committed, o.Raft.AppliedIndex)
	}
	var out struct {
		Version string `json:"version"`
	}
	if err := r.client.call(ctx, "POST", "/v1/cluster/nodes/"+n.ID+"/restart", nil, &out); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	began := time.Now()
	fmt.Fprintf(r.Stdout, "%s: %s -> %s ...", n.Name, n.Version, out.Version)
	if err := r.gate(ctx, n, committed); err != nil {
		fmt.Fprintln(r.Stdout, " failed")
		return fmt.Errorf("node %s, told to run %s: %w", n.Name, out.Version, err)
	}
	_, err := fmt.Fprintf(r.Stdout, " ready after %s\n", time.Since(began).Round(gateEvery))
	return err
}

// gate waits until n has started anew, has what was committed, and the cluster is
// sound.
func (r *roll) gate(ctx context.Context, n nodeView, committed uint64) error {
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	why := errors.New("it did not end")
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready within %s: %w", r.wait, why)
		case <-time.After(gateEvery):
		}
		lctx, done := context.WithTimeout(ctx, lookWithin)
		v, err := look(lctx, r.client)
		done()
		if ctx.Err() != nil {
			continue // the reason known so far says more
		}
		if why = err; err == nil {
			why = passed(v, n, committed)
		}
		if why == nil || errors.As(why, new(revertedError)) {
			return why
		}
	}
}

// revertedError is why a node runs on with the binary it had; waiting changes nothing.
type revertedError string

func (e revertedError) Error() string { return "it goes on with the binary it had: " + string(e) }

// passed tells what is still missing.
func passed(v *clusterView, before nodeView, committed uint64) error {
	for _, n := range v.Nodes {
		switch {
		case n.ID != before.ID:
		case n.Role == "unknown":
			return errors.New("it is not back: " + n.Why)
		case n.Started.Equal(before.Started):
			return errors.New("it did not end")
		case n.RestartFailed != "":
			return revertedError(n.RestartFailed)
		case n.Raft.AppliedIndex < committed:
			return fmt.Errorf("it has entry %d of %d", n.Raft.AppliedIndex, committed)
		default:
			return sound(v)
		}
	}
	return errors.New("it is no node of the cluster any more")
}

// sound tells what is wrong with a cluster as a whole.
func sound(v *clusterView) error {
	if v.Quorum != "ok" {
		return fmt.Errorf("the quorum is %s", v.Quorum)
	}
	active, shares := 0, false
	for _, n := range v.Nodes {
		shares = shares || n.Share
		switch {
		case n.Role == "unknown":
			return fmt.Errorf("node %s is %s", n.Name, n.Why)
		case n.Role == "active":
			active++
		case n.Kind == "data" && !n.Ready:
			return fmt.Errorf("node %s is not ready: %s", n.Name, n.Why)
		}
	}
	if active != 1 && !shares { // as many as have one
		return fmt.Errorf("%d nodes are active", active)
	}
	return nil
}
