package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"lbd/store/model"
)

// section is one kind of record in a snapshot. Names are never reused.
type section struct {
	name  string
	write func(st *State, emit func(v any))
	read  func(st *State, data []byte) error
}

// sections are in the order they are written in.
var sections = []section{
	table("domain", func(st *State) map[model.DomainID]*model.Domain { return st.domains },
		func(v *model.Domain) model.DomainID { return v.ID }, (*State).putDomain),
	table("project", func(st *State) map[model.ProjectID]*model.Project { return st.projects },
		func(v *model.Project) model.ProjectID { return v.ID },
		(*State).putProject),
	table("user", func(st *State) map[model.UserID]*model.User { return st.users },
		func(v *model.User) model.UserID { return v.ID },
		(*State).putUser),
	table("role", func(st *State) map[model.RoleID]*model.Role { return st.roles },
		func(v *model.Role) model.RoleID { return v.ID },
		(*State).putRole),
	table("group", func(st *State) map[model.GroupID]*model.Group { return st.groups },
		func(v *model.Group) model.GroupID { return v.ID }, (*State).putGroup),
	{name: "membership", write: writeMemberships, read: readMembership},
	{name: "assignment", write: writeAssignments, read: readAssignment},
	{name: "settings", write: writeSettings, read: readSettings},
	{name: "rolechange", write: writeRoleChanges, read: readRoleChange},
	table("appcredential", func(st *State) map[model.AppCredentialID]*model.AppCredential { return st.appCredentials },
		func(v *model.AppCredential) model.AppCredentialID { return v.ID }, (*State).putAppCredential),
	table("revocation", func(st *State) map[model.AuditID]*model.Revocation { return st.revocations },
		func(v *model.Revocation) model.AuditID { return v.Audit }, (*State).putRevocation),
	table("node", func(st *State) map[model.NodeID]*model.Node { return st.nodes },
		func(v *model.Node) model.NodeID { return v.ID }, (*State).putNode),

	table("network", func(st *State) map[model.NetworkID]*model.Network { return st.networks },
		func(v *model.Network) model.NetworkID { return v.ID }, (*State).putNetwork),
	table("subnet", func(st *State) map[model.SubnetID]*model.Subnet { return st.subnets },
		func(v *model.Subnet) model.SubnetID { return v.ID }, (*State).putSubnet),
	table("securitygroup", func(st *State) map[model.SecurityGroupID]*model.SecurityGroup { return st.securityGroups },
		func(v *model.SecurityGroup) model.SecurityGroupID { return v.ID }, (*State).putSecurityGroup),
	table("securitygrouprule", func(st *State) map[model.SecurityGroupRuleID]*model.SecurityGroupRule { return st.securityGroupRules },
		func(v *model.SecurityGroupRule) model.SecurityGroupRuleID { return v.ID }, (*State).putSecurityGroupRule),
	table("port", func(st *State) map[model.PortID]*model.Port { return st.ports },
		func(v *model.Port) model.PortID { return v.ID }, (*State).putPort),
	table("router", func(st *State) map[model.RouterID]*model.Router { return st.routers },
		func(v *model.Router) model.RouterID { return v.ID }, (*State).putRouter),
	table("floatingip", func(st *State) map[model.FloatingIPID]*model.FloatingIP { return st.floatingIPs },
		func(v *model.FloatingIP) model.FloatingIPID { return v.ID }, (*State).putFloatingIP),

	table("secret", func(st *State) map[model.SecretID]*model.Secret { return st.secrets },
		func(v *model.Secret) model.SecretID { return v.ID }, (*State).putSecret),
	table("container", func(st *State) map[model.ContainerID]*model.Container { return st.containers },
		func(v *model.Container) model.ContainerID { return v.ID }, (*State).putContainer),

	table("quota", func(st *State) map[model.ProjectID]*model.Quota { return st.quotas },
		func(v *model.Quota) model.ProjectID { return v.Project }, (*State).putQuota),
	table("flavorprofile", func(st *State) map[model.FlavorProfileID]*model.FlavorProfile { return st.flavorProfiles },
		func(v *model.FlavorProfile) model.FlavorProfileID { return v.ID }, (*State).putFlavorProfile),
	table("flavor", func(st *State) map[model.FlavorID]*model.Flavor { return st.flavors },
		func(v *model.Flavor) model.FlavorID { return v.ID }, (*State).putFlavor),
	table("availabilityzoneprofile", func(st *State) map[model.ZoneProfileID]*model.ZoneProfile { return st.zoneProfiles },
		func(v *model.ZoneProfile) model.ZoneProfileID { return v.ID }, (*State).putZoneProfile),
	table("availabilityzone", func(st *State) map[model.ZoneName]*model.AvailabilityZone { return st.zones },
		func(v *model.AvailabilityZone) model.ZoneName { return v.Name }, (*State).putZone),
	table("loadbalancer", func(st *State) map[model.LoadBalancerID]*model.LoadBalancer { return st.loadBalancers },
		func(v *model.LoadBalancer) model.LoadBalancerID { return v.ID }, (*State).putLoadBalancer),
	table("pool", func(st *State) map[model.PoolID]*model.Pool { return st.pools },
		func(v *model.Pool) model.PoolID { return v.ID }, (*State).putPool),
	table("listener", func(st *State) map[model.ListenerID]*model.Listener { return st.listeners },
		func(v *model.Listener) model.ListenerID { return v.ID }, (*State).putListener),
	table("member", func(st *State) map[model.MemberID]*model.Member { return st.members },
		func(v *model.Member) model.MemberID { return v.ID }, (*State).putMember),
	table("healthmonitor", func(st *State) map[model.HealthMonitorID]*model.HealthMonitor { return st.monitors },
		func(v *model.HealthMonitor) model.HealthMonitorID { return v.ID }, (*State).putMonitor),
	table("l7policy", func(st *State) map[model.L7PolicyID]*model.L7Policy { return st.l7policies },
		func(v *model.L7Policy) model.L7PolicyID { return v.ID }, (*State).putL7Policy),
	table("l7rule", func(st *State) map[model.L7RuleID]*model.L7Rule { return st.l7rules },
		func(v *model.L7Rule) model.L7RuleID { return v.ID }, (*State).putL7Rule),

	{name: "spread", write: writeSpread, read: readSpread},
	{name: "spreadplace", write: writeSpreadPlaces, read: readSpreadPlace},
	{name: "spreadchange", write: writeSpreadChanges, read: readSpreadChange},
	{name: "dismissal", write: writeDismissals, read: readDismissal},
	table("networkquota", func(st *State) map[model.ProjectID]*model.Quota { return st.networkQuotas },
		func(v *model.Quota) model.ProjectID { return v.Project }, (*State).putNetworkQuota),
}

