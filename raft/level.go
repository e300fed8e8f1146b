package raft

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// Every request between peers says in levelHeader what entries of the log its sender
// can read (store.Level); builds before that say nothing and read level 1. Who was
// not heard yet is asked under levelPath, which those builds do not know.
const (
	levelHeader = "Lbd-Log-Level"
	levelPath   = "/level"
	firstLevel  = 1
)

// level is this node's own.
func (n *Node) level() int {
	if n.cfg.level != 0 {
		return n.cfg.level
	}
	return store.Level
}

// statedLevel reads a request's header.
func statedLevel(h http.Header) int {
	l, err := strconv.Atoi(h.Get(levelHeader))
	if err != nil || l < firstLevel {
		return firstLevel
	}
	return l
}

// serveLevel answers what this node can read.
func (n *Node) serveLevel(context.Context, model.NodeID, []byte) (any, error) { return n.level(), nil }

// mayPropose refuses an entry that a member of the cluster could not apply: it would
// stop there. It asks the leader alone on a node that does not lead, whose leader may
// be of a build without this check, and everybody on the leader. Errors are of kind
// Conflict where a node is too old, Unavailable where that is not known.
//
// Two things are not in the way: the node that node.replace takes out, and anybody
// once Spread was used, for then the log has such entries already.
func (n *Node) mayPropose(ctx context.Context, c *core, body []byte) error {
	kind := store.PeekKind(body)
	need, known := store.LevelOf(kind)
	if !known {
		return store.Errorf(store.Conflict, "Node %s leads and runs an older lbd that cannot read entries of kind %q: upgrade it first (lbd upgrade).", n.cfg.Name, kind)
	}
	if need <= firstLevel || kind == store.SpreadPut && n.Spread().Version > 0 {
		return nil
	}
	var gone hraft.ServerID
	if kind == store.NodeReplace {
		cmd, err := store.Decode(body)
		if err != nil {
			return store.Errorf(store.Invalid, "The entry cannot be read: %v.", err)
		}
		gone = hraftID(cmd.Payload.(*store.NodeReplacement).Lost)
	}
	lead, leads := n.State().Leader, c.leads()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var wg sync.WaitGroup
	refusals := make(chan error, len(c.servers()))
	for _, s := range c.servers() {
		if s.ID == c.id || s.ID == seatID || s.ID == gone || !leads && s.ID != hraftID(lead) {
			continue
		}
		wg.Go(func() {
			if err := n.canRead(ctx, c, s, kind, need); err != nil {
				refusals <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-refusals:
		return err
	default:
		return nil
	}
}

// canRead refuses where a member cannot apply entries of a kind, or is not known to.
func (n *Node) canRead(ctx context.Context, c *core, s hraft.Server, kind store.CommandKind, need int) error {
	name := n.nameOf(model.NodeID(s.ID))
	level, err := n.levelOf(ctx, c, s)
	if err != nil {
		return store.Errorf(store.Unavailable, "It is not known whether node %s can read entries of kind %q: it was not heard since this node began to run (%v). Start it, or take it out: lbd remove %s", name, kind, plainError(err), name)
	}
	if level < need {
		return store.Errorf(store.Conflict, "Node %s runs an older lbd that cannot read entries of kind %q: upgrade it first (lbd upgrade).", name, kind)
	}
	return nil
}

// levelOf is what a member last said it can read; who never said anything is asked.
func (n *Node) levelOf(ctx context.Context, c *core, s hraft.Server) (int, error) {
	if l, ok := c.peers.level(s.ID); ok {
		return l, nil
	}
	addr := string(s.Address)
	if moved, err := c.peers.ServerAddr(s.ID); err == nil {
		addr = string(moved)
	}
	level := firstLevel
	_, err := n.client.post(ctx, addr, levelPath, struct{}{}, &level)
	var status statusError
	if errors.As(err, &status) && status.code == http.StatusNotFound {
		level, err = firstLevel, nil
	}
	if err == nil {
		c.peers.tells(s.ID, level)
	}
	return level, err
}
