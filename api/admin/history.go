package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// changeView is one taking over of the VIPs.
type changeView struct {
	Term     uint64       `json:"term"`
	Node     model.NodeID `json:"node"`
	Name     string       `json:"name"`
	At       time.Time    `json:"at"`
	Why      string       `json:"why"`
	Previous model.NodeID `json:"previous,omitempty"`
	// GapMS is null where nobody could measure it.
	GapMS *int64 `json:"gap_ms"`
	// MarginMS is how long after the end of the lease before this claim came.
	MarginMS *int64 `json:"margin_ms"`
}

// historyView has the newest first: takeovers of all VIPs, and moves of shares of them.
type historyView struct {
	History []changeView         `json:"history"`
	Shares  []model.SpreadChange `json:"shares"`
}

func (p *Part) history(c echo.Context) error {
	out, shares := []changeView{}, []model.SpreadChange{}
	p.read.Read(func(st *store.State) {
		for _, s := range slices.Backward(st.SpreadChanges()) {
			s.LoadBalancers = list(s.LoadBalancers)
			shares = append(shares, s)
		}
		for _, r := range slices.Backward(st.RoleChanges()) {
			v := changeView{Term: r.Term, Node: r.Node, Name: r.Name, At: r.At, Why: r.Why, Previous: r.Previous, MarginMS: r.MarginMS}
			if r.GapMS >= 0 {
				v.GapMS = &r.GapMS
			}
			out = append(out, v)
		}
	})
	return c.JSON(http.StatusOK, historyView{out, shares})
}

// profileView is the body in both directions.
type profileView struct {
	Profile model.Profile `json:"profile"`
}

func (p *Part) showProfile(c echo.Context) error {
	var v profileView
	p.read.Read(func(st *store.State) { v.Profile = st.Settings().Profile })
	return c.JSON(http.StatusOK, v)
}

func (p *Part) setProfile(c echo.Context) error {
	var in profileView
	if err := decode(c, &in); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := p.cluster.SetProfile(ctx, string(auth.From(ctx).UserID), in.Profile); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, in)
}
