package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"lbd/internal/netlab"
)

// story is the state of one telling.
type story struct {
	*shell
	lab *netlab.Lab
	dir string

	client      *netlab.Host
	web1, web2  *netlab.Host
	web2Proc    *process
	nodes       []*node // node1, node2
	witness     *node
	password    string
	vip, vipFIP string // addresses
	lb, pool    string // ids
}

type node struct {
	name string
	host *netlab.Host
	data string
	proc *process
}

func (s *story) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		s.network, s.cluster, s.subnets, s.loadBalancer, s.traffic, s.memberDies, s.failover,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) network(context.Context) error {
	s.say("a public, a private and a management network; a client, two nodes, a witness, two web servers")
	l := s.lab
	for _, sw := range [][2]string{{"public", "203.0.113.1/24"}, {"private", "10.0.0.1/24"}, {"mgmt", ""}} {
		if err := l.Switch(sw[0], sw[1]); err != nil {
			return err
		}
	}
	hosts := map[string]*netlab.Host{}
	for _, plug := range []struct{ host, sw, addr, dev string }{
		{"client", "public", "203.0.113.50/24", "eth0"},
		{"node1", "public", "203.0.113.11/24", "eth0"},
		{"node1", "private", "10.0.0.11/24", "eth1"},
		{"node1", "mgmt", "192.0.2.11/24", "eth2"},
		{"node2", "public", "203.0.113.12/24", "eth0"},
		{"node2", "private", "10.0.0.12/24", "eth1"},
		{"node2", "mgmt", "192.0.2.12/24", "eth2"},
		{"witness", "mgmt", "192.0.2.13/24", "eth0"},
		{"web1", "private", "10.0.0.6/24", "eth0"},
		{"web2", "private", "10.0.0.3/24", "eth0"},
	} {
		h := hosts[plug.host]
		if h == nil {
			var err error
			if h, err = l.Host(plug.host); err != nil {
				return err
			}
			hosts[plug.host] = h
		}
		if err := h.Plug(plug.sw, plug.addr, plug.dev); err != nil {
			return err
		}
	}
	for _, n := range []string{"node1", "node2"} {
		if err := hosts[n].Route("default", "203.0.113.1"); err != nil {
			return err
		}
		s.nodes = append(s.nodes, &node{name: n, host: hosts[n], data: filepath.Join(s.dir, n)})
	}
	s.witness = &node{name: "witness", host: hosts["witness"], data: filepath.Join(s.dir, "witness")}
	s.client, s.web1, s.web2 = hosts["client"], hosts["web1"], hosts["web2"]
	return nil
}

func (s *story) startNode(ctx context.Context, n *node, args ...string) error {
	args = append([]string{s.self, "--name", n.name, "--data-dir", n.data}, args...)
	var err error
	n.proc, err = s.start(ctx, n.host, func(l string) bool { return strings.HasPrefix(l, "version=") }, args...)
	return err
}

func (s *story) cluster(ctx context.Context) error {
	s.say("the first node makes a cluster; the second and a witness join it by a token")
	n1 := s.nodes[0]
	if err := s.startNode(ctx, n1, "--advertise", "192.0.2.11"); err != nil {
		return err
	}
	password, err := adminPassword(n1.data)
	if err != nil {
		return err
	}
	s.password = password
	token, err := s.run(ctx, n1.host, s.self, "token", "--data-dir", n1.data)
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return err
	}
	join := []string{"--join", "192.0.2.11", "--token-file", file}
	if err := s.startNode(ctx, s.nodes[1], append(join, "--advertise", "192.0.2.12")...); err != nil {
		return err
	}
	if err := s.startNode(ctx, s.witness, append(join, "--advertise", "192.0.2.13", "--witness")...); err != nil {
		return err
	}
	return s.status(ctx, n1)
}

func (s *story) status(ctx context.Context, on *node) error {
	_, err := s.run(ctx, on.host, s.self, "status", "--data-dir", on.data)
	return err
}

// api calls REST on the first node that lives; get names the value wanted.
func (s *story) api(ctx context.Context, get, method, path, body string) (string, error) {
	n := s.survivor()
	args := []string{s.self, "api", "--data-dir", n.data}
	if get != "" {
		args = append(args, "--get", get)
	}
	args = append(args, method, path)
	if body != "" {
		args = append(args, body)
	}
	return s.run(ctx, n.host, args...)
}

