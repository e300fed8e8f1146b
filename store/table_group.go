package store

import (
	"cmp"
	"maps"
	"slices"

	"lbd/store/model"
)

type groupKey struct {
	domain model.DomainID
	name   string
}

func keyOfGroup(g *model.Group) groupKey { return groupKey{g.Domain, g.Name} }

func (st *State) putGroup(g *model.Group) {
	if old, ok := st.groups[g.ID]; ok {
		delete(st.groupAt, keyOfGroup(old))
	}
	st.groups[g.ID] = g
	st.groupAt[keyOfGroup(g)] = g.ID
}

// dropGroup removes a group with its memberships and roles.
func (st *State) dropGroup(g *model.Group) {
	for a := range st.assignmentsTo[g.ID] {
		st.dropAssignment(a)
	}
	for u := range st.usersIn[g.ID] {
		st.dropMembership(model.Membership{Group: g.ID, User: u})
	}
	delete(st.groups, g.ID)
	delete(st.groupAt, keyOfGroup(g))
}

func (st *State) putMembership(m model.Membership) {
	st.memberships[m] = struct{}{}
	st.groupsOf.add(m.User, m.Group)
	st.usersIn.add(m.Group, m.User)
}

func (st *State) dropMembership(m model.Membership) {
	delete(st.memberships, m)
	st.groupsOf.remove(m.User, m.Group)
	st.usersIn.remove(m.Group, m.User)
}

// Group finds a group of users.
func (st *State) Group(id model.GroupID) (*model.Group, bool) { return get(st.groups, id) }

// Groups are all groups of users.
func (st *State) Groups() []*model.Group { return all(st.groups, byGroup) }

// GroupsOf are the groups that a user is in.
func (st *State) GroupsOf(user model.UserID) []*model.Group {
	return some(st.groups, st.groupsOf[user], byGroup)
}

// UsersIn are the users of a group.
func (st *State) UsersIn(group model.GroupID) []*model.User {
	return some(st.users, st.usersIn[group], byUser)
}

// InGroup tells whether a user is in a group.
func (st *State) InGroup(m model.Membership) bool { return has(st.memberships, m) }

// Memberships are all memberships, by group and user.
func (st *State) Memberships() []model.Membership {
	return slices.SortedFunc(maps.Keys(st.memberships), func(a, b model.Membership) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.User, b.User))
	})
}

// assignmentsFor yields what a user was given, by itself and by its groups.
func (st *State) assignmentsFor(user model.UserID, yield func(model.Assignment)) {
	for a := range st.assignmentsOf[user] {
		yield(a)
	}
	for g := range st.groupsOf[user] {
		for a := range st.assignmentsTo[g] {
			yield(a)
		}
	}
}

func byGroup(a, b *model.Group) int { return by(a.Created, b.Created, a.ID, b.ID) }
