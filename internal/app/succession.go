package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/attend"
	"lbd/internal/buildinfo"
	"lbd/internal/handover"
	"lbd/internal/sdnotify"
	"lbd/raft"
)

// Uses of the sockets that one process hands to the next.
const (
	useVIP      = "vip"
	useAPI      = "api"
	useAdmin    = "admin"
	usePeer     = "peer"
	useDraining = "draining" // to an earlier process that still drains
)

const (
	// heirAgain is the pause before the data directory is offered again after a
	// process has failed to go on; it doubles up to heirAgainMax. The data plane
	// serves meanwhile.
	heirAgain    = time.Second
	heirAgainMax = 30 * time.Second
	// tellEvery is how often a draining process says what is left of it.
	tellEvery = 500 * time.Millisecond
)

// estate is what this process has to hand over once its control part has ended.
type estate struct {
	n   *node
	set handover.Set
}

// succeeding reports whether the control part ends for another process.
func (n *node) succeeding() bool { return errors.Is(context.Cause(n.ctx), errSucceeded) }

// bequeathing is succeeding by a process that goes on with the VIP holder, too.
func (n *node) bequeathing() bool { return n.succeeding() && n.roles.bequeathed() }

// newEstate takes copies of the sockets that the parts of the control part are
// about to close, so that their queues live on.
func (n *node) newEstate() (*estate, error) {
	e := &estate{n: n}
	peer, ok := n.raft.PeerPort().(*net.TCPListener)
	api, ok2 := n.apiListener.(*net.TCPListener)
	if !ok || !ok2 {
		return nil, errors.New("a listener is no TCP listener")
	}
	err := e.add(useAPI, "tcp", api.Addr().String(), api)
	if err == nil {
		err = e.add(usePeer, "tcp", peer.Addr().String(), peer)
	}
	if n.adminListener != nil && err == nil {
		n.adminListener.SetUnlinkOnClose(false)
		err = e.add(useAdmin, "unix", n.adminListener.Addr().String(), n.adminListener)
	}
	for c, pid := range n.drains.conns() {
		if err == nil {
			err = e.add(useDraining, "unix", strconv.Itoa(pid), c)
		}
	}
	return e, err
}

func (e *estate) add(use, network, address string, c handover.Opened) error {
	f, err := handover.Dup(c)
	if err != nil {
		return fmt.Errorf("hand over %s %s: %w", use, address, err)
	}
	e.set.Add(handover.Key{Use: use, Network: network, Address: address}, f)
	return nil
}

// addRest adds what is there only now: all that the data plane listens on.
func (e *estate) addRest(ctx context.Context) error {
	if e.n.engine != nil {
		open, err := e.n.engine.Open(ctx)
		if err != nil {
			return err
		}
		for _, o := range open {
			if err := e.add(useVIP, o.Network, o.Addr.String(), o.Conn); err != nil {
				return err
			}
		}
	}
	return nil
}

// succeed hands the node over to the process that was asked for, or, when that one
// fails, to one from the binary that runs now, as often as it takes: this process
// has ended its control part and does not begin it again. Meanwhile it serves on, and
// holds the VIPs where nobody else could. ctx ends it all.
func (n *node) succeed(ctx context.Context, e *estate) error {
	defer e.set.Close()
	if err := e.addRest(ctx); err != nil {
		n.log.Error("not everything is handed over", "err", err)
	}
	failed, pause := "", heirAgain
	h, err := n.heir, error(nil)
	for {
		if err == nil {
			if err = n.handTo(ctx, h, e, failed); err == nil {
				break
			}
			err = h.giveUp(err)
		}
		if ctx.Err() != nil {
			n.endKept()
			return nil
		}
		n.log.Error("hand-over failed, the binary that runs goes on", "err", err)
		if failed == "" {
			failed = err.Error()
		} else {
			sleep(ctx, pause)
			pause = min(2*pause, heirAgainMax)
		}
		// The file that this process was started from, whatever has come in its place.
		h, err = startHeir(ctx, "/proc/self/exe")
	}
	e.set.Close() // what is not served by the new process is refused, rather than left waiting
	return n.drain(ctx, h)
}

// handTo lets h go on: after it has returned nil this process owns nothing of the
// node but the connections it has accepted.
func (n *node) handTo(ctx context.Context, h *heir, e *estate, failed string) error {
	if err := sdnotify.Reloading(); err != nil {
		n.log.Warn("service manager", "err", err)
	}
	if err := e.set.Send(h.conn); err != nil {
		return err
	}
	if err := h.sendVerdicts(n.verdicts()); err != nil {
		return err
	}
	if n.engine != nil {
		if err := h.sendSessions(n.engine); err != nil {
			return err
		}
	}
	if care := n.roles.caretaker(); care != nil && !leased(care) {
		n.giveUpVIPs("the lease has run out")
	}
	begin := handover.Go{Failed: failed}
	if n.holder != nil && n.bequeathing() {
		begin.Holder = n.holder.ID()
		switch care := n.roles.caretaker().(type) {
		case *raft.Caretaker:
			begin.Lead = care.Term()
		case *raft.SpreadCaretaker:
			begin.Obeyed = care.Obeyed()
		}
	}
	if err := h.conn.Send(handover.KindGo, begin); err != nil {
		return err
	}
	serving, err := n.servedBy(ctx, h)
	if err != nil {
		return err
	}
	switch {
	case begin.Holder == 0:
		return n.settledBy(ctx, h)
	case begin.Lead != 0 && serving.Term == 0:
		n.giveUpVIPs("the new process does not lead")
	case n.bequeathing():
		return n.handHolderTo(ctx, h, serving)
	}
	if err := h.conn.Send(handover.KindHolder, handover.Holder{}); err != nil {
		return err
	}
	return n.settledBy(ctx, h)
}

