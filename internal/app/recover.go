package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"lbd/internal/flagenv"
	"lbd/raft"
	"lbd/store"
	"lbd/vrrp"
)

// recoverHelp is shown before anything is done.
const recoverHelp = `
This makes %s a cluster of its own, with the data that it has, and is only for when
ALL other members are lost for good:
  - What they acknowledged and %s has not heard of is lost.
  - Of several survivors recover the one with the newest entry; empty the others and let them join it.
  - A lost one that comes back after all must have its data directory emptied first. It is
    refused, and told so, wherever %s reaches it.
As long as enough of them can be started again, start them instead.

`

// RecoverCommand is "lbd recover": it works on the data directory of a node that
// does not run.
func RecoverCommand(ctx context.Context, args []string, lookup func(string) (string, bool), out, errs io.Writer) error {
	fs := flag.NewFlagSet("lbd recover", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.Usage = func() {
		fmt.Fprintln(errs, "usage: lbd recover [flags]\nmake this stopped node a cluster of its own, after a majority was lost for good; without --lost, show what that means")
		fs.PrintDefaults()
	}
	dir := fs.String("data-dir", flagenv.DefaultDataDir(), "data directory of the node that is left")
	lost := fs.String("lost", "", "`NAME[,NAME]` of every other member: they are lost for good")
	iface := fs.String("interface", "", "as for the node itself: `IF` for VIPs of subnets that no interface belongs to")
	if err := flagenv.Parse(fs, args, lookup, 0); err != nil {
		return err
	}
	cfg := raft.RecoverConfig{DataDir: *dir, Guard: func(st *store.Store) error { return vipsAnswered(ctx, st, *iface, errs) }}
	if *lost != "" {
		cfg.Lost = strings.Split(*lost, ",")
	}
	r, err := raft.Recover(ctx, cfg)
	if r != nil && len(r.Others) > 0 {
		fmt.Fprintf(out, "Node %s has entries up to %d, of term %d. The other members:\n", r.Name, r.LastIndex, r.LastTerm)
		for _, o := range r.Others {
			fmt.Fprintf(out, "  %s (%s) at %s\n", o.Name, o.Kind, o.Cluster)
		}
	}
	switch {
	case err != nil:
		return err
	case !r.Done:
		fmt.Fprintf(out, recoverHelp, r.Name, r.Name, r.Name)
		return fmt.Errorf("nothing was changed: if they are lost for good, run lbd recover --data-dir %s --lost %s", *dir, r.Names())
	}
	fmt.Fprintf(out, "Node %s is a cluster of its own now: start it, then let new nodes join. Empty the data directories of %s before their machines are used again.\n", r.Name, r.Names())
	return nil
}

// vipsAnswered is an error when somebody answers for one of the VIPs: then a member
// lives, however lost it seems. What cannot be asked is said and not held against.
func vipsAnswered(ctx context.Context, st *store.Store, iface string, errs io.Writer) error {
	if iface == "" {
		iface, _ = vrrp.DefaultInterface() // none: only VIPs with a link of their own can be asked for
	}
	links, err := vrrp.ListLinks()
	if err != nil {
		return fmt.Errorf("ask whether somebody answers for the VIPs: %w", err)
	}
	vips, _, _ := vipsOf(st.Config(), links, iface)
	if len(vips) == 0 {
		return nil
	}
	answers, err := vrrp.Prober{Tries: 4, Wait: 50 * time.Millisecond}.Conflict(ctx, vips)
	for _, a := range answers {
		return fmt.Errorf("VIP %s is answered by %s on %s: a member lives and serves; stop it first", a.Addr, a.MAC, a.Link)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(errs, "lbd recover: it could not be asked whether somebody answers for the VIPs: %v\n", err)
	}
	return nil
}
