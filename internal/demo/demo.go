package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"lbd/internal/netlab"
)

// Options of a demo.
type Options struct {
	Out io.Writer
	// Exit ends the demo by itself after the story instead of keeping the
	// cluster up for a look at the web UI.
	Exit bool
	// Self is the path of this binary.
	Self string
}

const (
	storyWithin = 2 * time.Minute
	prefix      = "lbd-demo"
)

// Run plays the story until it is told, and then until ctx ends unless
// Options.Exit. What it made is removed in every case.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "lbd-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sh := &shell{out: o.Out, self: o.Self}
	lab, err := netlab.New(prefix, sh.show)
	if err != nil {
		fmt.Fprintf(o.Out, "# %v: one node on loopback addresses instead of two in namespaces, and no failover\n", err)
		return loopback(ctx, o, sh, dir)
	}
	defer func() {
		sh.stopAll()
		if e := lab.Close(); err == nil {
			err = e
		}
	}()
	s := &story{shell: sh, lab: lab, dir: dir}
	begun := time.Now()
	told, cancel := context.WithTimeout(ctx, storyWithin)
	defer cancel()
	if err := s.tell(told); err != nil {
		if ctx.Err() != nil {
			return nil // interrupted: not a failure
		}
		return err
	}
	sh.say("the whole story took %s", time.Since(begun).Round(100*time.Millisecond))
	if o.Exit {
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:9876")
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	sh.say("web UI: http://%s/ui/  user admin, password %s; Ctrl-C ends the demo and removes all it made", l.Addr(), s.password)
	return forward(ctx, l, s.survivor().host, "127.0.0.1:9876")
}
