package model

// Quota is how many objects of each class a project may have.
type Quota struct {
	Project ProjectID `json:"project"`
	// Limits are 0..MaxQuota or Unlimited; a class that is not in it is unlimited.
	Limits map[QuotaClass]int `json:"limits,omitempty"`
}

// Bounds of a limit (contract section 9).
const (
	Unlimited = -1
	MaxQuota  = 2_000_000_000
)

// Limit is how many objects of a class there may be, or Unlimited.
func (q *Quota) Limit(class QuotaClass) int {
	if q == nil {
		return Unlimited
	}
	if n, ok := q.Limits[class]; ok {
		return n
	}
	return Unlimited
}

// QuotaClass is a sort of objects that is counted, named as in the API.
type QuotaClass string

const (
	QuotaLoadBalancer  QuotaClass = "loadbalancer"
	QuotaListener      QuotaClass = "listener"
	QuotaPool          QuotaClass = "pool"
	QuotaMember        QuotaClass = "member"
	QuotaHealthMonitor QuotaClass = "healthmonitor"
	QuotaL7Policy      QuotaClass = "l7policy"
	QuotaL7Rule        QuotaClass = "l7rule"
)

// QuotaClasses are all of them.
func QuotaClasses() []QuotaClass {
	return []QuotaClass{
		QuotaLoadBalancer, QuotaListener, QuotaMember, QuotaPool, QuotaHealthMonitor, QuotaL7Policy, QuotaL7Rule,
	}
}

// The classes of networking's quotas, named as Neutron's. Of the last two there is
// nothing here: a limit of them is kept and bounds nothing.
const (
	QuotaNetwork           QuotaClass = "network"
	QuotaSubnet            QuotaClass = "subnet"
	QuotaPort              QuotaClass = "port"
	QuotaRouter            QuotaClass = "router"
	QuotaFloatingIP        QuotaClass = "floatingip"
	QuotaSecurityGroup     QuotaClass = "security_group"
	QuotaSecurityGroupRule QuotaClass = "security_group_rule"
	QuotaSubnetPool        QuotaClass = "subnetpool"
	QuotaRBACPolicy        QuotaClass = "rbac_policy"
)

// NetworkQuotaClasses are all of networking's.
func NetworkQuotaClasses() []QuotaClass {
	return []QuotaClass{
		QuotaNetwork, QuotaSubnet, QuotaPort, QuotaRouter, QuotaFloatingIP, QuotaSecurityGroup, QuotaSecurityGroupRule, QuotaSubnetPool, QuotaRBACPolicy,
	}
}

// MaxNetworkQuota is the largest limit of networking's quotas.
const MaxNetworkQuota = 1<<31 - 1
