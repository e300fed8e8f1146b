package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"lbd/internal/buildinfo"
	"lbd/internal/handover"
	"lbd/raft"
	"lbd/store/model"
	"lbd/vrrp"
)

// predecessor is the process of this node that this one takes over from.
type predecessor struct {
	n        *node
	conn     *handover.Conn
	set      handover.Set
	verdicts map[memberKey]model.MemberHealth
	sessions []session
	begin    handover.Go
	settled  chan struct{} // closed when it acts for the node no more, nor its last order stands
	adopted  bool          // this process goes on with its VIP holder
	seq      uint64        // of its last order
}

type memberKey struct {
	pool   model.PoolID
	member model.MemberID
}

// maxInherited bounds the members whose health is taken over.
const maxInherited = 1 << 20

// await says that this process could go on, and returns when it may: the data
// directory and all sockets are its own then.
func (p *predecessor) await(ctx context.Context) error {
	hello := handover.Hello{Build: buildinfo.Get().Version, HolderWire: vrrp.HolderWire, Leads: true, Shares: true}
	if err := p.conn.Send(handover.KindHello, hello); err != nil {
		return err
	}
	for {
		m, err := p.conn.Receive(ctx)
		if err != nil {
			return fmt.Errorf("take over from the process before: %w", err)
		}
		switch m.Kind {
		case handover.KindSockets:
			err = p.set.Receive(&m)
		case handover.KindVerdicts:
			var v handover.Verdicts
			if err = m.Decode(&v); err == nil {
				p.learn(v.List)
			}
		case handover.KindSessions:
			var s handover.Sessions
			if err = m.Decode(&s); err == nil {
				err = p.learnSessions(&s)
			}
		case handover.KindGo:
			return m.Decode(&p.begin)
		default:
			m.Close()
			err = fmt.Errorf("take over from the process before: unexpected %s", m.Kind)
		}
		if err != nil {
			return err
		}
	}
}

func (p *predecessor) learn(list []handover.Verdict) {
	for _, v := range list {
		if len(p.verdicts) < maxInherited {
			k := memberKey{model.PoolID(v.Pool), model.MemberID(v.Member)}
			p.verdicts[k] = model.MemberHealth{Status: model.Operating(v.Status), Reason: v.Reason, Since: v.Since}
		}
	}
}

// verdict is for the data plane.
func (p *predecessor) verdict(pool model.PoolID, member model.MemberID) (model.MemberHealth, bool) {
	v, ok := p.verdicts[memberKey{pool, member}]
	return v, ok
}

// socket is for the data plane.
func (p *predecessor) socket(network string, addr netip.AddrPort) (fd int, ok bool) {
	f := p.set.Take(handover.Key{Use: useVIP, Network: network, Address: addr.String()})
	if f == nil {
		return -1, false
	}
	return f.Take(), true
}

// listener gives the one socket of that use; nil: it was not handed over.
func (p *predecessor) listener(use string) (net.Listener, error) {
	key, ok := p.set.Find(use)
	if !ok {
		return nil, nil
	}
	f := os.NewFile(uintptr(p.set.Take(key).Take()), use)
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("take over %s: %w", key, err)
	}
	return l, nil
}

// takeOver accepts as soon as this process serves as well as the one before, and
// where that one holds the VIPs, leads: then their holder is this one's. ready is
// closed then; settle has to follow.
func (p *predecessor) takeOver(ready chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		n := p.n
		n.apiServer = n.newAPI() // takes a while, in which the other process still does its part
		if !until(ctx, p.couldServe) {
			return nil
		}
		p.importSessions()
		if n.engine != nil && !n.engine.Begin(ctx) {
			return errors.New("the data plane has ended")
		}
		st := n.raft.State()
		serving := handover.Serving{Term: st.Term}
		if p.begin.Obeyed != 0 && !st.Rights.Until.IsZero() {
			serving.Until = vrrp.DeadlineAt(st.Rights.Until)
		}
		if p.begin.Lead != 0 {
			err := n.raft.Inherit(ctx)
			st := n.raft.State()
			if serving.Term, serving.Until = st.Term, vrrp.DeadlineAt(st.LeaseUntil); err != nil {
				n.log.Warn("this process does not go on as the leader", "err", err)
				serving = handover.Serving{}
			}
		}
		if err := p.conn.Send(handover.KindServing, serving); err != nil {
			return err
		}
		if p.begin.Holder != 0 {
			if err := p.adoptHolder(ctx); err != nil {
				return err
			}
		}
		close(ready)
		<-ctx.Done()
		return nil
	}
}

