package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"lbd/api/identity"
	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
)

// announceAgain is the pause between tries to tell the cluster this node's
// addresses.
const announceAgain = time.Second

// membership makes this node a member: it makes the cluster, joins one, or
// already is in one. ready is closed then; afterwards it keeps the cluster's
// record of this node true.
func (n *node) membership(ready chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		var err error
		switch {
		case n.raft.HasState():
			if len(n.cfg.Join) > 0 {
				n.log.Info("already a member, --join is not used", "data_dir", n.cfg.DataDir)
			}
		case len(n.cfg.Join) > 0:
			err = n.join(ctx)
		default:
			err = n.bootstrap(ctx)
		}
		if err != nil {
			return err
		}
		n.roles.self = n.raft.Self()
		close(ready)
		return n.announce(ctx)
	}
}

func (n *node) join(ctx context.Context) error {
	token, err := n.cfg.JoinToken()
	if err != nil {
		return err
	}
	return n.raft.Join(ctx, raft.JoinRequest{Peers: n.cfg.Join, Token: token, OnCode: func(code string) {
		n.log.Warn("waiting for approval: run `lbd approve CODE` on a node of the cluster", "code", code)
	}})
}

func (n *node) bootstrap(ctx context.Context) error {
	if n.cfg.Kind() != model.DataNode {
		return fmt.Errorf("a %s cannot be the first node: name a cluster with --join", n.cfg.Kind())
	}
	password, err := n.cfg.existingPassword()
	generated := false
	if err == nil && password == "" {
		password, generated, err = n.cfg.firstPassword()
	}
	if err != nil {
		return err
	}
	if err := n.cfg.writeClouds(n.apiAddr, password); err != nil {
		return err
	}
	seed, err := identity.NewSeed(password, time.Now().UTC(), rand.Reader)
	if err != nil {
		return err
	}
	err = n.raft.Bootstrap(ctx, func(self model.Node) store.Command {
		self.Addresses = n.ownAddresses()
		return store.Command{Kind: store.ClusterInit, At: time.Now().UTC(), Actor: "system:bootstrap", Payload: &store.ClusterInitPayload{
			ClusterID: uuid.NewString(), Node: self,
			Projects: seed.Projects, Users: seed.Users, Roles: seed.Roles, Assignments: seed.Assignments,
		}}
	})
	if err != nil {
		return err
	}
	path := filepath.Join(n.cfg.DataDir, cloudsFile)
	if generated && isTerminal(os.Stderr) {
		fmt.Fprintf(os.Stderr, "The admin password is %s; it is kept in %s.\n", password, path)
	} else {
		n.log.Info("cluster made, the admin password is in clouds.yaml", "file", path)
	}
	return nil
}

// catchUpWithin is how long a starting node waits for a leader before it shows
// what it has: the API must not tell an old state right after a restart, and must
// not stay silent where there is no quorum.
const catchUpWithin = 3 * time.Second

// catchUp closes ready once this node shows everything that was committed when it
// started, or after a moment.
func (n *node) catchUp(ready chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		if n.pred != nil && n.pred.begin.Lead != 0 { // there is no leader before it is this process
			close(ready)
			<-ctx.Done()
			return nil
		}
		tctx, cancel := context.WithTimeout(ctx, catchUpWithin)
		if err := n.raft.Read(tctx); err != nil && ctx.Err() == nil {
			n.log.Warn("no leader confirms the state: going on with what this node has", "err", err)
		}
		cancel()
		close(ready)
		<-ctx.Done()
		return nil
	}
}

func isTerminal(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}

// announce keeps the record of this node in the store equal to what it is: its
// addresses may have changed since it joined.
func (n *node) announce(ctx context.Context) error {
	for ctx.Err() == nil {
		want, known := n.record()
		if known && want == nil {
			<-ctx.Done()
			return nil
		}
		if known {
			tctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			_, err := n.raft.Apply(tctx, store.Command{Kind: store.NodePut, At: time.Now().UTC(), Actor: "system:node", Payload: want})
			cancel()
			if err == nil {
				continue
			}
			n.log.Debug("announce this node", "err", err)
		}
		sleep(ctx, announceAgain)
	}
	return nil
}

// record is this node's entry as it should be, or nil when it is so already.
func (n *node) record() (want *model.Node, known bool) {
	addrs := n.ownAddresses()
	n.st.Read(func(st *store.State) {
		old, ok := st.Node(n.raft.Self())
		if !ok {
			return
		}
		known = true
		if slices.Equal(sorted(old.Addresses), sorted(addrs)) && old.API == n.apiAdvertise() {
			return
		}
		now := *old
		now.Addresses, now.API = addrs, n.apiAdvertise()
		want = &now
	})
	return want, known
}

func sorted(ps []netip.Prefix) []netip.Prefix {
	return slices.SortedFunc(slices.Values(ps), func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
}
