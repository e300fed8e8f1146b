package admin

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

// maxTopology bounds the load balancers of one answer.
const maxTopology = 1000

// Each view has what was configured and what is observed; reason and since
// explain the latter.

type balancerView struct {
	ID             model.LoadBalancerID `json:"id"`
	Name           string               `json:"name"`
	Project        model.ProjectID      `json:"project_id"`
	AdminStateUp   bool                 `json:"admin_state_up"`
	Provisioning   model.Provisioning   `json:"provisioning_status"`
	Operating      model.Operating      `json:"operating_status"`
	Reason         string               `json:"reason,omitempty"`
	VIP            string               `json:"vip_address"`
	VIPPort        model.PortID         `json:"vip_port_id"`
	AdditionalVIPs []string             `json:"additional_vips"`
	FloatingIPs    []netip.Addr         `json:"floating_ips"`
	Listeners      []listenerView       `json:"listeners"`
	Pools          []poolView           `json:"pools"`
}

type listenerView struct {
	ID           model.ListenerID   `json:"id"`
	Name         string             `json:"name"`
	AdminStateUp bool               `json:"admin_state_up"`
	Provisioning model.Provisioning `json:"provisioning_status"`
	Operating    model.Operating    `json:"operating_status"`
	Reason       string             `json:"reason,omitempty"`
	Protocol     model.Protocol     `json:"protocol"`
	Port         uint16             `json:"port"`
	DefaultPool  *model.PoolID      `json:"default_pool_id"`
	Stats        statsView          `json:"stats"`
}

type statsView struct {
	Active   int64  `json:"active_connections"`
	Total    int64  `json:"total_connections"`
	BytesIn  int64  `json:"bytes_in"`
	BytesOut int64  `json:"bytes_out"`
	Errors   int64  `json:"request_errors"`
	Requests *int64 `json:"requests,omitempty"` // HTTP only
}

type poolView struct {
	ID           model.PoolID       `json:"id"`
	Name         string             `json:"name"`
	AdminStateUp bool               `json:"admin_state_up"`
	Provisioning model.Provisioning `json:"provisioning_status"`
	Operating    model.Operating    `json:"operating_status"`
	Reason       string             `json:"reason,omitempty"`
	Protocol     model.Protocol     `json:"protocol"`
	Algorithm    model.Algorithm    `json:"lb_algorithm"`
	Monitor      *monitorView       `json:"monitor"`
	Members      []memberView       `json:"members"`
}

type monitorView struct {
	ID             model.HealthMonitorID `json:"id"`
	Type           model.MonitorType     `json:"type"`
	AdminStateUp   bool                  `json:"admin_state_up"`
	Delay          int                   `json:"delay"`
	Timeout        int                   `json:"timeout"`
	MaxRetries     int                   `json:"max_retries"`
	MaxRetriesDown int                   `json:"max_retries_down"`
	HTTPMethod     string                `json:"http_method,omitempty"`
	URLPath        string                `json:"url_path,omitempty"`
}

type memberView struct {
	ID           model.MemberID     `json:"id"`
	Name         string             `json:"name"`
	AdminStateUp bool               `json:"admin_state_up"`
	Provisioning model.Provisioning `json:"provisioning_status"`
	Operating    model.Operating    `json:"operating_status"`
	Reason       string             `json:"reason,omitempty"`
	Since        time.Time          `json:"since,omitzero"`
	Address      string             `json:"address"`
	Port         uint16             `json:"port"`
	Weight       int                `json:"weight"`
	Backup       bool               `json:"backup"`
	Connections  int64              `json:"active_connections"`
}

// topology is the whole picture of what the caller may see: configuration and
// live state in one document, from one moment. "left_off" counts load balancers
// beyond limit.
func (p *Part) topology(c echo.Context) error {
	caller := auth.From(c.Request().Context())
	if !mayLook(caller) {
		return auth.Forbidden()
	}
	limit := maxTopology
	if s := c.QueryParam("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return store.Errorf(store.Invalid, "Supplied pagination limit '%s' is not valid.", s)
		}
		limit = min(n, maxTopology)
	}
	project := model.ProjectID(c.QueryParam("project_id"))
	rows := p.observe.Reports()
	out := []balancerView{}
	leftOff, index := 0, p.read.Index()
	p.read.Read(func(st *store.State) {
		v := operating.New(st, rows, p.cluster.Self(), time.Now())
		for _, lb := range st.LoadBalancers() {
			if !caller.CanRead(lb.Project) || project != "" && lb.Project != project {
				continue
			}
			if len(out) == limit {
				leftOff++
				continue
			}
			out = append(out, viewBalancer(v, lb))
		}
	})
	return c.JSON(http.StatusOK, map[string]any{"index": index, "load_balancers": out, "left_off": leftOff})
}

