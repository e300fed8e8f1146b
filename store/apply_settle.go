package store

import (
	"cmp"
	"maps"
	"slices"

	"lbd/store/model"
)

// settle ends what has been pending since p.Index or earlier: ACTIVE, or ERROR
// where the entry names a failure, or gone. What was written again later goes
// on pending. There is nothing to refuse: an entry that comes twice, or late,
// finds nothing to do.
func (t *tx) settle(p *Settle) error {
	reasons := make(map[string]string, len(p.Failures))
	for _, f := range p.Failures {
		reasons[f.Object] = cmp.Or(f.Reason, "no reason given")
	}
	var due []ref
	for r, at := range t.st.pending {
		if at <= p.Index {
			due = append(due, r)
		}
	}
	// Parents come first: a load balancer's end decides about all below it.
	slices.SortFunc(due, func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.noun, b.noun), cmp.Compare(a.id, b.id))
	})
	for _, r := range due {
		if _, ok := t.st.pending[r]; ok { // else it went with its parent
			t.settleOne(r, p.Index, reasons)
		}
	}
	if len(due) > len(t.st.pending) {
		// A map never shrinks, and walking one takes as long as it once was big.
		rest := make(map[ref]uint64, len(t.st.pending))
		maps.Copy(rest, t.st.pending)
		t.st.pending = rest
	}
	return nil
}

func (t *tx) settleOne(r ref, upTo uint64, reasons map[string]string) {
	st, reason := t.st, reasons[r.id]
	switch r.noun {
	case nounLoadBalancer:
		n := *st.loadBalancers[model.LoadBalancerID(r.id)]
		if n.Provisioning == model.PendingDelete {
			t.removeLoadBalancer(&n)
			return
		}
		if reason != "" && n.Provisioning == model.PendingCreate {
			t.failBelow(&n, upTo, reason, reasons)
		}
		t.settled(&n.Base, reason)
		st.putLoadBalancer(&n)
	case nounListener:
		n := *st.listeners[model.ListenerID(r.id)]
		if n.Provisioning == model.PendingDelete {
			t.removeListener(&n)
			return
		}
		t.settled(&n.Base, reason)
		st.putListener(&n)
	case nounPool:
		n := *st.pools[model.PoolID(r.id)]
		if n.Provisioning == model.PendingDelete {
			t.removePool(&n)
			return
		}
		t.settled(&n.Base, reason)
		st.putPool(&n)
	case nounMember:
		n := *st.members[model.MemberID(r.id)]
		if n.Provisioning == model.PendingDelete {
			st.dropMember(&n)
			return
		}
		t.settled(&n.Base, reason)
		st.putMember(&n)
	case nounMonitor:
		n := *st.monitors[model.HealthMonitorID(r.id)]
		if n.Provisioning == model.PendingDelete {
			st.dropMonitor(&n)
			return
		}
		t.settled(&n.Base, reason)
		st.putMonitor(&n)
	case nounL7Policy:
		n := *st.l7policies[model.L7PolicyID(r.id)]
		if n.Provisioning == model.PendingDelete {
			t.removePolicy(&n)
			return
		}
		t.settled(&n.Base, reason)
		st.putL7Policy(&n)
	case nounL7Rule:
		n := *st.l7rules[model.L7RuleID(r.id)]
		if n.Provisioning == model.PendingDelete {
			st.dropL7Rule(&n)
			return
		}
		t.settled(&n.Base, reason)
		st.putL7Rule(&n)
	}
}

// settled ends what is pending. That counts as a change of the object, the end
// of its creation too (decision 0014).
func (t *tx) settled(b *model.Base, reason string) {
	b.Updated = t.at
	b.Provisioning, b.Reason, b.Pending = model.Active, reason, 0
	if reason != "" {
		b.Provisioning = model.Error
	}
	b.Revision = t.index
}

// failBelow lets a load balancer that could not be created take along what was
// created with it (contract 5.4): what settles now and has no reason of its own.
func (t *tx) failBelow(lb *model.LoadBalancer, upTo uint64, reason string, reasons map[string]string) {
	reason = "load balancer " + string(lb.ID) + ": " + reason
	fail := func(id string, b *model.Base) {
		if reasons[id] == "" && b.Provisioning == model.PendingCreate && b.Pending <= upTo {
			reasons[id] = reason
		}
	}
	for id := range t.st.listenersOf[lb.ID] {
		fail(string(id), &t.st.listeners[id].Base)
		for policy := range t.st.policiesOf[id] {
			fail(string(policy), &t.st.l7policies[policy].Base)
			for rule := range t.st.rulesOf[policy] {
				fail(string(rule), &t.st.l7rules[rule].Base)
			}
		}
	}
	for pool := range t.st.poolsOf[lb.ID] {
		fail(string(pool), &t.st.pools[pool].Base)
		for _, m := range t.st.membersOf[pool] {
			fail(string(m.ID), &m.Base)
		}
		if m, ok := t.st.MonitorOf(pool); ok {
			fail(string(m.ID), &m.Base)
		}
	}
}
