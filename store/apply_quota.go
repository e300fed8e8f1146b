package store

import (
	"maps"

	"lbd/store/model"
)

// QuotaPatch changes a project's limits: a nil limit goes back to the default,
// and so does a class that was never set. A project needs no other trace in the
// store to have limits (contract 3.8).
type QuotaPatch struct {
	Project model.ProjectID           `json:"project"`
	Limits  map[model.QuotaClass]*int `json:"limits"`
}

// QuotaRef resets a project's limits to the defaults.
type QuotaRef struct {
	Project model.ProjectID `json:"project"`
}

func (t *tx) quotaUpdate(p *QuotaPatch) error {
	if p.Project == "" {
		return invalidf("the quota has no project.")
	}
	for class, limit := range p.Limits {
		if _, ok := quotaNouns[class]; !ok {
			return invalidf("unknown quota class %s.", class)
		}
		if limit != nil && (*limit < model.Unlimited || *limit > model.MaxQuota) {
			return invalidf("the limit %d is out of range.", *limit)
		}
	}

	limits := map[model.QuotaClass]int{}
	if old, ok := t.st.quotas[p.Project]; ok {
		maps.Copy(limits, old.Limits)
	}
	for class, limit := range p.Limits {
		if limit == nil {
			delete(limits, class)
			continue
		}
		limits[class] = *limit
	}
	t.st.putQuota(&model.Quota{Project: p.Project, Limits: limits})
	return nil
}

// quotaReset keeps the row, with nothing in it.
func (t *tx) quotaReset(p *QuotaRef) error {
	if !t.st.HasQuota(p.Project) {
		return notFound("Quotas", p.Project)
	}
	t.st.putQuota(&model.Quota{Project: p.Project})
	return nil
}

// quotaNouns name the classes in refusals.
var quotaNouns = map[model.QuotaClass]string{
	model.QuotaLoadBalancer:  "Load Balancer",
	model.QuotaListener:      "Listener",
	model.QuotaPool:          "Pool",
	model.QuotaMember:        "Member",
	model.QuotaHealthMonitor: "Health Monitor",
	model.QuotaL7Policy:      "L7 Policy",
	model.QuotaL7Rule:        "L7 Rule",
}

// charge refuses n more objects of a class where the project's limit does not
// allow them. What is being deleted counts until it is gone. It only asks: the
// put and drop functions of the tables do the counting, with State.count.
func (t *tx) charge(project model.ProjectID, class model.QuotaClass, n int) error {
	if t.unmetered {
		return nil
	}
	return t.st.CheckQuota(project, class, n)
}

// CheckQuota fails with Quota when a project may not have n more objects of a class
// now. What counts is the check when the entry is applied: this one is for the order
// of refusals.
func (st *State) CheckQuota(project model.ProjectID, class model.QuotaClass, n int) error {
	limit := st.quotas[project].Limit(class)
	if limit == model.Unlimited || n <= 0 || st.usage[usageKey{project, class}]+n <= limit {
		return nil
	}
	return Errorf(Quota, "Quota has been met for resources: %s", quotaNouns[class])
}

// usageKey is what is counted together.
type usageKey struct {
	project model.ProjectID
	class   model.QuotaClass
}

// count keeps the number of a project's objects. The table of a counted noun
// calls it with 1 when an object enters and with -1 when it leaves.
func (st *State) count(project model.ProjectID, class model.QuotaClass, by int) {
	k := usageKey{project, class}
	if st.usage[k] += by; st.usage[k] == 0 {
		delete(st.usage, k)
	}
}

func (st *State) putQuota(q *model.Quota) { st.quotas[q.Project] = q }

// Quota are a project's limits; where it has none, all are unlimited.
func (st *State) Quota(project model.ProjectID) *model.Quota {
	if q, ok := st.quotas[project]; ok {
		return q
	}
	return &model.Quota{Project: project}
}

// HasQuota reports whether a project has a row among the quotas: one was set,
// or it owns something.
func (st *State) HasQuota(project model.ProjectID) bool {
	if _, ok := st.quotas[project]; ok {
		return true
	}
	for class := range quotaNouns {
		if st.usage[usageKey{project, class}] > 0 {
			return true
		}
	}
	return false
}

// Quotas are the rows, by project.
func (st *State) Quotas() []*model.Quota {
	rows := maps.Clone(st.quotas)
	for k := range st.usage {
		if _, ok := rows[k.project]; !ok {
			rows[k.project] = &model.Quota{Project: k.project}
		}
	}
	out := make([]*model.Quota, 0, len(rows))
	for _, id := range sortedKeys(rows) {
		out = append(out, rows[id])
	}
	return out
}

// Usage is how many objects of a class a project has.
func (st *State) Usage(project model.ProjectID, class model.QuotaClass) int {
	return st.usage[usageKey{project, class}]
}
