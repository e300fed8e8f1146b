package store

import "lbd/store/model"

func (t *tx) l7RuleCreate(p *model.L7Rule) error {
	policy, ok := t.st.l7policies[p.Policy]
	if !ok {
		return notFound("L7Policy", p.Policy)
	}
	if err := t.charge(policy.Project, model.QuotaL7Rule, 1); err != nil {
		return err
	}
	// One being deleted counts, as upstream.
	if len(t.st.rulesOf[policy.ID]) >= model.MaxL7Rules {
		return Errorf(Conflict, "Too many rules on L7 policy %s", policy.ID)
	}
	if err := t.policyToFill(policy); err != nil {
		return err
	}
	if err := fresh(t.st.l7rules, p.ID); err != nil {
		return err
	}

	n := *p
	t.born(&n.Base, policy.Project)
	t.st.putL7Rule(&n)
	t.markPolicy(policy.ID)
	return nil
}

func (t *tx) l7RuleUpdate(p *L7RulePatch) error {
	old, err := t.ruleToChange(p.Policy, p.ID)
	if err != nil {
		return err
	}

	n := *old
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	set(&n.Invert, p.Invert)
	if m := p.Match; m != nil {
		n.Type, n.Compare, n.Key, n.Value = m.Type, m.Compare, m.Key, m.Value
	}
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putL7Rule(&n)
	t.markPolicy(n.Policy)
	return nil
}

func (t *tx) l7RuleDelete(p *L7RuleRef) error {
	old, err := t.ruleToChange(p.Policy, p.ID)
	if err != nil {
		return err
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putL7Rule(&n)
	t.markPolicy(n.Policy)
	return nil
}

func (t *tx) ruleToChange(policy model.L7PolicyID, id model.L7RuleID) (*model.L7Rule, error) {
	p, ok := t.st.l7policies[policy]
	if !ok {
		return nil, notFound("L7Policy", policy)
	}
	r, ok := t.st.l7rules[id]
	if !ok || r.Policy != policy {
		return nil, notFound("L7 Rule", id)
	}
	if err := t.policyToFill(p); err != nil {
		return nil, err
	}
	if err := lockInside("L7Policy", policy, &r.Base); err != nil {
		return nil, err
	}
	return r, nil
}

// markPolicy marks a policy whose rules changed, its listener and its load balancer.
func (t *tx) markPolicy(id model.L7PolicyID) {
	n := *t.st.l7policies[id]
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putL7Policy(&n)
	t.markPolicies(t.st.listeners[n.Listener])
}
