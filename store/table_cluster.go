package store

import (
	"maps"
	"slices"

	"lbd/store/model"
)

// putRoleChange keeps the newest terms.
func (st *State) putRoleChange(c *model.RoleChange) {
	st.roleChanges[c.Term] = c
	if len(st.roleChanges) > model.MaxRoleChanges {
		delete(st.roleChanges, slices.Min(slices.Collect(maps.Keys(st.roleChanges))))
	}
}
