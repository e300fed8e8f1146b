package store

import (
	"slices"

	"lbd/store/model"
)

func (t *tx) l7PolicyCreate(p *model.L7Policy) error {
	l, ok := t.st.listeners[p.Listener]
	if !ok {
		return notFound("Listener", p.Listener)
	}
	lb := t.st.loadBalancers[l.LoadBalancer]
	if err := checkRules(lb, l); err != nil {
		return err
	}
	if err := t.charge(lb.Project, model.QuotaL7Policy, 1); err != nil {
		return err
	}
	n := *p
	if err := onlyItsRedirect(&n); err != nil {
		return err
	}
	if err := t.checkRedirectPool(l, n.RedirectPool); err != nil {
		return err
	}
	if err := lockChild(lb, &l.Base); err != nil {
		return err
	}
	if err := fresh(t.st.l7policies, n.ID); err != nil {
		return err
	}

	t.born(&n.Base, lb.Project)
	t.placePolicy(&n, n.Position)
	t.markPolicies(l)
	return nil
}

func (t *tx) l7PolicyUpdate(p *L7PolicyPatch) error {
	old, ok := t.st.l7policies[p.ID]
	if !ok {
		return notFound("L7 Policy", p.ID)
	}
	l := t.st.listeners[old.Listener]
	n := *old
	set(&n.Name, p.Name)
	set(&n.Description, p.Description)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	set(&n.Action, p.Action)
	set(&n.RedirectPool, p.RedirectPool)
	set(&n.RedirectURL, p.RedirectURL)
	set(&n.RedirectPrefix, p.RedirectPrefix)
	set(&n.RedirectCode, p.RedirectCode)
	if p.Action != nil && n.Action == model.L7Reject {
		n.RedirectCode = 0
	}
	if n.Action != old.Action || n.RedirectPool != old.RedirectPool || n.RedirectURL != old.RedirectURL ||
		n.RedirectPrefix != old.RedirectPrefix || n.RedirectCode != old.RedirectCode {
		if err := onlyItsRedirect(&n); err != nil {
			return err
		}
	}
	if n.RedirectPool != old.RedirectPool {
		if err := t.checkRedirectPool(l, n.RedirectPool); err != nil {
			return err
		}
	}
	if err := t.policyToChange(old); err != nil {
		return err
	}

	t.pend(&n.Base, model.PendingUpdate)
	to := n.Position
	set(&to, p.Position)
	t.placePolicy(&n, to)
	t.markPolicies(l)
	return nil
}

// l7PolicyDelete takes a policy out of service; its rules go with it when it
// settles, and the policies behind it move up.
func (t *tx) l7PolicyDelete(p *L7PolicyRef) error {
	old, ok := t.st.l7policies[p.ID]
	if !ok {
		return notFound("L7 Policy", p.ID)
	}
	if err := t.policyToChange(old); err != nil {
		return err
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putL7Policy(&n)
	t.markPolicies(t.st.listeners[n.Listener])
	return nil
}

// policyToChange refuses changes to a policy that goes, alone or with what is
// above it.
func (t *tx) policyToChange(p *model.L7Policy) error {
	l := t.st.listeners[p.Listener]
	lb := t.st.loadBalancers[l.LoadBalancer]
	if err := lockChild(lb, &p.Base); err != nil {
		return err
	}
	return lockChild(lb, &l.Base)
}

// policyToFill refuses changes to the rules of a policy, which one that is
// broken has as well.
func (t *tx) policyToFill(p *model.L7Policy) error {
	if err := lockParent("L7Policy", p.ID, &p.Base); err != nil {
		return err
	}
	return t.policyToChange(p)
}

// markPolicies marks a listener whose policies changed, and its load balancer.
func (t *tx) markPolicies(l *model.Listener) {
	t.markListener(l.ID)
	t.markLoadBalancer(l.LoadBalancer)
}

// checkRules wants a listener that understands HTTP.
func checkRules(lb *model.LoadBalancer, l *model.Listener) error {
	switch l.Protocol {
	case model.HTTP, model.TerminatedHTTPS:
		return nil
	case model.Prometheus:
		return Errorf(Invalid, "Protocol PROMETHEUS listeners cannot have child objects.")
	}
	return Errorf(Unsupported, "Provider '%s' does not support a requested option: %s protocol listeners do not support L7 policies",
		lb.Provider, l.Protocol)
}

// onlyItsRedirect clears the redirects that do not belong to p's action and
// refuses a policy whose own is missing (contract 4.4).
func onlyItsRedirect(p *model.L7Policy) error {
	missing := ""
	switch p.Action {
	case model.L7Reject: // keeps the code it came with
		p.RedirectPool, p.RedirectURL, p.RedirectPrefix = "", "", ""
	case model.L7RedirectPool:
		p.RedirectURL, p.RedirectPrefix, p.RedirectCode = "", "", 0
		if p.RedirectPool == "" {
			missing = "redirect_pool_id or redirect_pool"
		}
	case model.L7RedirectURL:
		p.RedirectPool, p.RedirectPrefix = "", ""
		if p.RedirectURL == "" {
			missing = "redirect_url"
		}
	case model.L7RedirectPrefix:
		p.RedirectPool, p.RedirectURL = "", ""
		if p.RedirectPrefix == "" {
			missing = "redirect_prefix"
		}
	default:
		return Errorf(Invalid, "Invalid L7 Policy action specified: %s", p.Action)
	}
	if missing != "" {
		return Errorf(Invalid, "Invalid L7 Policy arguments: %s must not be None", missing)
	}
	if (p.RedirectURL != "" || p.RedirectPrefix != "") && p.RedirectCode == 0 {
		p.RedirectCode = model.DefaultRedirectCode
	}
	return nil
}

// checkRedirectPool checks that a policy of l may lead to pool; see checkDefaultPool.
func (t *tx) checkRedirectPool(l *model.Listener, pool model.PoolID) error {
	return t.checkDefaultPool(l, pool)
}

// placePolicy stores n at a position of its listener, shifting the others: 0
// and what is beyond the end mean the end.
func (t *tx) placePolicy(n *model.L7Policy, at int) {
	line := slices.DeleteFunc(t.st.PoliciesOf(n.Listener), func(p *model.L7Policy) bool { return p.ID == n.ID })
	if at < 1 || at > len(line)+1 {
		at = len(line) + 1
	}
	n.Position = at
	t.st.putL7Policy(n)
	t.renumber(slices.Insert(line, at-1, n))
}

// renumber gives policies the positions 1, 2, ... in the order they are in.
func (t *tx) renumber(line []*model.L7Policy) {
	for i, p := range line {
		if p.Position == i+1 {
			continue
		}
		n := *p
		n.Position = i + 1
		n.Updated, n.Revision = t.at, t.index
		t.st.putL7Policy(&n)
	}
}

// removePolicy drops a policy with its rules; those behind it move up.
func (t *tx) removePolicy(p *model.L7Policy) {
	for _, r := range t.st.RulesOf(p.ID) {
		t.st.dropL7Rule(r)
	}
	t.st.dropL7Policy(p)
	t.renumber(t.st.PoliciesOf(p.Listener))
}

// removeListener drops a listener with its policies.
func (t *tx) removeListener(l *model.Listener) {
	for _, p := range slices.Backward(t.st.PoliciesOf(l.ID)) { // the last first: nothing to renumber
		t.removePolicy(p)
	}
	t.st.dropListener(l)
}
