package admin

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

// WithSpread lets the part distribute load balancers over the nodes. It returns p.
func (p *Part) WithSpread(s deps.Spread) *Part {
	p.spread = s
	return p
}

// spreadView is Spread: what was decided, and beside it who holds what.
type spreadView struct {
	On            bool         `json:"on"`
	Version       uint64       `json:"version"` // of the table; 0: Spread was never on
	LoadBalancers []placedView `json:"loadbalancers"`
}

// placedView is one load balancer. Node is who shall hold it: nobody's while Spread
// is off, where it is the leader's.
type placedView struct {
	ID     model.LoadBalancerID `json:"id"`
	Name   string               `json:"name"`
	VIP    string               `json:"vip_address"`
	Node   string               `json:"node"`
	HeldBy []string             `json:"held_by"` // by name, as observed: more than one never, none while it moves
}

func (p *Part) lookSpread() spreadView {
	rows := p.observe.Reports()
	v := spreadView{LoadBalancers: []placedView{}}
	p.read.Read(func(st *store.State) {
		s := st.Spread()
		v.On, v.Version = s.On, s.Version
		names := map[model.NodeID]string{}
		for _, n := range st.Nodes() {
			names[n.ID] = n.Name
		}
		places := st.SpreadPlaces()
		for _, lb := range st.LoadBalancers() {
			b := placedView{ID: lb.ID, Name: lb.Name, VIP: lb.VIP.String(), HeldBy: []string{}}
			if v.On {
				b.Node = names[places[lb.ID].Node]
			}
			for _, h := range rows {
				if h.Age <= p.silent && slices.Contains(h.Role.VIPs, lb.VIP.Address) {
					b.HeldBy = append(b.HeldBy, cmp.Or(names[h.Node], string(h.Node)))
				}
			}
			v.LoadBalancers = append(v.LoadBalancers, b)
		}
	})
	return v
}

func (p *Part) showSpread(c echo.Context) error { return c.JSON(http.StatusOK, p.lookSpread()) }

func (p *Part) setSpread(c echo.Context) error {
	var in struct {
		On *bool `json:"on"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.On == nil {
		return store.Errorf(store.Invalid, "Invalid input for field/attribute on. Value: ''. Mandatory field missing.")
	}
	ctx := c.Request().Context()
	turn := p.spread.TurnOff
	if *in.On {
		turn = p.spread.TurnOn
	}
	if err := turn(ctx, string(auth.From(ctx).UserID)); err != nil {
		return err
	}
	return p.showSpread(c)
}

func (p *Part) balanceSpread(c echo.Context) error {
	if err := decode(c, &struct{}{}); err != nil {
		return err
	}
	ctx := c.Request().Context()
	moved, err := p.spread.Balance(ctx, string(auth.From(ctx).UserID))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"moved": moved})
}
