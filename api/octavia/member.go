package octavia

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

const nounMember = "Member"

// reserved addresses may not be members: the cloud's metadata service.
var reserved = netip.MustParseAddr("169.254.169.254")

func memberBase(m *model.Member) *model.Base { return &m.Base }

func memberResource() resource[*model.Member] {
	type mem = *model.Member
	of := func(get func(mem) any) func(*seen, mem) any { return func(_ *seen, x mem) any { return get(x) } }
	id := func(x mem) string { return string(x.ID) }
	return resource[mem]{
		noun: nounMember, one: "member", many: "members", links: "members_links",
		id: id, project: func(x mem) model.ProjectID { return x.Project }, tags: func(x mem) []string { return x.Tags },
		aliases: map[string]string{"enabled": "admin_state_up"},
		attrs: withBase(false, id, memberBase, (*seen).Member,
			attr[mem]{name: "operating_reason", get: func(s *seen, x mem) any {
				if h, ok := s.Health(x.ID); ok && h.Reason != "" {
					return h.Reason
				}
				return absent{}
			}},
			attr[mem]{name: "operating_since", get: func(s *seen, x mem) any {
				if h, ok := s.Health(x.ID); ok && h.Reason != "" && !h.Since.IsZero() {
					return h.Since.UTC().Format(time.RFC3339Nano)
				}
				return absent{}
			}},
			attr[mem]{name: "address", get: of(func(x mem) any { return x.AddressText() })},
			attr[mem]{name: "protocol_port", get: of(func(x mem) any { return int(x.Port) })},
			attr[mem]{name: "weight", get: of(func(x mem) any { return int(x.Weight) })},
			attr[mem]{name: "backup", get: of(func(x mem) any { return x.Backup })},
			attr[mem]{name: "subnet_id", get: of(func(x mem) any { return text(x.Subnet) })},
			attr[mem]{name: "monitor_address", get: of(func(x mem) any { return text(x.MonitorAddressText()) })},
			attr[mem]{name: "monitor_port", get: of(func(x mem) any {
				if x.MonitorPort == 0 {
					return nil
				}
				return int(x.MonitorPort)
			})},
			attr[mem]{name: "vnic_type", get: of(func(mem) any { return "normal" })},
			attr[mem]{name: "pool_id", get: of(func(x mem) any { return string(x.Pool) }), use: filter},
		),
	}
}

// poolInPath is the pool named in a member's path.
func poolInPath(st *store.State, c echo.Context) (*model.Pool, error) {
	x, ok := st.Pool(model.PoolID(c.Param("pool")))
	if !ok {
		return nil, parentNotFound(nounPool, c.Param("pool"))
	}
	return x, nil
}

func memberInPath(st *store.State, c echo.Context) (*model.Member, error) {
	pool, err := poolInPath(st, c)
	if err != nil {
		return nil, err
	}
	m, ok := st.Member(model.MemberID(c.Param("id")))
	if !ok || m.Pool != pool.ID {
		return nil, notFound(nounMember, c.Param("id"))
	}
	return m, nil
}

func (p *Part) listMembers(c echo.Context) error {
	return listAll(p, c, &p.members, func(s *seen) ([]*model.Member, error) {
		pool, err := poolInPath(s.st, c)
		if err != nil {
			return nil, err
		}
		if err := mayRead(c, pool.Project); err != nil && !caller(c).Has(auth.RoleService) {
			return nil, err
		}
		return s.st.MembersOf(pool.ID), nil
	})
}

func (p *Part) showMember(c echo.Context) error {
	return show(p, c, &p.members, func(s *seen) (*model.Member, error) {
		m, err := memberInPath(s.st, c)
		if err != nil {
			return nil, err
		}
		return m, mayRead(c, m.Project)
	})
}

// memberFields are the attributes that create and update share.
type memberFields struct {
	named
	weight         Opt[int]
	backup         Opt[bool]
	monitorAddress Opt[ip]
	monitorPort    Opt[int]
}

func readMember(o *object) memberFields {
	return memberFields{
		named: o.named(), weight: o.integer("weight", 0, 256), backup: o.boolean("backup"),
		monitorAddress: o.ip("monitor_address"), monitorPort: o.integer("monitor_port", 1, 65535),
	}
}

func (p *Part) changedMember(c echo.Context, status int, id model.MemberID) error {
	return changed(p, c, &p.members, status, func(s *seen) (*model.Member, error) {
		m, ok := s.st.Member(id)
		if !ok {
			return nil, notFound(nounMember, id)
		}
		return m, nil
	})
}

func (p *Part) updateMember(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	o, err := readObject(c, "member_", "member")
	if err != nil {
		return orGone(c, err, p.mayChangeMember)
	}
	in := readMember(o)
	if err := o.done(); err != nil {
		return err
	}
	old, err := p.mayChangeMember(c)
	if err != nil {
		return err
	}
	patch := &store.MemberPatch{
		ID: old.ID, Pool: old.Pool, Name: in.name.Patch(""), AdminStateUp: in.up.Patch(false), Tags: patchList(in.tags, nil),
		Weight: in.weight.Patch(1), Backup: in.backup.Patch(false),
	}
	if a := in.monitorAddress.Patch(ip{}); a != nil {
		patch.MonitorAddress, patch.MonitorText = &a.addr, &a.text
	}
	if n := in.monitorPort.Patch(0); n != nil {
		port := uint16(*n)
		patch.MonitorPort = &port
	}
	if err := p.apply(c, store.MemberUpdate, patch, unsettled((*store.State).Member, memberBase, old.ID)); err != nil {
		return err
	}
	return p.changedMember(c, http.StatusOK, old.ID)
}

func (p *Part) mayChangeMember(c echo.Context) (m *model.Member, err error) {
	p.read.Read(func(st *store.State) {
		if m, err = memberInPath(st, c); err == nil {
			err = mayWrite(c, m.Project)
		}
	})
	return m, err
}

func (p *Part) deleteMember(c echo.Context) error {
	if err := noQuery(c); err != nil {
		return err
	}
	m, err := p.mayChangeMember(c)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.MemberDelete, &store.MemberRef{ID: m.ID, Pool: m.Pool}, unsettled((*store.State).Member, memberBase, m.ID)); err != nil {
		return err
	}
	return noContent(c)
}
