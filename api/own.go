package api

import (
	"html"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// mountOwn adds what belongs to no part: health, metrics, the web UI.
func (s *Server) mountOwn() {
	for _, path := range []string{"/healthcheck", "/load-balancer/healthcheck"} {
		s.router.add(http.MethodGet, path, s.health, routeFlags{public: true, raw: true})
		s.router.add(http.MethodHead, path, s.health, routeFlags{public: true, raw: true})
	}
	if s.d.Registry != nil {
		h := promhttp.HandlerFor(s.d.Registry, promhttp.HandlerOpts{})
		s.router.add(http.MethodGet, "/metrics", echo.WrapHandler(h), routeFlags{raw: true})
	}
	if s.d.UI == nil {
		return
	}
	for _, m := range []string{http.MethodGet, http.MethodHead} {
		for _, path := range []string{"/ui", "/ui/", "/ui/*"} {
			s.router.add(m, path, echo.WrapHandler(s.d.UI), routeFlags{public: true, raw: true})
		}
	}
}

// WantsPage reports whether a browser asks, which is shown the UI instead of JSON.
func WantsPage(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get("Accept"), "text/html")
}

const textUnhealthy = "The node is not healthy: "

// health is oslo.middleware's health check (contract 1.3).
func (s *Server) health(c echo.Context) error {
	status, reason := http.StatusOK, "OK"
	if s.d.Healthy != nil {
		if err := s.d.Healthy(); err != nil {
			status, reason = http.StatusServiceUnavailable, textUnhealthy+err.Error()
		}
	}
	accept := c.Request().Header.Get("Accept")
	switch {
	case c.Request().Method == http.MethodHead && status == http.StatusOK:
		return c.NoContent(http.StatusNoContent)
	case c.Request().Method == http.MethodHead:
		return c.NoContent(status)
	case strings.Contains(accept, "application/json"):
		return c.JSON(status, map[string]any{"detailed": false, "reasons": []string{reason}})
	}
	if WantsPage(c) {
		return c.HTML(status, "<!DOCTYPE html>\n<html><head><title>Healthcheck</title></head><body><p>"+html.EscapeString(reason)+"</p></body></html>\n")
	}
	return c.String(status, reason)
}

// metrics of the API port.
type metrics struct {
	open     prometheus.Gauge
	requests *prometheus.CounterVec
	refused  *prometheus.CounterVec
	panics   prometheus.Counter
}

func newMetrics(reg *prometheus.Registry) *metrics {
	m := &metrics{
		open:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "lbd_api_connections", Help: "Open API connections."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lbd_api_requests_total", Help: "API requests by method."}, []string{"method"}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lbd_api_refused_total", Help: "Refused before a handler ran: connections, token."}, []string{"why"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "lbd_api_panics_total", Help: "Handlers that panicked."}),
	}
	if reg != nil {
		reg.MustRegister(m.open, m.requests, m.refused, m.panics)
	}
	return m
}