func (s *story) survivor() *node {
	for _, n := range s.nodes {
		select {
		case <-n.proc.done:
		default:
			return n
		}
	}
	return s.nodes[0]
}

const (
	networking = "/networking/v2.0/"
	octavia    = "/load-balancer/v2.0/lbaas/"
)

func (s *story) subnets(ctx context.Context) error {
	s.say("the networks as lbd shall know them: a private subnet, a public one, and a router between them")
	private, err := s.api(ctx, "network.id", "POST", networking+"networks", `{"network":{"name":"private"}}`)
	if err != nil {
		return err
	}
	subnet, err := s.api(ctx, "subnet.id", "POST", networking+"subnets",
		fmt.Sprintf(`{"subnet":{"name":"private-subnet","network_id":%q,"ip_version":4,"cidr":"10.0.0.0/24"}}`, private))
	if err != nil {
		return err
	}
	public, err := s.api(ctx, "network.id", "POST", networking+"networks", `{"network":{"name":"public","router:external":true}}`)
	if err != nil {
		return err
	}
	if _, err := s.api(ctx, "subnet.id", "POST", networking+"subnets",
		fmt.Sprintf(`{"subnet":{"name":"public-subnet","network_id":%q,"ip_version":4,"cidr":"203.0.113.0/24"}}`, public)); err != nil {
		return err
	}
	router, err := s.api(ctx, "router.id", "POST", networking+"routers",
		fmt.Sprintf(`{"router":{"name":"router1","external_gateway_info":{"network_id":%q}}}`, public))
	if err != nil {
		return err
	}
	if _, err := s.api(ctx, "port_id", "PUT", networking+"routers/"+router+"/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, subnet)); err != nil {
		return err
	}
	return s.makeLoadBalancer(ctx, subnet, public)
}

// makeLoadBalancer is lb1 with a floating IP on its VIP's port.
func (s *story) makeLoadBalancer(ctx context.Context, subnet, public string) error {
	s.say("a load balancer with an address on the private subnet, and a floating IP for it")
	var err error
	if s.lb, err = s.api(ctx, "loadbalancer.id", "POST", octavia+"loadbalancers",
		fmt.Sprintf(`{"loadbalancer":{"name":"lb1","vip_subnet_id":%q}}`, subnet)); err != nil {
		return err
	}
	port, err := s.api(ctx, "loadbalancer.vip_port_id", "GET", octavia+"loadbalancers/"+s.lb, "")
	if err != nil {
		return err
	}
	if s.vip, err = s.api(ctx, "loadbalancer.vip_address", "GET", octavia+"loadbalancers/"+s.lb, ""); err != nil {
		return err
	}
	s.vipFIP, err = s.api(ctx, "floatingip.floating_ip_address", "POST", networking+"floatingips",
		fmt.Sprintf(`{"floatingip":{"floating_network_id":%q,"port_id":%q}}`, public, port))
	return err
}

