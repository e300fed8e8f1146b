package octavia

import (
	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// newLoadBalancer is a create request of the right shape.
type newLoadBalancer struct {
	loadBalancer model.LoadBalancer
	qos          Opt[string]
	groups       Opt[[]string]
	flavor, zone Opt[string]
	listeners    []treeListener
	pools        []treePool
}

func decodeLoadBalancer(o *object) (newLoadBalancer, error) {
	n := o.described()
	subnet, network, port := o.id("vip_subnet_id"), o.id("vip_network_id"), o.id("vip_port_id")
	address := o.ip("vip_address")
	in := newLoadBalancer{qos: o.id("vip_qos_policy_id"), groups: list(o, "vip_sg_ids", parseID)}
	provider := o.text("provider", 64)
	in.flavor, in.zone = o.id("flavor_id"), o.text("availability_zone", 255)
	extra := readAdditionalVIPs(o)
	for _, x := range o.children("listeners") {
		in.listeners = append(in.listeners, readTreeListener(x))
		o.fail(x.done())
	}
	for _, x := range o.children("pools") {
		in.pools = append(in.pools, readTreePool(x))
		o.fail(x.done())
	}
	project := o.owner()
	if err := o.done(); err != nil {
		return in, err
	}
	in.loadBalancer = model.LoadBalancer{
		Base: model.Base{
			Name: n.name.Or(""), Description: n.description.Or(""), AdminStateUp: n.adminUp(), Tags: n.tags.V,
			Project: model.ProjectID(project.V),
		},
		VIP: model.VIP{
			Address: address.V.addr, Text: address.V.text, Port: model.PortID(port.V),
			Subnet: model.SubnetID(subnet.V), Network: model.NetworkID(network.V),
		},
		AdditionalVIPs: extra,
		Provider:       provider.V,
		Flavor:         model.FlavorID(in.flavor.V), AvailabilityZone: model.ZoneName(in.zone.V),
	}
	if !provider.Given() && in.flavor.V == "" { // else the flavor's profile names it
		in.loadBalancer.Provider = model.DefaultProvider
	}
	return in, nil
}

func readAdditionalVIPs(o *object) (out []model.VIP) {
	for _, x := range o.children("additional_vips") {
		subnet := need(x, "subnet_id", x.id("subnet_id"))
		address, port := x.ip("ip_address"), x.id("port_id")
		o.fail(x.done())
		out = append(out, model.VIP{
			Subnet: model.SubnetID(subnet), Address: address.V.addr, Text: address.V.text, Port: model.PortID(port.V),
		})
	}
	return out
}

// refuse answers for what a well-formed request may not ask for.
func (in *newLoadBalancer) refuse() error {
	vip := in.loadBalancer.VIP
	switch {
	case vip.Port == "" && vip.Network == "" && vip.Subnet == "":
		return validation("VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.")
	case in.qos.Given():
		return invalid("qos_policy %s not found.", in.qos.V)
	case in.flavor.Set && in.flavor.V == "": // null is refused (contract 2.4)
		return validation("Invalid flavor_id.")
	case in.zone.Set && in.zone.V == "":
		return validation("Invalid availability zone.")
	case (in.loadBalancer.Provider != "" || in.flavor.V == "") && !isProvider(in.loadBalancer.Provider):
		return invalid("Provider '%s' is not enabled.", in.loadBalancer.Provider)
	}
	return nil
}

func (p *Part) createLoadBalancer(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "load_balancer", "loadbalancer")
	if err != nil {
		return err
	}
	in, err := decodeLoadBalancer(o)
	if err != nil {
		return err
	}
	lb := in.loadBalancer
	if lb.Project == "" {
		lb.Project = caller(c).Project
	}
	if lb.Project == "" {
		return validation("Missing project ID in request where one is required. An administrator should check the keystone settings in the Octavia configuration.")
	}
	if err := mayWrite(c, lb.Project); err != nil {
		return err
	}
	if err := in.refuse(); err != nil {
		return err
	}
	lb.ID = model.LoadBalancerID(newID())
	groups, err := p.groupIDs(c, lb.Project, in.groups.V)
	if err != nil {
		return err
	}
	root := store.LoadBalancerCreatePayload{LoadBalancer: lb, Groups: groups, NewPort: model.Port{ID: model.PortID(newID()), MAC: newMAC()}}
	settled := unsettled((*store.State).LoadBalancer, loadBalancerBase, lb.ID)
	if len(in.listeners)+len(in.pools) == 0 {
		err = p.apply(c, store.LoadBalancerCreate, &root, settled)
	} else {
		tree := &store.TreeCreatePayload{LoadBalancerCreatePayload: root}
		if err := p.growTree(c, &in, tree); err != nil {
			return err
		}
		err = p.apply(c, store.TreeCreate, tree, settled)
	}
	if err != nil {
		return err
	}
	return p.createdTree(c, lb.ID)
}
