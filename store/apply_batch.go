package store

import (
	"net/netip"

	"lbd/store/model"
)

// MemberBatchPayload makes the members of a pool what Members says, in one step
// (contract 3.4). A member is known by its address and port: one that is there
// is updated, another one is created with the id it carries, and what is not
// named is deleted unless Additive.
type MemberBatchPayload struct {
	Pool     model.PoolID  `json:"pool"`
	Members  []BatchMember `json:"members"`
	Additive bool          `json:"additive,omitempty"`
}

// BatchMember is one member of a batch. Where the member exists, KeepName and
// KeepTags leave these alone; all else is overwritten, with the defaults of a
// new member where the client said nothing. The subnet never changes.
type BatchMember struct {
	Member   model.Member `json:"member"`
	KeepName bool         `json:"keep_name,omitempty"`
	KeepTags bool         `json:"keep_tags,omitempty"`
}

func (t *tx) memberBatch(p *MemberBatchPayload) error {
	pool, err := t.poolToFill(p.Pool)
	if err != nil {
		return err
	}
	b := batch{at: map[netip.AddrPort]bool{}, ids: map[model.MemberID]bool{}}
	for i := range p.Members {
		if err := t.sortBatch(&b, pool.ID, &p.Members[i]); err != nil {
			return err
		}
	}
	if !p.Additive {
		for _, m := range t.st.MembersOf(pool.ID) {
			if m.Provisioning != model.PendingDelete && !b.at[addrPortOf(m)] {
				b.gone = append(b.gone, m)
			}
		}
	}
	if err := t.charge(pool.Project, model.QuotaMember, len(b.made)-len(b.gone)); err != nil {
		return err
	}

	for _, m := range b.made {
		t.born(&m.Base, pool.Project)
		t.st.putMember(m)
	}
	for _, m := range b.changed {
		t.pend(&m.Base, model.PendingUpdate)
		t.st.putMember(m)
	}
	for _, old := range b.gone {
		n := *old
		t.pend(&n.Base, model.PendingDelete)
		t.st.putMember(&n)
	}
	if len(b.made)+len(b.changed)+len(b.gone) > 0 {
		t.markPool(pool.ID)
	}
	return nil
}

// batch is what a batch comes to: new versions of made and changed, old ones of
// what goes.
type batch struct {
	made, changed, gone []*model.Member
	at                  map[netip.AddrPort]bool
	ids                 map[model.MemberID]bool
}

func (t *tx) sortBatch(b *batch, pool model.PoolID, x *BatchMember) error {
	m := x.Member
	m.Pool = pool
	at := addrPortOf(&m)
	old, exists := t.st.membersOf[pool].at(at)
	if b.at[at] {
		if exists {
			return invalidf("Member must be updated only once in the same request.")
		}
		return memberTaken(&m)
	}
	b.at[at] = true
	if !exists {
		if b.ids[m.ID] {
			return Errorf(Conflict, "Already an entity with that specified id.")
		}
		b.ids[m.ID] = true
		b.made = append(b.made, &m)
		return t.checkNewMember(&m)
	}
	n := *old
	if !x.KeepName {
		n.Name = m.Name
	}
	if !x.KeepTags {
		n.Tags = m.Tags
	}
	n.AdminStateUp, n.Weight, n.Backup = m.AdminStateUp, m.Weight, m.Backup
	n.MonitorAddress, n.MonitorText, n.MonitorPort = m.MonitorAddress, m.MonitorText, m.MonitorPort
	b.changed = append(b.changed, &n)
	return nil
}
