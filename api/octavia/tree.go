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
	policies    int
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
	in := treeListener{newListener: readNewListener(o), policies: len(o.children("l7policies"))}
	if x := o.child("default_pool"); x != nil {
		pool := readTreePool(x)
		in.defaultPool = &pool
		o.fail(x.done())
	}
	return in
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
	for _, l := range in.listeners {
		if l.defaultPool == nil {
			continue
		}
		if l.defaultPool.name.Or("") == "" {
			return validation("Pools must be named when creating a fully populated loadbalancer.")
		}
		if !l.defaultPool.isNameOf {
			defined = append(defined, *l.defaultPool)
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
		if x.policies > 0 {
			return unsupported("l7policies")
		}
		l, err := p.newListener(c, project, &x.newListener)
		if err != nil {
			return err
		}
		l.DefaultPool = model.PoolID(x.pool.V) // none of this tree can have that id
		if x.defaultPool != nil {
			id, ok := pools[x.defaultPool.name.V]
			if !ok {
				return validation("Pool '%s' was referenced but no full definition was found.", shorten(x.defaultPool.name.V))
			}
			l.DefaultPool = id
		}
		to.Listeners = append(to.Listeners, l)
	}
	return nil
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
		hm, err := in.monitor.monitor()
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
