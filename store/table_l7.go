package store

import (
	"cmp"
	"slices"

	"lbd/store/model"
)

func (st *State) putL7Policy(n *model.L7Policy) {
	if old, ok := st.l7policies[n.ID]; ok {
		st.unindexL7Policy(old)
	} else {
		st.count(n.Project, model.QuotaL7Policy, 1)
	}
	st.l7policies[n.ID] = n
	st.policiesOf.add(n.Listener, n.ID)
	if n.RedirectPool != "" {
		st.policiesTo.add(n.RedirectPool, n.ID)
	}
	st.track(ref{nounL7Policy, string(n.ID)}, n.Pending)
}

func (st *State) dropL7Policy(old *model.L7Policy) {
	st.count(old.Project, model.QuotaL7Policy, -1)
	st.unindexL7Policy(old)
	st.track(ref{nounL7Policy, string(old.ID)}, 0)
	delete(st.l7policies, old.ID)
}

func (st *State) unindexL7Policy(old *model.L7Policy) {
	st.policiesOf.remove(old.Listener, old.ID)
	if old.RedirectPool != "" {
		st.policiesTo.remove(old.RedirectPool, old.ID)
	}
}

func (st *State) putL7Rule(n *model.L7Rule) {
	if _, ok := st.l7rules[n.ID]; !ok {
		st.count(n.Project, model.QuotaL7Rule, 1)
	}
	st.l7rules[n.ID] = n // its policy never changes
	st.rulesOf.add(n.Policy, n.ID)
	st.track(ref{nounL7Rule, string(n.ID)}, n.Pending)
}

func (st *State) dropL7Rule(old *model.L7Rule) {
	st.count(old.Project, model.QuotaL7Rule, -1)
	st.rulesOf.remove(old.Policy, old.ID)
	st.track(ref{nounL7Rule, string(old.ID)}, 0)
	delete(st.l7rules, old.ID)
}

func (st *State) L7Policy(id model.L7PolicyID) (*model.L7Policy, bool) { return get(st.l7policies, id) }

func (st *State) L7Rule(id model.L7RuleID) (*model.L7Rule, bool) { return get(st.l7rules, id) }

func (st *State) L7Policies() []*model.L7Policy { return all(st.l7policies, byL7Policy) }

func (st *State) L7Rules() []*model.L7Rule { return all(st.l7rules, byL7Rule) }

// PoliciesOf are the policies of a listener, by position.
func (st *State) PoliciesOf(listener model.ListenerID) []*model.L7Policy {
	return some(st.l7policies, st.policiesOf[listener], func(a, b *model.L7Policy) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID))
	})
}

// RulesOf are the rules of a policy.
func (st *State) RulesOf(policy model.L7PolicyID) []*model.L7Rule {
	return some(st.l7rules, st.rulesOf[policy], byL7Rule)
}

// PoliciesTo are the policies that redirect to a pool.
func (st *State) PoliciesTo(pool model.PoolID) []*model.L7Policy {
	return some(st.l7policies, st.policiesTo[pool], byL7Policy)
}

// ListenersUsing are the listeners that use a pool: as their default pool, or
// through an enabled policy that has a rule (contract 5.2).
func (st *State) ListenersUsing(pool model.PoolID) []*model.Listener {
	if len(st.policiesTo[pool]) == 0 {
		return st.listenersByDefault(pool)
	}
	ids := map[model.ListenerID]struct{}{}
	for id := range st.listenersUsing[pool] {
		ids[id] = struct{}{}
	}
	for id := range st.policiesTo[pool] {
		if p := st.l7policies[id]; st.redirects(p) {
			ids[p.Listener] = struct{}{}
		}
	}
	return some(st.listeners, ids, byListener)
}

// PoolsUsedBy are the pools that a listener uses, the default pool first and
// then those of its policies by position; see ListenersUsing.
func (st *State) PoolsUsedBy(l *model.Listener) []*model.Pool {
	var ids []model.PoolID
	if l.DefaultPool != "" {
		ids = append(ids, l.DefaultPool)
	}
	for _, p := range st.PoliciesOf(l.ID) {
		if st.redirects(p) && !slices.Contains(ids, p.RedirectPool) {
			ids = append(ids, p.RedirectPool)
		}
	}
	var out []*model.Pool
	for _, id := range ids {
		if p, ok := st.pools[id]; ok {
			out = append(out, p)
		}
	}
	return out
}

func (st *State) redirects(p *model.L7Policy) bool {
	return p.RedirectPool != "" && p.AdminStateUp && len(st.rulesOf[p.ID]) > 0
}

func (st *State) listenersByDefault(pool model.PoolID) []*model.Listener {
	return some(st.listeners, st.listenersUsing[pool], byListener)
}

func byL7Policy(a, b *model.L7Policy) int { return by(a.Created, b.Created, a.ID, b.ID) }
func byL7Rule(a, b *model.L7Rule) int     { return by(a.Created, b.Created, a.ID, b.ID) }
