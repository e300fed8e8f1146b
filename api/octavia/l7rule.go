package octavia

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

const nounL7Rule = "L7 Rule"

func l7RuleBase(x *model.L7Rule) *model.Base { return &x.Base }

func l7RuleResource() resource[*model.L7Rule] {
	type rul = *model.L7Rule
	of := func(get func(rul) any) func(*seen, rul) any { return func(_ *seen, x rul) any { return get(x) } }
	id := func(x rul) string { return string(x.ID) }
	status := func(_ *seen, x rul) model.Operating { return operating.Configured(&x.Base) }
	attrs := withBase(false, id, l7RuleBase, status,
		attr[rul]{name: "type", get: of(func(x rul) any { return string(x.Type) })},
		attr[rul]{name: "compare_type", get: of(func(x rul) any { return string(x.Compare) })},
		attr[rul]{name: "key", get: of(func(x rul) any { return text(x.Key) })},
		attr[rul]{name: "value", get: of(func(x rul) any { return x.Value })},
		attr[rul]{name: "invert", get: of(func(x rul) any { return x.Invert })},
		attr[rul]{name: "l7policy_id", get: of(func(x rul) any { return string(x.Policy) }), use: filter},
	)
	return resource[rul]{
		noun: nounL7Rule, one: "rule", many: "rules", links: "rules_links",
		id: id, project: func(x rul) model.ProjectID { return x.Project }, tags: func(x rul) []string { return x.Tags },
		aliases: map[string]string{"enabled": "admin_state_up"},
		attrs:   slices.DeleteFunc(attrs, func(a attr[rul]) bool { return a.name == "name" }),
	}
}

// policyInPath is the policy named in a rule's path.
func policyInPath(st *store.State, c echo.Context) (*model.L7Policy, error) {
	x, ok := st.L7Policy(model.L7PolicyID(c.Param("policy")))
	if !ok {
		return nil, parentNotFound("L7Policy", c.Param("policy"))
	}
	return x, nil
}

func ruleInPath(st *store.State, c echo.Context) (*model.L7Rule, error) {
	policy, err := policyInPath(st, c)
	if err != nil {
		return nil, err
	}
	x, ok := st.L7Rule(model.L7RuleID(c.Param("id")))
	if !ok || x.Policy != policy.ID {
		return nil, notFound(nounL7Rule, c.Param("id"))
	}
	return x, nil
}

func (p *Part) listL7Rules(c echo.Context) error {
	return listAll(p, c, &p.l7rules, func(s *seen) ([]*model.L7Rule, error) {
		policy, err := policyInPath(s.st, c)
		if err != nil {
			return nil, err
		}
		return s.st.RulesOf(policy.ID), mayRead(c, policy.Project)
	})
}

func (p *Part) showL7Rule(c echo.Context) error {
	return show(p, c, &p.l7rules, func(s *seen) (*model.L7Rule, error) {
		x, err := ruleInPath(s.st, c)
		if err != nil {
			return nil, err
		}
		return x, mayRead(c, x.Project)
	})
}

// l7RuleFields are the attributes that create and update share.
type l7RuleFields struct {
	named
	kind, compare, key, value Opt[string]
	invert                    Opt[bool]
}

func readL7Rule(o *object) l7RuleFields {
	return l7RuleFields{
		named: named{up: o.boolean("admin_state_up"), tags: o.clearable(o.tags())},
		kind: o.word("type", "HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE", "SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT",
			"SSL_DN_FIELD"),
		compare: o.word("compare_type", "REGEX", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "EQUAL_TO"),
		key:     o.line("key"), value: o.line("value"), invert: o.boolean("invert"),
	}
}

// part is need for what a rule matches with: null is left to checkL7Match, which refuses
// what is empty in the words of rules.
func (o *object) part(key string, v Opt[string]) string {
	if v.Null {
		return ""
	}
	return need(o, key, v)
}

