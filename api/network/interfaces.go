package network

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// attach is PUT add_router_interface.
func (p *Part) attach(c echo.Context) error {
	r, subnet, port, err := p.interfaceBody(c)
	if err != nil {
		return err
	}
	if port != "" {
		if subnet != "" {
			return badRequest("Bad router request: Cannot specify both subnet-id and port-id.")
		}
		x, err := portResource().writable(c, p, string(port))
		if err != nil {
			return err
		}
		if err := p.apply(c, store.RouterAttach, &store.RouterAttachPayload{Router: r.ID, Existing: port}); err != nil {
			return err
		}
		return p.answerInterface(c, r, x, x.FixedIPs[0].Subnet)
	}
	if _, err := subnetResource().find(c, p, string(subnet)); err != nil {
		return err
	}
	payload := &store.RouterAttachPayload{Router: r.ID, Subnet: subnet, Port: newIdentity()}
	if err := p.apply(c, store.RouterAttach, payload); err != nil {
		return err
	}
	return p.answerInterface(c, r, &payload.Port, subnet)
}

// detach is PUT remove_router_interface.
func (p *Part) detach(c echo.Context) error {
	r, subnet, port, err := p.interfaceBody(c)
	if err != nil {
		return err
	}
	var old model.Port
	p.read.Read(func(st *store.State) {
		for _, x := range st.PortsOf(string(r.ID)) {
			if x.DeviceOwner == model.OwnerRouterInterface && (port == x.ID || port == "" && x.FixedIPs[0].Subnet == subnet) {
				old = *x
			}
		}
	})
	if err := p.apply(c, store.RouterDetach, &store.RouterDetachPayload{Router: r.ID, Subnet: subnet, Port: port}); err != nil {
		return err
	}
	if subnet == "" && len(old.FixedIPs) > 0 {
		subnet = old.FixedIPs[0].Subnet
	}
	return p.answerInterface(c, r, &old, subnet)
}

// interfaceBody reads {"subnet_id"} or {"port_id"}, without a wrapper.
func (p *Part) interfaceBody(c echo.Context) (*model.Router, model.SubnetID, model.PortID, error) {
	r, err := routerResource().subject(c, p)
	if err != nil {
		return nil, "", "", err
	}
	b, err := readObject(c)
	if err != nil {
		return nil, "", "", err
	}
	subnet, port := or(id[model.SubnetID](b, "subnet_id"), ""), or(id[model.PortID](b, "port_id"), "")
	if err := b.done(); err != nil {
		return nil, "", "", err
	}
	if subnet == "" && port == "" {
		return nil, "", "", badRequest("Bad router request: Either subnet_id or port_id must be specified.")
	}
	return r, subnet, port, nil
}

func (p *Part) answerInterface(c echo.Context, r *model.Router, port *model.Port, subnet model.SubnetID) error {
	network := port.Network
	p.read.Read(func(st *store.State) {
		if s, ok := st.Subnet(subnet); ok {
			network = s.Network
		}
	})
	return c.JSON(http.StatusOK, interfaceView(r, port.ID, network, subnet))
}

func interfaceView(r *model.Router, port model.PortID, network model.NetworkID, subnet model.SubnetID) map[string]any {
	return map[string]any{
		"id": r.ID, "tenant_id": r.Project, "project_id": r.Project, "port_id": port, "network_id": network,
		"subnet_id": subnet, "subnet_ids": []model.SubnetID{subnet}, "tags": []string{},
	}
}
