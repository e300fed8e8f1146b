package octavia

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// newMember is a request for a member, by itself, in a batch, or as part of a tree.
type newMember struct {
	memberFields
	address ip
	port    uint16
	subnet  Opt[string]
	sriov   Opt[bool]
}

func readNewMember(o *object) newMember {
	address := need(o, "address", o.ip("address"))
	port := need(o, "protocol_port", o.integer("protocol_port", 1, 65535))
	return newMember{readMember(o), address, uint16(port), o.id("subnet_id"), o.boolean("request_sriov")}
}

// member judges a well-formed request and makes the member, with an id of its
// own and without its pool.
func (in *newMember) member() (model.Member, error) {
	m := model.Member{
		Base: model.Base{Name: in.name.Or(""), AdminStateUp: in.adminUp(), Tags: in.tags.V},
		ID:   model.MemberID(newID()), Address: in.address.addr, Text: in.address.text, Port: in.port,
		Weight: uint16(in.weight.Or(1)), Backup: in.backup.Or(false), Subnet: model.SubnetID(in.subnet.V),
		MonitorAddress: in.monitorAddress.V.addr, MonitorText: in.monitorAddress.V.text, MonitorPort: uint16(in.monitorPort.V),
	}
	switch {
	case in.address.addr == reserved:
		return m, notValidOption(in.address.text, "member address")
	case in.sriov.Or(false):
		return m, invalid("The load balancer flavor does not allow SR-IOV member ports.")
	}
	return m, nil
}

func (p *Part) createMember(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "member_", "member")
	if err != nil {
		return err
	}
	in := readNewMember(o)
	o.ignored()
	if err := o.done(); err != nil {
		return err
	}
	pool, err := p.mayChangeMembers(c)
	if err != nil {
		return err
	}
	m, err := in.member()
	if err != nil {
		return err
	}
	m.Pool = pool.ID
	if err := p.apply(c, store.MemberCreate, &m, unsettled((*store.State).Member, memberBase, m.ID)); err != nil {
		return err
	}
	return p.changedMember(c, http.StatusCreated, m.ID)
}

// mayChangeMembers is the pool in the path, when the caller may change it.
func (p *Part) mayChangeMembers(c echo.Context) (pool *model.Pool, err error) {
	p.read.Read(func(st *store.State) {
		if pool, err = poolInPath(st, c); err == nil {
			err = mayWrite(c, pool.Project)
		}
	})
	return pool, err
}

// batchMembers makes the members of a pool what the request lists (contract 3.4).
func (p *Part) batchMembers(c echo.Context) error {
	if err := noQuery(c, "additive_only"); err != nil {
		return err
	}
	items, err := readList(c, "members_", "members")
	if err != nil {
		return err
	}
	pool, err := p.mayChangeMembers(c)
	if err != nil {
		return err
	}
	additive, _ := parseBool(c.QueryParam("additive_only"))
	payload := &store.MemberBatchPayload{Pool: pool.ID, Additive: additive, Members: make([]store.BatchMember, 0, len(items))}
	for _, o := range items {
		in := readNewMember(o)
		o.ignored()
		if err := o.done(); err != nil {
			return err
		}
		m, err := in.member()
		if err != nil {
			return err
		}
		payload.Members = append(payload.Members, store.BatchMember{Member: m, KeepName: !in.name.Set, KeepTags: !in.tags.Set})
	}
	if err := p.apply(c, store.MemberBatch, payload, unsettled((*store.State).Pool, poolBase, pool.ID)); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}
