package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// theAmphora is the one in the path. That there is none is said before anybody's
// rights are looked at, as of all objects (decision 0029).
func (p *Part) theAmphora(c echo.Context, judge func(*seen, *amphora) error) (x *amphora, err error) {
	p.look(func(s *seen) {
		if x, err = s.amphora(c.Param("id")); err != nil {
			return
		}
		if err = mustAdmin(c); err == nil && judge != nil {
			err = judge(s, x)
		}
	})
	return x, err
}

func (p *Part) showAmphora(c echo.Context) error {
	return show(p, c, &p.amphorae, func(s *seen) (*amphora, error) {
		x, err := s.amphora(c.Param("id"))
		if err != nil {
			return nil, err
		}
		return x, mustAdmin(c)
	})
}

// amphoraStats has one entry per listener, with this node's own numbers.
func (p *Part) amphoraStats(c echo.Context) error {
	if err := mustAdmin(c); err != nil {
		return err
	}
	if err := noQuery(c); err != nil {
		return err
	}
	out := []doc{}
	_, err := p.theAmphora(c, func(s *seen, x *amphora) error {
		for _, l := range s.st.ListenersOf(x.lb.ID) {
			if x.row == nil {
				continue
			}
			n, ok := x.row.Listeners[l.ID]
			if !ok {
				continue
			}
			d := statsDoc(n)
			out = append(out, append(d, entry{"id", x.id}, entry{"listener_id", l.ID}, entry{"loadbalancer_id", x.lb.ID}))
		}
		if len(out) == 0 {
			return notFound("Amphora", x.id)
		}
		return nil
	})
	if store.KindOf(err) == store.NotFound {
		return notFound("Amphora stats for", c.Param("id"))
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, doc{{"amphora_stats", out}})
}

// failoverAmphora takes the VIPs off a node, or the load balancer, where it holds a share. On one that has none there is
// nothing to hand over; the load balancer is PENDING_UPDATE for a moment as ever.
func (p *Part) failoverAmphora(c echo.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	x, err := p.theAmphora(c, func(_ *seen, x *amphora) error {
		if x.lb.Provisioning != model.Active {
			return store.Errorf(store.Conflict, "Load Balancer %s is immutable and cannot be updated.", x.lb.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.propose(c, store.LoadBalancerRenew, &store.LoadBalancerRef{ID: x.lb.ID}); err != nil {
		return err
	}
	if x.solo || x.row == nil || x.row.Role.Role != model.RoleActive || x.row.Role.Share && x.role() != "MASTER" {
		return c.NoContent(http.StatusAccepted)
	}
	return p.moveAway(c, x.lb.ID)
}

// configureAmphora has nothing to push: a node follows the configuration by itself.
func (p *Part) configureAmphora(c echo.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if _, err := p.theAmphora(c, nil); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

// deleteAmphora takes away the row of a silent node, which is in ERROR: the only ones
// that Octavia deletes (contract 3.11). The node stays a member of the cluster; when it
// is heard again, so is its row.
func (p *Part) deleteAmphora(c echo.Context) error {
	if err := mustAdmin(c); err != nil {
		return err
	}
	if err := noQuery(c); err != nil {
		return err
	}
	x, err := p.theAmphora(c, func(_ *seen, x *amphora) error {
		if x.status() != "ERROR" {
			return store.Errorf(store.Conflict, "amphora %s is immutable and cannot be updated.", x.id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.propose(c, store.AmphoraDismiss, &model.Dismissal{Node: x.node.ID, LoadBalancer: x.lb.ID}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
