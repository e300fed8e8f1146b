package app

import (
	"context"
	"sync/atomic"
	"time"

	"lbd/store/model"
)

const (
	// learnWithin is how long after its start a process takes over what the active
	// node has found out of members. After that its own monitors have looked, and a
	// new monitor's members are to begin anew, not with the verdict of the one before.
	learnWithin = 15 * time.Second
	// learnEvery is how often it looks for that.
	learnEvery = 250 * time.Millisecond
)

// learner gives the monitors of a process that has started the verdicts of the active
// node, so that a member that is down gets no traffic for want of failures counted
// here, should this node become active at once.
type learner struct {
	self  func() model.NodeID
	rows  func() []model.Heard
	teach func(context.Context) bool // has the monitors ask verdict

	known atomic.Pointer[map[model.MemberID]model.MemberHealth]
}

// verdict is what the active node says of a member.
func (l *learner) verdict(member model.MemberID) (model.MemberHealth, bool) {
	known := l.known.Load()
	if known == nil {
		return model.MemberHealth{}, false
	}
	h, ok := (*known)[member]
	return h, ok
}

// run learns once from an active node, or gives up after learnWithin.
func (l *learner) run(ctx context.Context) error {
	began := time.Now()
	for ; ctx.Err() == nil && time.Since(began) < learnWithin; sleep(ctx, learnEvery) {
		if members := l.active(); members != nil {
			l.known.Store(&members)
			if !l.teach(ctx) {
				break
			}
			sleep(ctx, max(0, learnWithin-time.Since(began))) // for what is configured meanwhile
			break
		}
	}
	l.known.Store(nil)
	<-ctx.Done()
	return nil
}

// active is what another node that holds the VIPs said of members a moment ago.
func (l *learner) active() map[model.MemberID]model.MemberHealth {
	self := l.self()
	for _, h := range l.rows() {
		if h.Node != self && h.Role.Role == model.RoleActive && h.Age < peerReadyWithin && len(h.Members) > 0 {
			return h.Members
		}
	}
	return nil
}

// verdict is for the data plane: what an earlier process of this node knew of a
// member, else what the active node knows.
func (n *node) verdict(pool model.PoolID, member model.MemberID) (model.MemberHealth, bool) {
	if n.pred != nil {
		if v, ok := n.pred.verdict(pool, member); ok {
			return v, true
		}
	}
	return n.learner.verdict(member)
}