func leased(c caretaker) bool {
	until, _ := c.Lease()
	return time.Now().Before(until)
}

// servedBy waits until h serves. A cluster's VIPs are given up when that takes too long.
func (n *node) servedBy(ctx context.Context, h *heir) (s handover.Serving, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, serveWithin, fmt.Errorf("it does not serve after %s", serveWithin))
	defer cancel()
	if n.roles.caretaker() != nil {
		cctx, cancel := context.WithDeadline(ctx, n.cared.Add(careWithin))
		_, err := h.conn.Expect(cctx, handover.KindServing, &s)
		late := cctx.Err() != nil
		cancel()
		if err == nil || !late || ctx.Err() != nil {
			return s, err
		}
		n.giveUpVIPs("the new process takes too long")
	}
	_, err = h.conn.Expect(ctx, handover.KindServing, &s)
	return s, err
}

// giveUpVIPs ends this process's right to a cluster's VIPs: another node takes them, at
// once, for the VIP holder ends.
func (n *node) giveUpVIPs(why string) {
	n.log.Warn("the VIPs are given up", "why", why)
	for _, part := range []string{partRoles, partHolder} {
		if err := n.keep.end(part); err != nil {
			n.log.Warn("end of a part", "part", part, "err", err)
		}
	}
	n.roles.dismiss()
}

// handHolderTo gives the VIP holder to h, which leads. From the last order on, which is by
// h's lease where there is one, this process gives none, unless h fails and is gone.
func (n *node) handHolderTo(ctx context.Context, h *heir, by handover.Serving) error {
	n.roles.inherited(by)
	if err := n.keep.end(partRoles); err != nil {
		return err
	}
	bctx, cancel := context.WithTimeout(ctx, adoptWithin)
	defer cancel()
	b, err := n.holder.Bequeath(bctx)
	if err == nil {
		files := []*handover.File{handover.NewFile(b.Conn), handover.NewFile(b.Life), handover.NewFile(b.Proc)}
		err = h.conn.Send(handover.KindHolder, handover.Holder{ID: b.ID, PID: b.PID, Seq: b.Seq}, files...)
		b.Close()
	}
	if err == nil {
		err = n.settledBy(bctx, h)
	}
	if err == nil {
		n.holder.Abandon()
		n.roles.dismiss()
		return n.keep.end(partHolder) // which has let go of it
	}
	// h must be gone before this process gives orders again.
	err = h.giveUp(err)
	n.keep.again(partHolder)
	if n.roles.caretaker() != nil { // its term is over
		n.giveUpVIPs("the new process has ended")
		return err
	}
	n.roles.raise(by.Term)
	n.keep.again(partRoles)
	return err
}

func (n *node) settledBy(ctx context.Context, h *heir) error {
	ctx, cancel := context.WithTimeout(ctx, adoptWithin)
	defer cancel()
	_, err := h.conn.Expect(ctx, handover.KindDone, &handover.Done{})
	return err
}

// verdicts is what this process knows of members' health.
func (n *node) verdicts() (all []handover.Verdict) {
	if n.engine == nil {
		return nil
	}
	for key, h := range n.engine.Verdicts() {
		all = append(all, handover.Verdict{
			Pool: string(key.Pool), Member: string(key.Member), Status: string(h.Status), Since: h.Since,
			Reason: h.Reason[:min(len(h.Reason), maxReason)],
		})
	}
	return all
}

// drain serves what this process has accepted, to its end or the bound, and tells
// the new process what is left. It ends at once with ctx, when the new process asks
// for it, or has failed.
func (n *node) drain(ctx context.Context, h *heir) error {
	n.log.Info("another process has taken over, this one drains", "successor", h.cmd.Process.Pid, "version", h.build, "within", n.cfg.DrainTimeout)
	if err := sdnotify.Main(h.cmd.Process.Pid); err != nil {
		n.log.Warn("service manager", "err", err)
	}
	if n.engine != nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go n.tellDraining(ctx, h)
		go func() { // ends with the message, or the socket
			for {
				m, err := h.conn.Receive(ctx)
				if err != nil {
					return
				}
				m.Close()
				if m.Kind == handover.KindCut {
					cancel()
				}
			}
		}()
		go func() { // ends with ctx
			select {
			case <-h.dead:
				if h.err != nil {
					cancel()
				}
			case <-ctx.Done():
			}
		}()
		n.engine.Retire(ctx, n.cfg.DrainTimeout)
	}
	n.endKept()
	h.conn.Close()
	if ctx.Err() != nil {
		attend.Signal(unix.SIGTERM)
	}
	if attends() {
		return ErrAttend
	}
	return nil
}

func (n *node) tellDraining(ctx context.Context, h *heir) {
	since := time.Now().UTC()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		d := handover.Draining{
			PID: os.Getpid(), Build: buildinfo.Get().Version, Since: since, Until: since.Add(n.cfg.DrainTimeout), Connections: n.engine.Connections(),
		}
		if h.conn.Send(handover.KindDraining, d) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// endKept ends what has outlasted the control part.
func (n *node) endKept() {
	for _, name := range []string{partRoles, partHolder, partLinks, partDataPlane} {
		if err := n.keep.end(name); err != nil {
			n.log.Warn("end of a part", "part", name, "err", err)
		}
	}
	n.roles.dismiss()
}

// Names of the parts that may outlast the control part.
const (
	partRoles     = "roles"
	partHolder    = "holder"
	partLinks     = "links"
	partDataPlane = "data plane"
)
