package store

import (
	"maps"
	"slices"

	"lbd/store/model"
)

// networkQuotaUpdate sets limits of a project's networking objects; nil takes one away.
func (t *tx) networkQuotaUpdate(p *QuotaPatch) error {
	if p.Project == "" {
		return Errorf(Invalid, "Bad quota request: it names no project.")
	}
	limits := maps.Clone(t.st.NetworkQuota(p.Project).Limits)
	if limits == nil {
		limits = map[model.QuotaClass]int{}
	}
	for class, limit := range p.Limits {
		if !slices.Contains(model.NetworkQuotaClasses(), class) {
			return Errorf(Invalid, "Bad quota request: there is no class %s.", class)
		}
		if limit == nil {
			delete(limits, class)
			continue
		}
		if *limit < model.Unlimited || *limit > model.MaxNetworkQuota {
			return Errorf(Invalid, "Bad quota request: the limit %d is out of range.", *limit)
		}
		limits[class] = *limit
	}
	t.st.putNetworkQuota(&model.Quota{Project: p.Project, Limits: limits})
	return nil
}

func (t *tx) networkQuotaReset(p *QuotaRef) error {
	if _, ok := t.st.networkQuotas[p.Project]; !ok {
		return Errorf(NotFound, "Quota for tenant %s could not be found.", p.Project)
	}
	delete(t.st.networkQuotas, p.Project)
	return nil
}

// within refuses one more networking object of a class where the project has as many as
// it may. It is asked where a client creates one by itself: ports that come with a load
// balancer, a router or a floating IP, default groups and their rules count, but are not
// refused.
func (t *tx) within(project model.ProjectID, class model.QuotaClass) error {
	limit := t.st.networkQuotas[project].Limit(class)
	if limit == model.Unlimited || t.st.NetworkUse(project, class) < limit {
		return nil
	}
	return Errorf(Conflict, "Quota exceeded for resources: ['%s'].", class)
}

func (st *State) putNetworkQuota(q *model.Quota) { st.networkQuotas[q.Project] = q }

// NetworkQuota are the limits of a project's networking objects; where it has none, all
// are unlimited.
func (st *State) NetworkQuota(project model.ProjectID) *model.Quota {
	if q, ok := st.networkQuotas[project]; ok {
		return q
	}
	return &model.Quota{Project: project}
}

// NetworkQuotas are those of the projects that were given limits, by project.
func (st *State) NetworkQuotas() []*model.Quota {
	out := make([]*model.Quota, 0, len(st.networkQuotas))
	for _, id := range sortedKeys(st.networkQuotas) {
		out = append(out, st.networkQuotas[id])
	}
	return out
}

// NetworkUse is how many networking objects of a class a project has. It counts them:
// only projects with a limit are asked about often, and these are small.
func (st *State) NetworkUse(project model.ProjectID, class model.QuotaClass) int {
	switch class {
	case model.QuotaNetwork:
		return owned(st.networks, project, func(x *model.Network) *model.Record { return &x.Record })
	case model.QuotaSubnet:
		return owned(st.subnets, project, func(x *model.Subnet) *model.Record { return &x.Record })
	case model.QuotaPort:
		return owned(st.ports, project, func(x *model.Port) *model.Record { return &x.Record })
	case model.QuotaRouter:
		return owned(st.routers, project, func(x *model.Router) *model.Record { return &x.Record })
	case model.QuotaFloatingIP:
		return owned(st.floatingIPs, project, func(x *model.FloatingIP) *model.Record { return &x.Record })
	case model.QuotaSecurityGroup:
		return owned(st.securityGroups, project, func(x *model.SecurityGroup) *model.Record { return &x.Record })
	case model.QuotaSecurityGroupRule:
		return owned(st.securityGroupRules, project, func(x *model.SecurityGroupRule) *model.Record { return &x.Record })
	}
	return 0
}

func owned[K comparable, T any](all map[K]*T, project model.ProjectID, record func(*T) *model.Record) (n int) {
	for _, x := range all {
		if record(x).Project == project {
			n++
		}
	}
	return n
}
