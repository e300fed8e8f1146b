package store

import (
	"slices"

	"lbd/store/model"
)

func (t *tx) securityGroupCreate(p *SecurityGroupCreatePayload) error {
	n := p.Group
	if err := fresh(t.st.securityGroups, n.ID); err != nil {
		return err
	}
	if _, ok := t.st.defaultGroup[n.Project]; n.Default && ok {
		return Errorf(Conflict, "Default security group already exists.")
	}
	if !n.Default {
		if err := t.within(n.Project, model.QuotaSecurityGroup); err != nil {
			return err
		}
	}
	seen := map[model.SecurityGroupRuleID]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if err := fresh(t.st.securityGroupRules, r.ID); err != nil {
			return err
		}
		if r.Group != n.ID || r.RemoteGroup != "" && r.RemoteGroup != n.ID || seen[r.ID] {
			return Errorf(Invalid, "Rule %s is not one of group %s.", r.ID, n.ID)
		}
		seen[r.ID] = true
	}

	t.bornRecord(&n.Record)
	t.st.putSecurityGroup(&n)
	for _, r := range p.Rules {
		t.bornRecord(&r.Record)
		r.Project = n.Project
		t.st.putSecurityGroupRule(&r)
	}
	return nil
}

func (t *tx) securityGroupUpdate(p *SecurityGroupPatch) error {
	old, ok := t.st.securityGroups[p.ID]
	if !ok {
		return securityGroupNotFound(p.ID)
	}
	if p.Name != nil && *p.Name != old.Name && old.Default {
		return Errorf(Conflict, "Updating default security group not allowed.")
	}
	if p.Stateless != nil && *p.Stateless != old.Stateless && len(t.st.portsUnder[p.ID]) > 0 {
		return securityGroupInUse(p.ID)
	}
	n := *old
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}

	set(&n.Stateless, p.Stateless)
	t.st.putSecurityGroup(&n)
	return nil
}

// securityGroupDelete removes a group that no port has, with its rules and
// those that name it as the remote group.
func (t *tx) securityGroupDelete(p *SecurityGroupRef) error {
	old, ok := t.st.securityGroups[p.ID]
	if !ok {
		return securityGroupNotFound(p.ID)
	}
	if len(t.st.portsUnder[p.ID]) > 0 {
		return securityGroupInUse(p.ID)
	}

	for _, r := range t.st.GroupRules(p.ID) {
		t.st.dropSecurityGroupRule(r)
	}
	for _, r := range some(t.st.securityGroupRules, t.st.rulesFrom[p.ID], bySecurityGroupRule) {
		t.st.dropSecurityGroupRule(r)
	}
	t.st.dropSecurityGroup(old)
	t.dirtyFilters()
	return nil
}

func (t *tx) securityGroupRuleCreate(p *model.SecurityGroupRule) error {
	group, ok := t.st.securityGroups[p.Group]
	if !ok {
		return securityGroupNotFound(p.Group)
	}
	if err := fresh(t.st.securityGroupRules, p.ID); err != nil {
		return err
	}
	if err := t.within(p.Project, model.QuotaSecurityGroupRule); err != nil {
		return err
	}
	if p.RemoteGroup != "" {
		if _, ok := t.st.securityGroups[p.RemoteGroup]; !ok {
			return securityGroupNotFound(p.RemoteGroup)
		}
	}
	for _, r := range t.st.GroupRules(p.Group) {
		if r.Equals(p) {
			return Errorf(Conflict, "Security group rule already exists. Rule id is %s.", r.ID)
		}
	}

	n := *p
	t.bornRecord(&n.Record)
	n.Project = group.Project
	t.st.putSecurityGroupRule(&n)
	t.dirtyFilters()
	return nil
}

func (t *tx) securityGroupRuleUpdate(p *SecurityGroupRulePatch) error {
	old, ok := t.st.securityGroupRules[p.ID]
	if !ok {
		return securityGroupRuleNotFound(p.ID)
	}
	n := *old
	if err := t.patch(&n.Record, &p.RecordPatch); err != nil {
		return err
	}

	t.st.putSecurityGroupRule(&n)
	return nil
}

func (t *tx) securityGroupRuleDelete(p *SecurityGroupRuleRef) error {
	old, ok := t.st.securityGroupRules[p.ID]
	if !ok {
		return securityGroupRuleNotFound(p.ID)
	}

	t.st.dropSecurityGroupRule(old)
	t.dirtyFilters()
	return nil
}

// groupsThere checks the groups that a port is to have.
func (t *tx) groupsThere(ids []model.SecurityGroupID) error {
	for i, id := range ids {
		if _, ok := t.st.securityGroups[id]; !ok {
			return securityGroupNotFound(id)
		}
		if slices.Contains(ids[:i], id) {
			return Errorf(Invalid, "Invalid input for security_groups. Reason: '%s' is there twice.", id)
		}
	}
	return nil
}

func securityGroupNotFound(id model.SecurityGroupID) error {
	return Errorf(NotFound, "Security group %s does not exist", id)
}

func securityGroupRuleNotFound(id model.SecurityGroupRuleID) error {
	return Errorf(NotFound, "Security group rule %s does not exist", id)
}

func securityGroupInUse(id model.SecurityGroupID) error {
	return Errorf(Conflict, "Security Group %s in use.", id)
}
