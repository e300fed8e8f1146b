package store

import (
	"net/netip"

	"lbd/store/model"
)

// State is everything the cluster agrees on, with the indexes to find it.
// Its methods (view.go) only read. All writes go through the put and drop
// functions of table_*.go, which keep the indexes.
type State struct {
	clusterID   string
	settings    *model.Settings // nil: all default; replaced, never changed
	roleChanges map[uint64]*model.RoleChange

	spread       model.Spread
	spreadPlaces map[model.LoadBalancerID]model.SpreadPlace // empty while Spread was never used
	// spreadChanges is the history, oldest version first; replaced, never changed.
	spreadChanges []model.SpreadChange

	loadBalancers map[model.LoadBalancerID]*model.LoadBalancer
	listeners     map[model.ListenerID]*model.Listener
	pools         map[model.PoolID]*model.Pool
	members       map[model.MemberID]*model.Member
	monitors      map[model.HealthMonitorID]*model.HealthMonitor
	quotas        map[model.ProjectID]*model.Quota
	networkQuotas map[model.ProjectID]*model.Quota

	l7policies map[model.L7PolicyID]*model.L7Policy
	l7rules    map[model.L7RuleID]*model.L7Rule

	flavors        map[model.FlavorID]*model.Flavor
	flavorProfiles map[model.FlavorProfileID]*model.FlavorProfile
	zones          map[model.ZoneName]*model.AvailabilityZone
	zoneProfiles   map[model.ZoneProfileID]*model.ZoneProfile

	networks    map[model.NetworkID]*model.Network
	subnets     map[model.SubnetID]*model.Subnet
	ports       map[model.PortID]*model.Port
	routers     map[model.RouterID]*model.Router
	floatingIPs map[model.FloatingIPID]*model.FloatingIP

	securityGroups     map[model.SecurityGroupID]*model.SecurityGroup
	securityGroupRules map[model.SecurityGroupRuleID]*model.SecurityGroupRule

	domains        map[model.DomainID]*model.Domain
	projects       map[model.ProjectID]*model.Project
	users          map[model.UserID]*model.User
	groups         map[model.GroupID]*model.Group
	memberships    map[model.Membership]struct{}
	roles          map[model.RoleID]*model.Role
	assignments    map[model.Assignment]struct{}
	appCredentials map[model.AppCredentialID]*model.AppCredential
	revocations    map[model.AuditID]*model.Revocation
	nodes          map[model.NodeID]*model.Node
	dismissals     map[model.Dismissal]struct{}

	secrets    map[model.SecretID]*model.Secret
	containers map[model.ContainerID]*model.Container

	// Everything below is derived from the above and not in a snapshot.

	loadBalancersByAge *ordered[model.LoadBalancer]
	listenersByAge     *ordered[model.Listener]
	poolsByAge         *ordered[model.Pool]

	listenersOf    index[model.LoadBalancerID, model.ListenerID]
	poolsOf        index[model.LoadBalancerID, model.PoolID]
	membersOf      map[model.PoolID]roster
	monitorOf      map[model.PoolID]model.HealthMonitorID
	listenersUsing index[model.PoolID, model.ListenerID] // by default pool
	listenerAt     map[listenerKey]model.ListenerID
	policiesOf     index[model.ListenerID, model.L7PolicyID]
	policiesTo     index[model.PoolID, model.L7PolicyID] // by redirect pool
	rulesOf        index[model.L7PolicyID, model.L7RuleID]

	flavorAt      map[string]model.FlavorID // by name
	flavorsBy     index[model.FlavorProfileID, model.FlavorID]
	zonesBy       index[model.ZoneProfileID, model.ZoneName]
	flavoredLoads index[model.FlavorID, model.LoadBalancerID]
	zonedLoads    index[model.ZoneName, model.LoadBalancerID]

	secretsOf    index[model.ProjectID, model.SecretID]
	containersOf index[model.ProjectID, model.ContainerID]
	holding      index[model.SecretID, model.ContainerID] // containers by what they hold
	keyUsers     index[string, ref]                       // listeners and pools by secret or container

	subnetsOf     index[model.NetworkID, model.SubnetID]
	portsOn       index[model.NetworkID, model.PortID]
	portsIn       index[model.SubnetID, model.PortID]
	portsOf       index[string, model.PortID] // by device
	portAt        map[networkAddr]model.PortID
	routersIn     index[model.SubnetID, model.RouterID]  // by interface
	routersTo     index[model.NetworkID, model.RouterID] // by gateway network
	membersIn     index[model.SubnetID, model.MemberID]
	floatingOn    index[model.NetworkID, model.FloatingIPID]
	floatingIn    index[model.SubnetID, model.FloatingIPID]
	floatingOf    index[model.PortID, model.FloatingIPID]
	floatingBy    index[model.RouterID, model.FloatingIPID]
	groupRules    index[model.SecurityGroupID, model.SecurityGroupRuleID]
	rulesFrom     index[model.SecurityGroupID, model.SecurityGroupRuleID] // by remote group
	portsUnder    index[model.SecurityGroupID, model.PortID]
	defaultGroup  map[model.ProjectID]model.SecurityGroupID
	loadBalancing map[model.PortID]model.LoadBalancerID // VIP ports
	serviceAddrs  map[netip.Addr]string                 // every VIP and floating IP → id of its owner

	domainAt         map[string]model.DomainID
	projectAt        map[projectKey]model.ProjectID
	userAt           map[userKey]model.UserID
	groupAt          map[groupKey]model.GroupID
	groupsOf         index[model.UserID, model.GroupID]
	usersIn          index[model.GroupID, model.UserID]
	roleAt           map[string]model.RoleID // by lower-case name
	assignmentsOf    index[model.UserID, model.Assignment]
	assignmentsTo    index[model.GroupID, model.Assignment]
	appCredentialsOf index[model.UserID, model.AppCredentialID]
	appCredentialAt  map[appCredentialKey]model.AppCredentialID
	revocationsOf    index[model.UserID, model.AuditID]

	nodeAddrs map[netip.Addr]int // addresses of nodes, counted
	taken     map[netip.Addr]int // addresses never to allocate, counted
	searchAt  map[model.SubnetID]netip.Addr

	usage   map[usageKey]int // how many objects of a class a project has
	pending map[ref]uint64   // every PENDING_* object → its Pending index
	dirty   dirt             // what Config has to rebuild
}