func (s *story) loadBalancer(ctx context.Context) error {
	s.say("listener1, pool1, two members, a health monitor; two web servers with different pages")
	if _, err := s.start(ctx, s.web1, isWeb, s.self, "demo", "web", "10.0.0.6:80", "page 1"); err != nil {
		return err
	}
	var err error
	if s.web2Proc, err = s.start(ctx, s.web2, isWeb, s.self, "demo", "web", "10.0.0.3:80", "page 2"); err != nil {
		return err
	}
	listener, err := s.api(ctx, "listener.id", "POST", octavia+"listeners",
		fmt.Sprintf(`{"listener":{"name":"listener1","loadbalancer_id":%q,"protocol":"HTTP","protocol_port":80}}`, s.lb))
	if err != nil {
		return err
	}
	if s.pool, err = s.api(ctx, "pool.id", "POST", octavia+"pools",
		fmt.Sprintf(`{"pool":{"name":"pool1","listener_id":%q,"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, listener)); err != nil {
		return err
	}
	for _, addr := range []string{"10.0.0.6", "10.0.0.3"} {
		if _, err := s.api(ctx, "member.id", "POST", octavia+"pools/"+s.pool+"/members",
			fmt.Sprintf(`{"member":{"address":%q,"protocol_port":80}}`, addr)); err != nil {
			return err
		}
	}
	_, err = s.api(ctx, "healthmonitor.id", "POST", octavia+"healthmonitors",
		fmt.Sprintf(`{"healthmonitor":{"pool_id":%q,"type":"HTTP","delay":1,"timeout":1,"max_retries":2,"max_retries_down":2,"url_path":"/"}}`, s.pool))
	return err
}

func isWeb(line string) bool { return strings.HasPrefix(line, "web ") }

// get asks for the page through the floating IP, on a connection of its own.
func (s *story) get(ctx context.Context) (string, error) {
	out, err := s.client.Run(ctx, "curl", "-sS", "--fail", "--max-time", "0.25", "http://"+s.vipFIP+"/")
	return strings.TrimSpace(out), err
}

func (s *story) traffic(ctx context.Context) error {
	s.say("the client on the public network sees both pages in turn")
	seen := map[string]int{}
	for range 4 {
		page, err := s.run(ctx, s.client, "curl", "-sS", "--fail", "--max-time", "2", "http://"+s.vipFIP+"/")
		if err != nil {
			return err
		}
		seen[page]++
	}
	if seen["page 1"] != 2 || seen["page 2"] != 2 {
		return fmt.Errorf("expected each page twice, saw %v", seen)
	}
	return nil
}

func (s *story) memberDies(ctx context.Context) error {
	s.say("web server 2 is stopped; the monitor finds out, and no request fails")
	s.show(fmt.Sprintf("kill -9 %d", s.web2Proc.cmd.Process.Pid))
	if err := syscall.Kill(-s.web2Proc.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return err
	}
	path := octavia + "loadbalancers/" + s.lb + "/status"
	for down := false; !down; {
		n := s.survivor()
		out, err := n.host.Run(ctx, s.self, "api", "--data-dir", n.data, "GET", path)
		if err != nil {
			return err
		}
		down = strings.Contains(out, `"operating_status": "ERROR"`)
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	if _, err := s.api(ctx, "members", "GET", octavia+"pools/"+s.pool+"/members?fields=address&fields=operating_status&fields=operating_reason", ""); err != nil {
		return err
	}
	for range 20 {
		page, err := s.get(ctx)
		if err != nil {
			return err
		}
		if page != "page 1" {
			return fmt.Errorf("expected page 1 only, saw %q", page)
		}
	}
	fmt.Fprintln(s.out, "20 of 20 requests answered with page 1")
	return nil
}

func (s *story) failover(ctx context.Context) error {
	active, err := s.active(ctx)
	if err != nil {
		return err
	}
	s.say("%s is active: killed with SIGKILL while the client keeps asking", active.name)
	pids := active.host.Pids()
	s.show(fmt.Sprintf("kill -9 %s", strings.Trim(fmt.Sprint(pids), "[]")))
	killed := time.Now()
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for {
		if _, err := s.get(ctx); err == nil {
			break
		}
		if time.Since(killed) > 20*time.Second {
			return errors.New("no answer for 20 s after the active node was killed")
		}
	}
	fmt.Fprintf(s.out, "answered again %s after the kill\n", time.Since(killed).Round(time.Millisecond))
	<-active.proc.done
	n := s.survivor()
	s.say("the role column says who holds the address; the kernel and ARP say the same")
	if _, err := s.api(ctx, "", "GET", "/load-balancer/v2.0/octavia/amphorae?fields=role&fields=status&fields=lb_network_ip", ""); err != nil {
		return err
	}
	addrs, err := s.run(ctx, n.host, "ip", "-4", "-brief", "addr")
	if err != nil {
		return err
	}
	if !strings.Contains(addrs, s.vip+"/32") {
		return fmt.Errorf("%s does not have the VIP %s", n.name, s.vip)
	}
	if _, err := s.run(ctx, s.client, "ip", "neigh", "show", s.vipFIP); err != nil {
		return err
	}
	return s.status(ctx, n)
}

// active is the node that has the VIP, by what its kernel says.
func (s *story) active(ctx context.Context) (*node, error) {
	for _, n := range s.nodes {
		out, err := n.host.Run(ctx, "ip", "-4", "-brief", "addr")
		if err != nil {
			return nil, err
		}
		if slices.Contains(strings.Fields(out), s.vip+"/32") {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no node has the VIP %s", s.vip)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// adminPassword reads the password out of the clouds.yaml that the first start wrote.
func adminPassword(dataDir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dataDir, "clouds.yaml"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "password: "); ok {
			return strings.Trim(v, `"`), nil
		}
	}
	return "", errors.New("no password in clouds.yaml")
}