// readNewL7Rule is a new rule without an id and a policy.
func readNewL7Rule(o *object) *model.L7Rule {
	in := readL7Rule(o)
	return &model.L7Rule{
		Type: model.L7RuleType(o.part("type", in.kind)), Compare: model.L7Compare(o.part("compare_type", in.compare)),
		Key: in.key.V, Value: o.part("value", in.value), Invert: in.invert.Or(false),
		Base: model.Base{AdminStateUp: in.adminUp(), Tags: in.tags.V},
	}
}

func (p *Part) createL7Rule(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "rule_", "rule")
	if err != nil {
		return err
	}
	x := readNewL7Rule(o)
	o.ignored()
	if err := o.done(); err != nil {
		return err
	}
	p.read.Read(func(st *store.State) {
		var policy *model.L7Policy
		if policy, err = policyInPath(st, c); err == nil {
			x.Policy, err = policy.ID, mayWrite(c, policy.Project)
		}
	})
	if err != nil {
		return err
	}
	if err := checkL7Match(x.Type, x.Compare, x.Key, x.Value); err != nil {
		return err
	}
	x.ID = model.L7RuleID(newID())
	if err := p.apply(c, store.L7RuleCreate, x, unsettled((*store.State).L7Rule, l7RuleBase, x.ID)); err != nil {
		return err
	}
	return p.changedL7Rule(c, http.StatusCreated, x.ID)
}

func (p *Part) changedL7Rule(c echo.Context, status int, id model.L7RuleID) error {
	return changed(p, c, &p.l7rules, status, func(s *seen) (*model.L7Rule, error) {
		x, ok := s.st.L7Rule(id)
		if !ok {
			return nil, notFound(nounL7Rule, id)
		}
		return x, nil
	})
}

func (p *Part) updateL7Rule(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "l7rule_", "rule")
	if err != nil {
		return orGone(c, err, p.mayChangeL7Rule)
	}
	in := readL7Rule(o)
	if err := o.done(); err != nil {
		return err
	}
	old, err := p.mayChangeL7Rule(c)
	if err != nil {
		return err
	}
	// The four are checked, and written, together.
	match := store.L7Match{Type: old.Type, Compare: old.Compare, Key: old.Key, Value: old.Value}
	if in.kind.Set {
		match.Type = model.L7RuleType(in.kind.V)
	}
	if in.compare.Set {
		match.Compare = model.L7Compare(in.compare.V)
	}
	if in.key.Set {
		match.Key = in.key.V
	}
	if in.value.Set {
		match.Value = in.value.V
	}
	switch match.Type {
	case model.L7HostName, model.L7Path, model.L7FileType: // they use no key (contract 3.7)
		match.Key = ""
	}
	if err := checkL7Match(match.Type, match.Compare, match.Key, match.Value); err != nil {
		return err
	}
	patch := &store.L7RulePatch{
		ID: old.ID, Policy: old.Policy, AdminStateUp: in.up.Patch(false), Tags: patchList(in.tags, nil), Invert: in.invert.Patch(false),
	}
	if match != (store.L7Match{Type: old.Type, Compare: old.Compare, Key: old.Key, Value: old.Value}) {
		patch.Match = &match
	}
	if err := p.apply(c, store.L7RuleUpdate, patch, unsettled((*store.State).L7Rule, l7RuleBase, old.ID)); err != nil {
		return err
	}
	return p.changedL7Rule(c, http.StatusOK, old.ID)
}

func (p *Part) mayChangeL7Rule(c echo.Context) (x *model.L7Rule, err error) {
	p.read.Read(func(st *store.State) {
		if x, err = ruleInPath(st, c); err == nil {
			err = mayWrite(c, x.Project)
		}
	})
	return x, err
}

func (p *Part) deleteL7Rule(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	x, err := p.mayChangeL7Rule(c)
	if err != nil {
		return err
	}
	ref := &store.L7RuleRef{ID: x.ID, Policy: x.Policy}
	if err := p.apply(c, store.L7RuleDelete, ref, unsettled((*store.State).L7Rule, l7RuleBase, x.ID)); err != nil {
		return err
	}
	return noContent(c)
}