type (
	listenerKey struct {
		lb        model.LoadBalancerID
		transport model.Protocol
		port      uint16
	}
	networkAddr struct {
		network model.NetworkID
		addr    netip.Addr
	}
)

// noun tells apart the objects that have a provisioning status.
type noun uint8

const (
	nounLoadBalancer noun = iota
	nounListener
	nounPool
	nounMember
	nounMonitor
	nounL7Policy
	nounL7Rule
	nouns // how many
)

// ref names one object with a provisioning status.
type ref struct {
	noun noun
	id   string
}

func newState() *State {
	return &State{
		loadBalancers:  map[model.LoadBalancerID]*model.LoadBalancer{},
		listeners:      map[model.ListenerID]*model.Listener{},
		pools:          map[model.PoolID]*model.Pool{},
		members:        map[model.MemberID]*model.Member{},
		monitors:       map[model.HealthMonitorID]*model.HealthMonitor{},
		l7policies:     map[model.L7PolicyID]*model.L7Policy{},
		l7rules:        map[model.L7RuleID]*model.L7Rule{},
		networks:       map[model.NetworkID]*model.Network{},
		subnets:        map[model.SubnetID]*model.Subnet{},
		ports:          map[model.PortID]*model.Port{},
		routers:        map[model.RouterID]*model.Router{},
		floatingIPs:    map[model.FloatingIPID]*model.FloatingIP{},
		quotas:         map[model.ProjectID]*model.Quota{},
		networkQuotas:  map[model.ProjectID]*model.Quota{},
		domains:        map[model.DomainID]*model.Domain{},
		projects:       map[model.ProjectID]*model.Project{},
		users:          map[model.UserID]*model.User{},
		groups:         map[model.GroupID]*model.Group{},
		memberships:    map[model.Membership]struct{}{},
		roles:          map[model.RoleID]*model.Role{},
		roleChanges:    map[uint64]*model.RoleChange{},
		spreadPlaces:   map[model.LoadBalancerID]model.SpreadPlace{},
		assignments:    map[model.Assignment]struct{}{},
		appCredentials: map[model.AppCredentialID]*model.AppCredential{},
		revocations:    map[model.AuditID]*model.Revocation{},
		nodes:          map[model.NodeID]*model.Node{},
		dismissals:     map[model.Dismissal]struct{}{},

		securityGroups:     map[model.SecurityGroupID]*model.SecurityGroup{},
		securityGroupRules: map[model.SecurityGroupRuleID]*model.SecurityGroupRule{},

		flavors:        map[model.FlavorID]*model.Flavor{},
		flavorProfiles: map[model.FlavorProfileID]*model.FlavorProfile{},
		zones:          map[model.ZoneName]*model.AvailabilityZone{},
		zoneProfiles:   map[model.ZoneProfileID]*model.ZoneProfile{},
		flavorAt:       map[string]model.FlavorID{},
		flavorsBy:      index[model.FlavorProfileID, model.FlavorID]{},
		zonesBy:        index[model.ZoneProfileID, model.ZoneName]{},
		flavoredLoads:  index[model.FlavorID, model.LoadBalancerID]{},
		zonedLoads:     index[model.ZoneName, model.LoadBalancerID]{},

		secrets:      map[model.SecretID]*model.Secret{},
		containers:   map[model.ContainerID]*model.Container{},
		secretsOf:    index[model.ProjectID, model.SecretID]{},
		containersOf: index[model.ProjectID, model.ContainerID]{},
		holding:      index[model.SecretID, model.ContainerID]{},
		keyUsers:     index[string, ref]{},

		loadBalancersByAge: &ordered[model.LoadBalancer]{by: byLoadBalancer},
		listenersByAge:     &ordered[model.Listener]{by: byListener},
		poolsByAge:         &ordered[model.Pool]{by: byPool},

		listenersOf:    index[model.LoadBalancerID, model.ListenerID]{},
		poolsOf:        index[model.LoadBalancerID, model.PoolID]{},
		membersOf:      map[model.PoolID]roster{},
		monitorOf:      map[model.PoolID]model.HealthMonitorID{},
		listenersUsing: index[model.PoolID, model.ListenerID]{},
		listenerAt:     map[listenerKey]model.ListenerID{},
		policiesOf:     index[model.ListenerID, model.L7PolicyID]{},
		policiesTo:     index[model.PoolID, model.L7PolicyID]{},
		rulesOf:        index[model.L7PolicyID, model.L7RuleID]{},

		subnetsOf:     index[model.NetworkID, model.SubnetID]{},
		portsOn:       index[model.NetworkID, model.PortID]{},
		portsIn:       index[model.SubnetID, model.PortID]{},
		portsOf:       index[string, model.PortID]{},
		portAt:        map[networkAddr]model.PortID{},
		routersIn:     index[model.SubnetID, model.RouterID]{},
		routersTo:     index[model.NetworkID, model.RouterID]{},
		membersIn:     index[model.SubnetID, model.MemberID]{},
		floatingOn:    index[model.NetworkID, model.FloatingIPID]{},
		floatingIn:    index[model.SubnetID, model.FloatingIPID]{},
		floatingOf:    index[model.PortID, model.FloatingIPID]{},
		floatingBy:    index[model.RouterID, model.FloatingIPID]{},
		groupRules:    index[model.SecurityGroupID, model.SecurityGroupRuleID]{},
		rulesFrom:     index[model.SecurityGroupID, model.SecurityGroupRuleID]{},
		portsUnder:    index[model.SecurityGroupID, model.PortID]{},
		defaultGroup:  map[model.ProjectID]model.SecurityGroupID{},
		loadBalancing: map[model.PortID]model.LoadBalancerID{},
		serviceAddrs:  map[netip.Addr]string{},

		domainAt:         map[string]model.DomainID{},
		projectAt:        map[projectKey]model.ProjectID{},
		userAt:           map[userKey]model.UserID{},
		roleAt:           map[string]model.RoleID{},
		groupAt:          map[groupKey]model.GroupID{},
		groupsOf:         index[model.UserID, model.GroupID]{},
		usersIn:          index[model.GroupID, model.UserID]{},
		assignmentsOf:    index[model.UserID, model.Assignment]{},
		assignmentsTo:    index[model.GroupID, model.Assignment]{},
		appCredentialsOf: index[model.UserID, model.AppCredentialID]{},
		appCredentialAt:  map[appCredentialKey]model.AppCredentialID{},
		revocationsOf:    index[model.UserID, model.AuditID]{},

		nodeAddrs: map[netip.Addr]int{},
		taken:     map[netip.Addr]int{},
		searchAt:  map[model.SubnetID]netip.Addr{},

		usage:   map[usageKey]int{},
		pending: map[ref]uint64{},
		dirty: dirt{
			services: map[model.LoadBalancerID]struct{}{},
			backends: map[model.PoolID]struct{}{},
		},
	}
}

// index finds children by parent.
type index[P, C comparable] map[P]map[C]struct{}

func (ix index[P, C]) add(p P, c C) {
	set := ix[p]
	if set == nil {
		set = map[C]struct{}{}
		ix[p] = set
	}
	set[c] = struct{}{}
}

func (ix index[P, C]) remove(p P, c C) {
	set := ix[p]
	delete(set, c)
	if len(set) == 0 {
		delete(ix, p)
	}
}