func table[K ~string, V any](name string, of func(*State) map[K]*V, id func(*V) K, put func(*State, *V)) section {
	return section{
		name: name,
		write: func(st *State, emit func(any)) {
			m := of(st)
			for _, k := range sortedKeys(m) {
				emit(m[k])
			}
		},
		read: func(st *State, data []byte) error {
			v := new(V)
			if err := decodeStrictly(data, v); err != nil {
				return err
			}
			if id(v) == "" {
				return errors.New("it has no id")
			}
			if _, ok := of(st)[id(v)]; ok {
				return errors.New("two have the id " + string(id(v)))
			}
			put(st, v)
			return nil
		},
	}
}

func writeSettings(st *State, emit func(any)) {
	if st.settings != nil {
		emit(st.settings)
	}
}

func readSettings(st *State, data []byte) error {
	if st.settings != nil {
		return errors.New("there are two")
	}
	st.settings = new(model.Settings)
	return decodeStrictly(data, st.settings)
}

func writeRoleChanges(st *State, emit func(any)) {
	for _, c := range st.RoleChanges() {
		emit(c)
	}
}

func readRoleChange(st *State, data []byte) error {
	c := new(model.RoleChange)
	if err := decodeStrictly(data, c); err != nil {
		return err
	}
	if c.Term == 0 || st.roleChanges[c.Term] != nil {
		return errors.New("its term is 0 or there twice")
	}
	st.putRoleChange(c)
	return nil
}

func writeSpread(st *State, emit func(any)) {
	if st.spread.Version != 0 {
		emit(st.spread)
	}
}

func readSpread(st *State, data []byte) error {
	if st.spread.Version != 0 {
		return errors.New("there are two")
	}
	return decodeStrictly(data, &st.spread)
}

// spreadPlace is a place as a snapshot has it.
type spreadPlace struct {
	LoadBalancer model.LoadBalancerID `json:"loadbalancer"`
	model.SpreadPlace
}

func writeSpreadPlaces(st *State, emit func(any)) {
	for _, id := range sortedKeys(st.spreadPlaces) {
		emit(spreadPlace{id, st.spreadPlaces[id]})
	}
}

func readSpreadPlace(st *State, data []byte) error {
	var p spreadPlace
	if err := decodeStrictly(data, &p); err != nil {
		return err
	}
	if st.loadBalancers[p.LoadBalancer] == nil || p.Node == "" {
		return errors.New("it names no load balancer or node")
	}
	st.spreadPlaces[p.LoadBalancer] = p.SpreadPlace
	return nil
}

func writeSpreadChanges(st *State, emit func(any)) {
	for _, c := range st.spreadChanges {
		emit(c)
	}
}

func readSpreadChange(st *State, data []byte) error {
	var c model.SpreadChange
	if err := decodeStrictly(data, &c); err != nil {
		return err
	}
	if c.Version == 0 || c.To == "" {
		return errors.New("it has no version or node")
	}
	st.spreadChanges = keepChanges(st.spreadChanges, c)
	return nil
}

func writeDismissals(st *State, emit func(any)) {
	for _, d := range st.Dismissals() {
		emit(d)
	}
}

func readDismissal(st *State, data []byte) error {
	var d model.Dismissal
	if err := decodeStrictly(data, &d); err != nil {
		return err
	}
	st.dismissals[d] = struct{}{}
	return nil
}

func writeAssignments(st *State, emit func(any)) {
	for _, a := range st.Assignments() {
		emit(a)
	}
}

func readAssignment(st *State, data []byte) error {
	var a model.Assignment
	if err := decodeStrictly(data, &a); err != nil {
		return err
	}
	st.putAssignment(a)
	return nil
}

func writeMemberships(st *State, emit func(any)) {
	for _, m := range st.Memberships() {
		emit(m)
	}
}

func readMembership(st *State, data []byte) error {
	var m model.Membership
	if err := decodeStrictly(data, &m); err != nil {
		return err
	}
	st.putMembership(m)
	return nil
}

// decodeStrictly refuses fields it does not know: a node that dropped what a
// newer version wrote would differ from the others without anybody noticing.
func decodeStrictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is something after its value")
	}
	return nil
}