func viewBalancer(v *operating.View, lb *model.LoadBalancer) balancerView {
	st := v.State
	out := balancerView{
		ID: lb.ID, Name: lb.Name, Project: lb.Project, AdminStateUp: lb.AdminStateUp, Provisioning: lb.Provisioning,
		Operating: v.LoadBalancer(lb), Reason: v.Why(string(lb.ID), &lb.Base), VIP: lb.VIP.String(), VIPPort: lb.VIP.Port,
		AdditionalVIPs: []string{}, FloatingIPs: []netip.Addr{}, Listeners: []listenerView{}, Pools: []poolView{},
	}
	for _, a := range lb.AdditionalVIPs {
		out.AdditionalVIPs = append(out.AdditionalVIPs, a.String())
	}
	for _, f := range st.FloatingIPsOf(lb.VIP.Port) {
		out.FloatingIPs = append(out.FloatingIPs, f.Address)
	}
	for _, l := range st.ListenersOf(lb.ID) {
		out.Listeners = append(out.Listeners, viewListener(v, l))
	}
	for _, pool := range st.PoolsOf(lb.ID) {
		out.Pools = append(out.Pools, viewPool(v, pool))
	}
	return out
}

func viewListener(v *operating.View, l *model.Listener) listenerView {
	n := v.Counters(l.ID)
	out := listenerView{
		ID: l.ID, Name: l.Name, AdminStateUp: l.AdminStateUp, Provisioning: l.Provisioning, Operating: v.Listener(l),
		Reason: v.Why(string(l.ID), &l.Base), Protocol: l.Protocol, Port: l.Port,
		Stats: statsView{Active: n.ActiveConnections, Total: n.TotalConnections, BytesIn: n.BytesIn, BytesOut: n.BytesOut, Errors: n.RequestErrors},
	}
	if l.Protocol == model.HTTP || l.Protocol == model.TerminatedHTTPS {
		out.Stats.Requests = &n.Requests
	}
	if l.DefaultPool != "" {
		out.DefaultPool = &l.DefaultPool
	}
	if out.Reason == "" && n.Full {
		out.Reason = "the connection limit is reached"
	}
	return out
}

func viewPool(v *operating.View, pool *model.Pool) poolView {
	out := poolView{
		ID: pool.ID, Name: pool.Name, AdminStateUp: pool.AdminStateUp, Provisioning: pool.Provisioning, Operating: v.Pool(pool),
		Reason: v.Why(string(pool.ID), &pool.Base), Protocol: pool.Protocol, Algorithm: pool.Algorithm, Members: []memberView{},
	}
	if m, ok := v.State.MonitorOf(pool.ID); ok {
		out.Monitor = &monitorView{
			ID: m.ID, Type: m.Type, AdminStateUp: m.AdminStateUp, Delay: m.Delay, Timeout: m.Timeout,
			MaxRetries: m.MaxRetries, MaxRetriesDown: m.MaxRetriesDown, HTTPMethod: m.HTTPMethod, URLPath: m.URLPath,
		}
	}
	for _, m := range v.State.MembersOf(pool.ID) {
		seen := memberView{
			ID: m.ID, Name: m.Name, AdminStateUp: m.AdminStateUp, Provisioning: m.Provisioning, Operating: v.Member(m),
			Reason: v.Why(string(m.ID), &m.Base), Address: m.AddressText(), Port: m.Port, Weight: int(m.Weight), Backup: m.Backup,
			Connections: v.Connections(m.ID),
		}
		h, _ := v.Health(m.ID)
		if seen.Operating == h.Status || seen.Operating == model.Draining {
			seen.Since = h.Since
			if seen.Reason == "" {
				seen.Reason = h.Reason
			}
		}
		out.Members = append(out.Members, seen)
	}
	return out
}