// settle is the end of it: the holder has carried out an order of this process, so
// that no order of the other one, which had a longer life than any lease, stands.
func (p *predecessor) settle(ready chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		n := p.n
		if !until(ctx, func() bool { return !p.adopted || n.holder.Report().Seq > p.seq }) {
			return nil
		}
		if err := p.conn.Send(handover.KindDone, handover.Done{}); err != nil {
			return err
		}
		p.oldDrains()
		p.set.Close()
		close(p.settled)
		n.log.Info("took over from another process", "failed_before", p.begin.Failed)
		n.drains.add(p.conn)
		close(ready)
		<-ctx.Done()
		return nil
	}
}

// until waits for cond, which nobody tells of; false: ctx has ended before.
func until(ctx context.Context, cond func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (p *predecessor) couldServe() bool {
	n := p.n
	if n.engine != nil && !n.dataPlaneReady() {
		return false
	}
	st := n.raft.State()
	if p.begin.Obeyed != 0 {
		return p.couldShare(st)
	}
	return p.begin.Holder == 0 || p.begin.Lead != 0 || st.IsLeader && time.Now().Before(st.LeaseUntil)
}

// couldShare: this process has the lease for the share, or Spread is off by now and the
// share is to be let go.
func (p *predecessor) couldShare(st raft.State) bool {
	t := p.n.raft.Spread()
	leased := st.Rights.Holder == p.begin.Holder && time.Now().Before(st.Rights.Until)
	return t.Version >= p.begin.Obeyed && (leased || !t.On)
}

// acts reports whether p, which held VIPs, may still do so.
func (p *predecessor) acts() bool {
	select {
	case <-p.settled:
		return false
	default:
		return p.begin.Holder != 0
	}
}

// adoptSoon gives leadership to another node when this process leads and the holder does
// not come in time: the process before is frozen, and nobody would hold the VIPs. It ends
// by the function it returns.
func (p *predecessor) adoptSoon(ctx context.Context) (enough func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-time.After(adoptSoon):
			if !p.n.raft.State().IsLeader {
				return
			}
			p.n.log.Warn("the process before does not hand over the VIP holder: another node is to lead", "waited", adoptSoon)
			if err := p.n.raft.Abdicate(ctx); err != nil {
				p.n.log.Warn("hand over leadership", "err", err)
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// adoptHolder goes on with the VIP holder. The first order is given before anything
// else: the one that stands has an end.
func (p *predecessor) adoptHolder(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adoptWithin)
	defer cancel()
	var h handover.Holder
	enough := p.adoptSoon(ctx)
	files, err := p.conn.Expect(ctx, handover.KindHolder, &h)
	if enough(); err != nil {
		return err
	}
	if h.ID == 0 { // another node holds the VIPs by now
		p.n.raft.SetHolder(0)
		return nil
	}
	if len(files) != 3 || h.ID != p.begin.Holder {
		for _, f := range files {
			f.Close()
		}
		return errors.New("take over the VIP holder: it is not the one that was announced")
	}
	b := &vrrp.Bequest{ID: h.ID, PID: h.PID, Seq: h.Seq, Conn: files[0].Take(), Life: files[1].Take(), Proc: files[2].Take()}
	p.adopted, p.seq = true, h.Seq
	if err := p.n.holder.Adopt(ctx, b); err != nil {
		return err
	}
	for {
		err := p.n.roles.findVIPs()
		if err == nil {
			break
		}
		if sleep(ctx, findAgain); ctx.Err() != nil {
			return err
		}
	}
	p.n.roles.step()
	return nil
}

// oldDrains goes on watching the processes that drained already. They end with the
// process that watches them, so not before this one is sure to be the next.
func (p *predecessor) oldDrains() {
	for _, k := range p.set.Keys() {
		if k.Use != useDraining {
			continue
		}
		if _, err := strconv.Atoi(k.Address); err != nil {
			continue
		}
		c, err := handover.Open(p.set.Take(k).Take())
		if err != nil {
			p.n.log.Warn("an earlier process is not watched any more", "pid", k.Address, "err", err)
			continue
		}
		p.n.drains.add(c)
	}
}
