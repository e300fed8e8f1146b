package raft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"lbd/internal/tether"
	"lbd/store"
	"lbd/store/model"
)

const (
	tetherPath = "/tether"
	// resolveWithin bounds the look-up of a peer that is known by name.
	resolveWithin = time.Second
)

// tetherBody asks for a place to tie the tether of the sender's VIP holder to.
type tetherBody struct {
	Holder uint64 `json:"holder"`
}

// tetherReply is that place; the address is the node's own.
type tetherReply struct {
	Port  uint16 `json:"port"`
	Key   []byte `json:"key"`
	Token []byte `json:"token"`
}

func (n *Node) openTethers() error {
	host, _, err := net.SplitHostPort(n.cfg.Listen)
	if err != nil {
		return fmt.Errorf("peer port: %w", err)
	}
	n.tethers, err = tether.Listen(host)
	if errors.Is(err, tether.ErrUnsupported) {
		n.log.Warn("a dead node will be noticed by its silence only", "err", err)
		return nil
	}
	return err
}

// SetHolder tells the id of this node's VIP holder process, 0 while there is
// none. Each process needs an id of its own. A lease that was earned for another
// holder ends, so the caller must not pass State.LeaseUntil to a holder other than
// State.Holder.
func (n *Node) SetHolder(id uint64) {
	n.holder.Store(id)
	if c := n.core.Load(); c != nil {
		c.fence.setHolder(id)
		c.spread.lease.setHolder(id)
		n.notify()
	}
}

// HolderGone tells whether this node knows by a tether that a VIP holder of a node can
// hold nothing any more (decision 0013). The newest maxDead are remembered.
func (n *Node) HolderGone(node model.NodeID, holder uint64) bool {
	c := n.core.Load()
	return c != nil && c.fence.isDead(owed{hraftID(node), holder})
}

// Tether asks a voter where to tie the tether of this node's VIP holder to. The
// voter takes the end of that connection for the holder's death.
func (n *Node) Tether(ctx context.Context, to model.NodeID, holder uint64) (tether.Target, error) {
	var addr string
	n.st.Read(func(st *store.State) {
		if node, ok := st.Node(to); ok {
			addr = node.Cluster
		}
	})
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return tether.Target{}, store.Errorf(store.NotFound, "Node %s could not be found.", to)
	}
	var r tetherReply
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	if _, err := n.client.post(ctx, addr, tetherPath, tetherBody{holder}, &r); err != nil {
		return tether.Target{}, fmt.Errorf("ask node %s for a tether: %w", n.nameOf(to), err)
	}
	ip, err := resolve(ctx, host)
	if err != nil {
		return tether.Target{}, err
	}
	t := tether.Target{Addr: netip.AddrPortFrom(ip, r.Port)}
	if len(r.Key) != len(t.Key) || len(r.Token) != len(t.Token) || r.Port == 0 {
		return tether.Target{}, fmt.Errorf("node %s offers no tether", n.nameOf(to))
	}
	copy(t.Key[:], r.Key)
	copy(t.Token[:], r.Token)
	return t, nil
}

func resolve(ctx context.Context, host string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveWithin)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address of %s: %w", host, err)
	}
	return ips[0].Unmap(), nil
}

// giveTether answers Tether.
func (n *Node) giveTether(_ context.Context, from model.NodeID, body []byte) (any, error) {
	var b tetherBody
	if err := json.Unmarshal(body, &b); err != nil || b.Holder == 0 {
		return nil, store.Errorf(store.Invalid, "The request for a tether names no holder.")
	}
	c := n.core.Load()
	if n.tethers == nil || c == nil {
		return nil, store.Errorf(store.Unavailable, "This node has no tethers.")
	}
	port, key, token, err := n.tethers.Expect(func() { n.holderGone(c, from, b.Holder) })
	if err != nil {
		return nil, err
	}
	return tetherReply{port, key[:], token[:]}, nil
}

// holderGone acts on the proof that a VIP holder can hold nothing any more.
func (n *Node) holderGone(c *core, node model.NodeID, holder uint64) {
	c.spread.voter.gone(owed{hraftID(node), holder})
	leads := c.fence.gone(hraftID(node), holder, time.Now())
	n.log.Info("a VIP holder is gone", "node", n.nameOf(node), "leads", leads)
	if !leads {
		return
	}
	c.peers.lost(hraftID(node))
	select {
	case c.orphan <- struct{}{}:
	default:
	}
	if l := n.claim.Load(); l != nil {
		l.hurry()
	}
	n.notify()
}
