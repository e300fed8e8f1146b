package store

import (
	"cmp"
	"net/netip"
	"slices"

	"lbd/store/model"
)

// roster is the members of one pool, by address and port, then by id: one that is being
// deleted may have the address of its successor. A slice takes 8 to 16 bytes for each, a
// set of ids and a map of addresses took 130; putting one in its place among a hundred
// thousand takes 20 us.
type roster []*model.Member

// search is where a member of that address and id is or would be.
func (r roster) search(at netip.AddrPort, id model.MemberID) (i int, found bool) {
	return slices.BinarySearchFunc(r, at, func(m *model.Member, at netip.AddrPort) int {
		return cmp.Or(addrPortOf(m).Compare(at), cmp.Compare(m.ID, id))
	})
}

// put adds m, in place of the version of it that has the same address.
func (r roster) put(m *model.Member) roster {
	i, found := r.search(addrPortOf(m), m.ID)
	if found {
		r[i] = m
		return r
	}
	return slices.Insert(r, i, m)
}

// drop removes the version of m that has the same address.
func (r roster) drop(m *model.Member) roster {
	if i, found := r.search(addrPortOf(m), m.ID); found {
		return slices.Delete(r, i, i+1)
	}
	return r
}

// at is the member that traffic to an address is for: not one on its way out.
func (r roster) at(addr netip.AddrPort) (*model.Member, bool) {
	i, _ := r.search(addr, "")
	for ; i < len(r) && addrPortOf(r[i]) == addr; i++ {
		if r[i].Provisioning != model.PendingDelete {
			return r[i], true
		}
	}
	return nil, false
}

// addrPortOf compares addresses by value: ::ffff:10.0.0.1 is 10.0.0.1, however written.
func addrPortOf(m *model.Member) netip.AddrPort { return netip.AddrPortFrom(m.Address.Unmap(), m.Port) }
