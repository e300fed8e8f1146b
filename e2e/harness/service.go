package harness

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// API prefixes.
const (
	Networking = "/networking/v2.0/"
	Octavia    = "/load-balancer/v2.0/lbaas/"
)

// Service is the load balancer of the walkthrough, made over REST: lb1 on
// private-subnet, listener1 HTTP 80, pool1 ROUND_ROBIN with both web servers, a
// floating IP on the VIP's port.
type Service struct {
	LB, Listener, Pool, Subnet, Public, VIPPort string
	Members                                     []string
	VIP, FIP                                    string
	Web1, Web2                                  *Web
}

// MakeService builds the walkthrough's service through node 1 and waits until
// both pages have been seen through the floating IP. monitor is the body of the
// health monitor without its pool; nil makes none.
func (w *World) MakeService(monitor map[string]any) *Service {
	w.T.Helper()
	n := w.Nodes[0]
	s := &Service{Web1: w.StartWeb(w.Web1, "page 1"), Web2: w.StartWeb(w.Web2, "page 2")}
	private := id(n.Post(Networking+"networks", "network", map[string]any{"name": "private"}))
	s.Subnet = id(n.Post(Networking+"subnets", "subnet", map[string]any{"name": "private-subnet", "network_id": private, "ip_version": 4, "cidr": "10.0.0.0/24"}))
	s.Public = id(n.Post(Networking+"networks", "network", map[string]any{"name": "public", "router:external": true}))
	n.Post(Networking+"subnets", "subnet", map[string]any{"name": "public-subnet", "network_id": s.Public, "ip_version": 4, "cidr": "203.0.113.0/24"})
	router := id(n.Post(Networking+"routers", "router", map[string]any{"name": "router1", "external_gateway_info": map[string]any{"network_id": s.Public}}))
	if status, b, err := n.API("PUT", Networking+"routers/"+router+"/add_router_interface", map[string]any{"subnet_id": s.Subnet}); status != 200 {
		w.T.Fatalf("add_router_interface: %d %s %v", status, b, err)
	}
	lb := n.Post(Octavia+"loadbalancers", "loadbalancer", map[string]any{"name": "lb1", "vip_subnet_id": s.Subnet})
	s.LB, s.VIP, s.VIPPort = id(lb), lb["vip_address"].(string), lb["vip_port_id"].(string)
	fip := n.Post(Networking+"floatingips", "floatingip", map[string]any{"floating_network_id": s.Public, "port_id": s.VIPPort})
	s.FIP = fip["floating_ip_address"].(string)
	s.Listener = id(n.Post(Octavia+"listeners", "listener", map[string]any{"name": "listener1", "loadbalancer_id": s.LB, "protocol": "HTTP", "protocol_port": 80}))
	s.Pool = id(n.Post(Octavia+"pools", "pool", map[string]any{"name": "pool1", "listener_id": s.Listener, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}))
	for _, a := range []string{"10.0.0.6", "10.0.0.3"} {
		s.Members = append(s.Members, id(n.Post(Octavia+"pools/"+s.Pool+"/members", "member", map[string]any{"address": a, "protocol_port": 80})))
	}
	if monitor != nil {
		monitor["pool_id"] = s.Pool
		n.Post(Octavia+"healthmonitors", "healthmonitor", monitor)
	}
	w.Until(5*time.Second, "the client sees both pages through the floating IP", func() error {
		return w.seesBothPages(s.FIP)
	})
	return s
}

func (w *World) seesBothPages(addr string) error {
	seen := map[string]bool{}
	for range 4 {
		page, err := w.Curl("--fail", "http://"+addr+"/")
		if err != nil {
			return err
		}
		seen[page] = true
	}
	if !seen["page 1"] || !seen["page 2"] {
		return fmt.Errorf("saw only %v", seen)
	}
	return nil
}

func id(obj map[string]any) string { return obj["id"].(string) }

// Amphora is one row of the amphora list.
type Amphora struct {
	ID, Role, Status string
	LBNetworkIP      string `json:"lb_network_ip"`
	LoadBalancerID   string `json:"loadbalancer_id"`
}

// Amphorae is the amphora list as this node shows it.
func (n *Node) Amphorae() ([]Amphora, error) {
	var out struct{ Amphorae []Amphora }
	return out.Amphorae, n.Get("/load-balancer/v2.0/octavia/amphorae", &out)
}

// RolesByAddress maps lb_network_ip to role, over all rows.
func RolesByAddress(rows []Amphora) map[string]string {
	m := map[string]string{}
	for _, a := range rows {
		m[a.LBNetworkIP] = strings.ToUpper(a.Role)
	}
	return m
}

// CountedRequest asks for / from the client on a connection of its own and
// returns the bytes that went each way on it.
func (w *World) CountedRequest(ip string) (sent, received int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := w.Client.Dial(ctx, "tcp", ip+":80")
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	n, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: count.example\r\nConnection: close\r\n\r\n")
	if err != nil {
		return 0, 0, err
	}
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	received, err = io.Copy(io.Discard, c)
	return int64(n), received, err
}
