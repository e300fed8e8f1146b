package octavia

import (
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// treeListener is a listener in the creation of a whole tree (contract 3.1.2).
type treeListener struct {
	newListener
	defaultPool *treePool // nil: none
	policies    []treePolicy
}

// treePolicy is an L7 policy of such a listener.
type treePolicy struct {
	l7PolicyFields
	redirectPool *treePool // nil: none
	rules        []*model.L7Rule
}

// treePool is a pool in the creation of a tree: a definition, or only the name
// of one.
type treePool struct {
	newPool
	members  []newMember
	monitor  *newMonitor
	isNameOf bool // a reference
}

func readTreeListener(o *object) treeListener {
	in := treeListener{newListener: readNewListener(o)}
	for _, x := range o.children("l7policies") {
		in.policies = append(in.policies, readTreePolicy(x))
		o.fail(x.done())
	}
	if x := o.child("default_pool"); x != nil {
		pool := readTreePool(x)
		in.defaultPool = &pool
		o.fail(x.done())
	}
	return in
}

func readTreePolicy(o *object) treePolicy {
	in := treePolicy{l7PolicyFields: readTreeL7Policy(o)}
	o.needAction(in.action)
	if x := o.child("redirect_pool"); x != nil {
		pool := readTreePool(x)
		in.redirectPool = &pool
		in.pool = Opt[string]{Set: true, V: pool.name.V}
		o.fail(x.done())
	}
	for _, x := range o.children("rules") {
		in.rules = append(in.rules, readNewL7Rule(x))
		o.fail(x.done())
	}
	return in
}

// inlinePools are the pools that stand inside listeners and policies, in order.
func (in *newLoadBalancer) inlinePools() (out []*treePool) {
	for _, l := range in.listeners {
		if l.defaultPool != nil {
			out = append(out, l.defaultPool)
		}
		for _, p := range l.policies {
			if p.redirectPool != nil {
				out = append(out, p.redirectPool)
			}
		}
	}
	return out
}

func readTreePool(o *object) treePool {
	// The booleans that always have a value do not make a definition.
	more := slices.ContainsFunc(sortedKeys(o.fields), func(k string) bool { return k != "name" && k != "admin_state_up" && k != "tls_enabled" })
	in := treePool{newPool: readNewPool(o), isNameOf: !more}
	for _, x := range o.children("members") {
		in.members = append(in.members, readNewMember(x))
		o.fail(x.done())
	}
	if x := o.child("healthmonitor"); x != nil {
		hm := readNewMonitor(x)
		in.monitor = &hm
		o.fail(x.done())
	}
	return in
}

// growTree makes the objects below a load balancer and adds them to its
// creation. Pools are known by their names here, and by ids from then on.
func (p *Part) growTree(c echo.Context, in *newLoadBalancer, to *store.TreeCreatePayload) error {
	project := to.LoadBalancer.Project
	defined := slices.Clone(in.pools)
	for _, x := range in.inlinePools() {
		if x.name.Or("") == "" {
			return validation("Pools must be named when creating a fully populated loadbalancer.")
		}
		if !x.isNameOf {
			defined = append(defined, *x)
		}
	}
	pools := map[string]model.PoolID{}
	for i := range defined {
		name := defined[i].name.Or("")
		if _, twice := pools[name]; twice {
			return validation("Pool names must be unique when creating a fully populated loadbalancer.")
		}
		pool, err := p.treePool(c, project, &defined[i])
		if err != nil {
			return err
		}
		pools[name] = pool.Pool.ID
		to.Pools = append(to.Pools, pool)
	}
	for i := range in.listeners {
		x := &in.listeners[i]
		l, err := p.newListener(c, project, &x.newListener)
		if err != nil {
			return err
		}
		l.DefaultPool = model.PoolID(x.pool.V) // none of this tree can have that id
		if x.defaultPool != nil {
			if l.DefaultPool, err = referenced(pools, x.defaultPool); err != nil {
				return err
			}
		}
		to.Listeners = append(to.Listeners, l)
		for j := range x.policies {
			policy, err := x.policies[j].grow(l.ID, pools)
			if err != nil {
				return err
			}
			to.Policies = append(to.Policies, policy)
		}
	}
	return nil
}

func referenced(pools map[string]model.PoolID, x *treePool) (model.PoolID, error) {
	id, ok := pools[x.name.V]
	if !ok {
		return "", validation("Pool '%s' was referenced but no full definition was found.", shorten(x.name.V))
	}
	return id, nil
}

// grow makes the policy and its rules for a listener of the tree.
func (in *treePolicy) grow(listener model.ListenerID, pools map[string]model.PoolID) (out store.TreePolicy, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	out.Policy = *in.policy()
	out.Policy.ID, out.Policy.Listener = model.L7PolicyID(newID()), listener
	if out.Policy.RedirectPool != "" {
		if out.Policy.RedirectPool, err = referenced(pools, in.redirectPool); err != nil {
			return out, err
		}
	}
	for _, r := range in.rules {
		if err := checkL7Match(r.Type, r.Compare, r.Key, r.Value); err != nil {
			return out, err
		}
		r.ID = model.L7RuleID(newID())
		out.Rules = append(out.Rules, *r)
	}
	return out, nil
}

func (p *Part) treePool(c echo.Context, project model.ProjectID, in *treePool) (out store.TreePool, err error) {
	for _, x := range []struct {
		name  string
		given bool
	}{{"protocol", in.protocol.Given()}, {"lb_algorithm", in.algorithm.Given()}} {
		if !x.given {
			return out, validation("Pool definition for '%s' missing required attribute: %s", shorten(in.name.Or("")), x.name)
		}
	}
	if out.Pool, err = p.newPool(c, project, &in.newPool); err != nil {
		return out, err
	}
	if in.monitor != nil {
		hm, err := in.monitor.monitor(out.Pool.Protocol)
		if err != nil {
			return out, err
		}
		out.Monitor = &hm
	}
	for i := range in.members {
		m, err := in.members[i].member()
		if err != nil {
			return out, err
		}
		out.Members = append(out.Members, m)
	}
	return out, nil
}
