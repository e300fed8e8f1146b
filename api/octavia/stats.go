package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store/model"
)

// statsDoc is the five numbers of contract 3.1.1.
func statsDoc(c model.ListenerCounters) doc {
	return doc{
		{"active_connections", c.ActiveConnections},
		{"bytes_in", c.BytesIn},
		{"bytes_out", c.BytesOut},
		{"request_errors", c.RequestErrors},
		{"total_connections", c.TotalConnections},
	}
}

func (p *Part) loadBalancerStats(c echo.Context) error {
	return p.stats(c, func(s *seen) (sum model.ListenerCounters, err error) {
		lb, err := s.loadBalancer(c.Param("id"))
		if err != nil {
			return sum, err
		}
		for _, l := range s.st.ListenersOf(lb.ID) {
			n := s.Counters(l.ID)
			sum.ActiveConnections += n.ActiveConnections
			sum.BytesIn += n.BytesIn
			sum.BytesOut += n.BytesOut
			sum.RequestErrors += n.RequestErrors
			sum.TotalConnections += n.TotalConnections
		}
		return sum, mayRead(c, lb.Project)
	})
}

func (p *Part) listenerStats(c echo.Context) error {
	return p.stats(c, func(s *seen) (sum model.ListenerCounters, err error) {
		l, err := s.listener(c.Param("id"))
		if err != nil {
			return sum, err
		}
		return s.Counters(l.ID), mayRead(c, l.Project)
	})
}

func (p *Part) stats(c echo.Context, sum func(*seen) (model.ListenerCounters, error)) error {
	if err := noQuery(c); err != nil {
		return err
	}
	var n model.ListenerCounters
	var err error
	p.look(func(s *seen) { n, err = sum(s) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, doc{{"stats", statsDoc(n)}})
}
