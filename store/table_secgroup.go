package store

import "lbd/store/model"

func (st *State) putSecurityGroup(n *model.SecurityGroup) {
	st.securityGroups[n.ID] = n // whether it is a default one never changes
	if n.Default {
		st.defaultGroup[n.Project] = n.ID
	}
}

func (st *State) dropSecurityGroup(old *model.SecurityGroup) {
	if old.Default {
		delete(st.defaultGroup, old.Project)
	}
	delete(st.securityGroups, old.ID)
}

func (st *State) putSecurityGroupRule(n *model.SecurityGroupRule) {
	st.securityGroupRules[n.ID] = n // its groups never change
	st.groupRules.add(n.Group, n.ID)
	if n.RemoteGroup != "" {
		st.rulesFrom.add(n.RemoteGroup, n.ID)
	}
}

func (st *State) dropSecurityGroupRule(old *model.SecurityGroupRule) {
	st.groupRules.remove(old.Group, old.ID)
	if old.RemoteGroup != "" {
		st.rulesFrom.remove(old.RemoteGroup, old.ID)
	}
	delete(st.securityGroupRules, old.ID)
}
