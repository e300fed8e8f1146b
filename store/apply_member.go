package store

import "lbd/store/model"

func (t *tx) memberCreate(p *model.Member) error {
	pool, ok := t.st.pools[p.Pool]
	if !ok {
		return notFound("Pool", p.Pool)
	}
	if err := t.checkReferences(p); err != nil {
		return err
	}
	if err := t.charge(pool.Project, model.QuotaMember, 1); err != nil {
		return err
	}
	if _, err := t.poolToFill(p.Pool); err != nil {
		return err
	}
	if err := fresh(t.st.members, p.ID); err != nil {
		return err
	}
	if _, taken := t.st.membersOf[p.Pool].at(addrPortOf(p)); taken {
		return memberTaken(p)
	}

	n := *p
	t.born(&n.Base, pool.Project)
	t.st.putMember(&n)
	t.markPool(pool.ID)
	return nil
}

// checkReferences checks what a new member names, apart from its pool.
func (t *tx) checkReferences(p *model.Member) error {
	if _, ok := t.st.subnets[p.Subnet]; p.Subnet != "" && !ok {
		return Errorf(Invalid, "Subnet %s not found.", p.Subnet)
	}
	if !p.Address.IsValid() {
		return Errorf(Invalid, "The IP Address %s is invalid.", p.AddressText())
	}
	return nil
}

// checkNewMember checks one of several new members of a pool by itself.
func (t *tx) checkNewMember(p *model.Member) error {
	if err := t.checkReferences(p); err != nil {
		return err
	}
	return fresh(t.st.members, p.ID)
}

func memberTaken(m *model.Member) error {
	return Errorf(Conflict, "Another member on this pool is already using ip %s on protocol_port %d", m.AddressText(), m.Port)
}

func (t *tx) memberUpdate(p *MemberPatch) error {
	old, err := t.memberToChange(p.Pool, p.ID)
	if err != nil {
		return err
	}

	n := *old
	set(&n.Name, p.Name)
	set(&n.AdminStateUp, p.AdminStateUp)
	set(&n.Tags, p.Tags)
	if p.Weight != nil {
		n.Weight = uint16(*p.Weight)
	}
	set(&n.Backup, p.Backup)
	set(&n.MonitorAddress, p.MonitorAddress)
	set(&n.MonitorText, p.MonitorText)
	set(&n.MonitorPort, p.MonitorPort)
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putMember(&n)
	t.markPool(n.Pool)
	return nil
}

func (t *tx) memberDelete(p *MemberRef) error {
	old, err := t.memberToChange(p.Pool, p.ID)
	if err != nil {
		return err
	}

	n := *old
	t.pend(&n.Base, model.PendingDelete)
	t.st.putMember(&n)
	t.markPool(n.Pool)
	return nil
}

func (t *tx) memberToChange(pool model.PoolID, id model.MemberID) (*model.Member, error) {
	if _, ok := t.st.pools[pool]; !ok {
		return nil, notFound("Pool", pool)
	}
	m, ok := t.st.members[id]
	if !ok || m.Pool != pool {
		return nil, notFound("Member", id)
	}
	if _, err := t.poolToFill(pool); err != nil {
		return nil, err
	}
	if err := lockInside("Pool", pool, &m.Base); err != nil {
		return nil, err
	}
	return m, nil
}
