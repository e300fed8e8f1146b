package raft

import (
	"context"
	"errors"
	"fmt"
	"time"

	hraft "github.com/hashicorp/raft"
)

const (
	// inheritWithin bounds the election of a process that goes on as the leader. What
	// the one before has earned is over sooner, but nobody need be faster for that.
	inheritWithin = 2 * libTimeout
	// inheritLook is how often it is looked at.
	inheritLook = time.Millisecond
)

// follow makes this process's Raft take the one before, which is the leader of
// Config.Inherit, for a leader that lives, until stop or the end of the node. No message of it
// comes here: both have the same id.
func (n *Node) follow(c *core, stop <-chan struct{}) {
	for {
		n.trans.inject(n.predecessorsBeat(c)) // refused by the library in a later term
		select {
		case <-time.After(libTimeout / 3):
		case <-stop:
			return
		case <-n.done:
			return
		}
	}
}

func (n *Node) predecessorsBeat(c *core) *hraft.AppendEntriesRequest {
	return &hraft.AppendEntriesRequest{RPCHeader: c.header(), Term: n.cfg.Inherit}
}

// release lets this process vote again once no earlier one acts for the node.
func (n *Node) release(c *core) {
	select {
	case <-n.cfg.Settled:
		c.fence.unbind(time.Now())
	case <-n.done:
	}
}

// Inherit makes this process the leader after the one before (Config.Inherit), without
// waiting for the promises to it: they protect the VIP holder that this process goes on
// with. nil: it leads and has a lease. An error means that it does not lead and may not
// take the holder over; it is an ordinary member as soon as Config.Settled is closed.
func (n *Node) Inherit(ctx context.Context) error {
	c, term := n.core.Load(), n.cfg.Inherit
	if c == nil || term == 0 {
		return errors.New("there is no leader to go on for")
	}
	close(n.unfollow)
	<-n.unfollowed
	if now := c.term(); now != term {
		return fmt.Errorf("the term is %d, the process before led in %d", now, term)
	}
	c.fence.takeOver(term, time.Now())
	n.trans.inject(n.predecessorsBeat(c)) // a candidate would not hear the next
	n.trans.inject(&hraft.TimeoutNowRequest{RPCHeader: c.header()})
	ctx, cancel := context.WithTimeout(ctx, inheritWithin)
	defer cancel()
	tick := time.NewTicker(inheritLook)
	defer tick.Stop()
	for {
		s := n.State()
		switch {
		case s.IsLeader && s.Term == term+1 && time.Now().Before(s.LeaseUntil):
			return nil
		case s.Term > term+1 || s.Role == "follower":
			return fmt.Errorf("another node was faster, the term is %d", s.Term)
		}
		select {
		case <-tick.C:
		case <-n.done:
			return errClosing
		case <-ctx.Done():
			return fmt.Errorf("not elected within %s", inheritWithin)
		}
	}
}
