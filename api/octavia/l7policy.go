package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

const nounL7Policy = "L7 Policy"

func l7PolicyBase(x *model.L7Policy) *model.Base { return &x.Base }

func l7PolicyResource() resource[*model.L7Policy] {
	type pol = *model.L7Policy
	of := func(get func(pol) any) func(*seen, pol) any { return func(_ *seen, x pol) any { return get(x) } }
	id := func(x pol) string { return string(x.ID) }
	status := func(_ *seen, x pol) model.Operating { return operating.Configured(&x.Base) }
	return resource[pol]{
		noun: nounL7Policy, one: "l7policy", many: "l7policies", links: "l7policies_links",
		id: id, project: func(x pol) model.ProjectID { return x.Project }, tags: func(x pol) []string { return x.Tags },
		aliases: map[string]string{"enabled": "admin_state_up"},
		attrs: withBase(true, id, l7PolicyBase, status,
			attr[pol]{name: "listener_id", get: of(func(x pol) any { return string(x.Listener) })},
			attr[pol]{name: "action", get: of(func(x pol) any { return string(x.Action) })},
			attr[pol]{name: "redirect_pool_id", get: of(func(x pol) any { return text(x.RedirectPool) })},
			attr[pol]{name: "redirect_url", get: of(func(x pol) any { return text(x.RedirectURL) })},
			attr[pol]{name: "redirect_prefix", get: of(func(x pol) any { return text(x.RedirectPrefix) })},
			attr[pol]{name: "position", get: of(func(x pol) any { return x.Position })},
			attr[pol]{name: "rules", get: func(s *seen, x pol) any {
				return refs(s.st.RulesOf(x.ID), func(r *model.L7Rule) model.L7RuleID { return r.ID })
			}, use: relation},
			attr[pol]{name: "redirect_http_code", get: of(func(x pol) any {
				if x.RedirectCode == 0 {
					return nil
				}
				return x.RedirectCode
			})},
		),
	}
}

func (s *seen) l7Policy(id string) (*model.L7Policy, error) {
	x, ok := s.st.L7Policy(model.L7PolicyID(id))
	if !ok {
		return nil, notFound(nounL7Policy, id)
	}
	return x, nil
}

func (p *Part) listL7Policies(c echo.Context) error {
	return listScoped(p, c, &p.l7policies, func(s *seen) []*model.L7Policy { return s.st.L7Policies() })
}

func (p *Part) showL7Policy(c echo.Context) error {
	return show(p, c, &p.l7policies, func(s *seen) (*model.L7Policy, error) {
		x, err := s.l7Policy(c.Param("id"))
		if err != nil {
			return nil, err
		}
		return x, mayRead(c, x.Project)
	})
}

func (p *Part) createL7Policy(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "l7policy_", "l7policy")
	if err != nil {
		return err
	}
	in := readL7Policy(o)
	o.needAction(in.action)
	listener := model.ListenerID(need(o, "listener_id", o.parent("listener_id")))
	o.ignored()
	nested := len(o.objects("rules").V) > 0
	if err := o.done(); err != nil {
		return err
	}
	p.read.Read(func(st *store.State) {
		l, ok := st.Listener(listener)
		if !ok {
			err = notFound(nounListener, listener)
			return
		}
		if err = mayWrite(c, l.Project); err == nil && in.pool.Given() { // whether its action needs one or not
			err = checkPool(st, l.LoadBalancer, l.Protocol, model.PoolID(in.pool.V))
		}
		if err == nil {
			err = mayHaveMore(c, st, l.Project, model.QuotaL7Policy)
		}
	})
	if err != nil {
		return err
	}
	if nested {
		return validation("rules can be given with a load balancer only, when all is created in one call.")
	}
	if err := in.check(); err != nil {
		return err
	}
	x := in.policy()
	x.ID, x.Listener = model.L7PolicyID(newID()), listener
	if err := p.apply(c, store.L7PolicyCreate, x, unsettled((*store.State).L7Policy, l7PolicyBase, x.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.l7policies, http.StatusCreated, func(s *seen) (*model.L7Policy, error) { return s.l7Policy(string(x.ID)) })
}

func (p *Part) updateL7Policy(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "l7policy_", "l7policy")
	if err != nil {
		return orGone(c, err, p.mayChangeL7Policy)
	}
	in, empty := readL7Policy(o), len(o.fields) == 0
	if err := o.done(); err != nil {
		return err
	}
	old, err := p.mayChangeL7Policy(c)
	if err != nil {
		return err
	}
	switch {
	case empty:
		return invalid("Invalid L7 Policy arguments: Invalid update options")
	case in.action.Null:
		return errNoAction
	}
	in.implied()
	if err := in.check(); err != nil {
		return err
	}
	patch := in.patch()
	patch.ID = old.ID
	if err := p.apply(c, store.L7PolicyUpdate, patch, unsettled((*store.State).L7Policy, l7PolicyBase, old.ID)); err != nil {
		return err
	}
	return changed(p, c, &p.l7policies, http.StatusOK, func(s *seen) (*model.L7Policy, error) { return s.l7Policy(string(old.ID)) })
}

func (p *Part) mayChangeL7Policy(c echo.Context) (x *model.L7Policy, err error) {
	p.read.Read(func(st *store.State) {
		var ok bool
		if x, ok = st.L7Policy(model.L7PolicyID(c.Param("id"))); !ok {
			err = notFound(nounL7Policy, c.Param("id"))
			return
		}
		err = mayWrite(c, x.Project)
	})
	return x, err
}

func (p *Part) deleteL7Policy(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	x, err := p.mayChangeL7Policy(c)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.L7PolicyDelete, &store.L7PolicyRef{ID: x.ID}, unsettled((*store.State).L7Policy, l7PolicyBase, x.ID)); err != nil {
		return err
	}
	return noContent(c)
}
