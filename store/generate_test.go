package store_test

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// Commands are drawn from few ids and addresses, so that they meet: about half
// of them are refused, for all sorts of reasons.

// foundation is what a sequence of drawn commands begins with.
func foundation() []store.Command {
	return []store.Command{
		{Kind: store.ClusterInit, Payload: initPayload()},
		{Kind: store.NetworkCreate, Payload: &model.Network{ID: "a"}},
		{Kind: store.SubnetCreate, Payload: subnet("a", "a", "10.0.0.0/28", "10.0.0.1")},
		{Kind: store.NetworkCreate, Payload: &model.Network{ID: "b", External: true}},
		{Kind: store.SubnetCreate, Payload: subnet("b", "b", "10.0.1.0/29", "10.0.1.1")},
		{Kind: store.RouterCreate, Payload: &store.RouterCreatePayload{Router: model.Router{ID: "a", External: "b"}, GatewayPort: model.Port{ID: "gw-a"}}},
		{Kind: store.RouterAttach, Payload: &store.RouterAttachPayload{Router: "a", Subnet: "a", Port: model.Port{ID: "if-a"}}},
		{Kind: store.LoadBalancerCreate, Payload: &store.LoadBalancerCreatePayload{
			LoadBalancer: model.LoadBalancer{ID: "a", VIP: model.VIP{Subnet: "a"}}, NewPort: model.Port{ID: "vip-a"},
		}},
		{Kind: store.ListenerCreate, Payload: listener("a", "a", 80)},
		{Kind: store.PoolCreate, Payload: pool("a", "", "a")},
		{Kind: store.MemberCreate, Payload: member("a", "a", "10.0.0.9")},
		{Kind: store.MonitorCreate, Payload: monitor("a", "a")},
		{Kind: store.PoolCreate, Payload: pool("b", "a", "")},
		{Kind: store.L7PolicyCreate, Payload: toPool("a", "a", "b")},
		{Kind: store.L7RuleCreate, Payload: rule("a", "a")},
	}
}

// drawKind draws the verbs of load balancing more often than the others, and
// making and changing more often than deleting.
func drawKind(t *rapid.T) store.CommandKind {
	kinds := slices.Sorted(maps.Keys(generators))
	for range 8 {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		noun, verb, _ := strings.Cut(string(kind), ".")
		rare := verb == "delete" || slices.Contains(identityNouns(), noun) || slices.Contains([]string{"network", "subnet", "router", "cluster", "node", "flavor", "flavorprofile", "availabilityzone", "availabilityzoneprofile"}, noun)
		if !rare || rapid.IntRange(0, 3).Draw(t, "rare") == 0 {
			return kind
		}
	}
	return store.MemberCreate
}

func id(t *rapid.T, what string) string {
	return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, what)
}

func maybe(t *rapid.T, what string) string {
	return rapid.SampledFrom([]string{"", "", "a", "b", "c"}).Draw(t, what)
}

func someAddr(t *rapid.T) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(rapid.IntRange(0, 2).Draw(t, "net")), byte(rapid.IntRange(0, 9).Draw(t, "host"))})
}

func maybeAddr(t *rapid.T) netip.Addr {
	if rapid.Bool().Draw(t, "with address") {
		return someAddr(t)
	}
	return netip.Addr{}
}

func fixedIPs(t *rapid.T) (out []model.FixedIP) {
	for range rapid.IntRange(0, 2).Draw(t, "fixed ips") {
		out = append(out, model.FixedIP{Subnet: model.SubnetID(maybe(t, "subnet")), Address: maybeAddr(t)})
	}
	return out
}

func protocol(t *rapid.T) model.Protocol {
	return rapid.SampledFrom([]model.Protocol{model.HTTP, model.HTTP, model.TCP, model.UDP, model.Prometheus}).Draw(t, "protocol")
}

func up(t *rapid.T) model.Base { return model.Base{AdminStateUp: rapid.Bool().Draw(t, "up")} }

func vip(t *rapid.T) model.VIP {
	if rapid.Bool().Draw(t, "plain") {
		return model.VIP{Subnet: "a"}
	}
	return model.VIP{
		Port: model.PortID(maybe(t, "port")), Network: model.NetworkID(maybe(t, "network")),
		Subnet: model.SubnetID(maybe(t, "subnet")), Address: maybeAddr(t),
	}
}

var generators = joined(balancingGenerators, identityGenerators, octaviaGenerators, l7Generators, flavorGenerators)

// joined is the union of maps that share no key.
func joined(parts ...map[store.CommandKind]func(*rapid.T) any) map[store.CommandKind]func(*rapid.T) any {
	all := map[store.CommandKind]func(*rapid.T) any{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}

var balancingGenerators = map[store.CommandKind]func(*rapid.T) any{
	store.ClusterInit: func(t *rapid.T) any { return initPayload() },
	store.NodePut: func(t *rapid.T) any {
		return &model.Node{
			ID: model.NodeID(id(t, "node")), Name: id(t, "name"),
			Kind:      rapid.SampledFrom([]model.NodeKind{model.DataNode, model.Witness, model.Spare}).Draw(t, "kind"),
			Addresses: []netip.Prefix{netip.PrefixFrom(someAddr(t), 24)},
		}
	},
	store.SettingsPut: func(t *rapid.T) any {
		return &model.Settings{Profile: rapid.SampledFrom([]model.Profile{"fast", "default", "calm", "hasty"}).Draw(t, "profile")}
	},
	store.RoleChangeNote: func(t *rapid.T) any {
		return &model.RoleChange{Term: rapid.Uint64Range(0, 9).Draw(t, "term"), Node: model.NodeID(id(t, "node")), GapMS: -1}
	},
	store.SpreadPut: func(t *rapid.T) any {
		p := &store.SpreadPayload{On: rapid.Bool().Draw(t, "on"), Holder: "n1", Base: rapid.Uint64Range(0, 30).Draw(t, "base")}
		if rapid.Bool().Draw(t, "moves") {
			p.Moves = []store.SpreadMove{{LoadBalancer: model.LoadBalancerID(id(t, "lb")), Node: model.NodeID(id(t, "node"))}}
		}
		return p
	},
	store.SpreadNote: func(t *rapid.T) any {
		v := rapid.Uint64Range(0, 30).Draw(t, "version")
		c := model.SpreadChange{Version: v, From: "n2", To: model.NodeID(id(t, "node")), Count: 2, LoadBalancers: []model.LoadBalancerID{"x"}, Why: "silent"}
		return &store.SpreadNotePayload{Version: v, Changes: slices.Repeat([]model.SpreadChange{c}, rapid.IntRange(0, 3).Draw(t, "changes"))}
	},
	store.NodeReplace: func(t *rapid.T) any {
		return &store.NodeReplacement{Lost: model.NodeID(id(t, "node")), By: model.NodeID(id(t, "node"))}
	},
	store.AmphoraDismiss: func(t *rapid.T) any {
		return &model.Dismissal{Node: model.NodeID(id(t, "node")), LoadBalancer: model.LoadBalancerID(id(t, "lb"))}
	},
	store.AmphoraRestore: func(t *rapid.T) any { return &store.NodeRef{ID: model.NodeID(id(t, "node"))} },
	store.NodeRemove:     func(t *rapid.T) any { return &store.NodeRef{ID: model.NodeID(id(t, "node"))} },
	store.SettleKind: func(t *rapid.T) any {
		s := &store.Settle{Index: uint64(rapid.IntRange(0, 150).Draw(t, "index"))}
		if rapid.Bool().Draw(t, "fails") {
			s.Failures = []model.Failure{{Object: id(t, "object"), Reason: "because"}}
		}
		return s
	},
	store.LoadBalancerCreate: func(t *rapid.T) any {
		n := id(t, "lb")
		p := &store.LoadBalancerCreatePayload{
			NewPort:      model.Port{ID: model.PortID("vip-" + n)},
			LoadBalancer: model.LoadBalancer{ID: model.LoadBalancerID(n), Base: up(t), VIP: vip(t)},
		}
		if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
			p.LoadBalancer.AdditionalVIPs = []model.VIP{vip(t)}
		}
		p.LoadBalancer.Flavor, p.LoadBalancer.AvailabilityZone = model.FlavorID(maybe(t, "flavor")), model.ZoneName(maybe(t, "zone"))
		if rapid.IntRange(0, 3).Draw(t, "grouped") == 0 {
			p.Groups = []model.SecurityGroupID{model.SecurityGroupID(id(t, "group"))}
		}
		return p
	},
	store.LoadBalancerUpdate: func(t *rapid.T) any {
		p := &store.LoadBalancerPatch{ID: model.LoadBalancerID(id(t, "lb"))}
		switch rapid.IntRange(0, 3).Draw(t, "groups") {
		case 0:
			p.Groups = &[]model.SecurityGroupID{}
		case 1:
			p.Groups = &[]model.SecurityGroupID{model.SecurityGroupID(id(t, "group"))}
		}
		return p
	},
	store.LoadBalancerDelete: func(t *rapid.T) any {
		return &store.LoadBalancerDeletePayload{ID: model.LoadBalancerID(id(t, "lb")), Cascade: rapid.Bool().Draw(t, "cascade")}
	},
	store.ListenerCreate: func(t *rapid.T) any {
		return &model.Listener{
			ID: model.ListenerID(id(t, "listener")), Base: up(t), LoadBalancer: model.LoadBalancerID(id(t, "lb")),
			Protocol: protocol(t), Port: uint16(rapid.IntRange(80, 82).Draw(t, "port")), DefaultPool: model.PoolID(maybe(t, "pool")),
			TLS: listenerTLS(t),
		}
	},
	store.ListenerUpdate: func(t *rapid.T) any {
		p := &store.ListenerPatch{ID: model.ListenerID(id(t, "listener"))}
		if rapid.Bool().Draw(t, "repool") {
			p.DefaultPool = ptr(model.PoolID(maybe(t, "pool")))
		}
		if tls := listenerTLS(t); tls != nil {
			p.TLS = &store.ListenerTLSPatch{Certificate: &tls.Certificate, SNI: &tls.SNI}
		}
		return p
	},
	store.ListenerDelete: func(t *rapid.T) any { return &store.ListenerRef{ID: model.ListenerID(id(t, "listener"))} },
	store.PoolCreate: func(t *rapid.T) any {
		return &store.PoolCreatePayload{Listener: model.ListenerID(maybe(t, "listener")), Pool: model.Pool{
			ID:   model.PoolID(id(t, "pool")),
			Base: up(t), LoadBalancer: model.LoadBalancerID(maybe(t, "lb")), Protocol: protocol(t),
		}}
	},
	store.PoolUpdate: func(t *rapid.T) any {
		p := &store.PoolPatch{ID: model.PoolID(id(t, "pool"))}
		if rapid.Bool().Draw(t, "with tls") {
			p.TLS = &store.PoolTLSPatch{CA: ptr(keyRef(t)), Enabled: ptr(true)}
		}
		return p
	},
	store.PoolDelete: func(t *rapid.T) any { return &store.PoolRef{ID: model.PoolID(id(t, "pool"))} },
	store.MemberCreate: func(t *rapid.T) any {
		return &model.Member{
			ID: model.MemberID(id(t, "member")), Base: up(t), Pool: model.PoolID(id(t, "pool")), Address: someAddr(t),
			Port: 80, Subnet: model.SubnetID(maybe(t, "subnet")), MonitorAddress: maybeAddr(t),
		}
	},
	store.MemberUpdate: func(t *rapid.T) any {
		return &store.MemberPatch{ID: model.MemberID(id(t, "member")), Pool: model.PoolID(id(t, "pool")), MonitorAddress: ptr(maybeAddr(t))}
	},
	store.MemberDelete: func(t *rapid.T) any {
		return &store.MemberRef{ID: model.MemberID(id(t, "member")), Pool: model.PoolID(id(t, "pool"))}
	},
	store.MonitorCreate: func(t *rapid.T) any {
		return &model.HealthMonitor{ID: model.HealthMonitorID(id(t, "monitor")), Base: up(t), Pool: model.PoolID(id(t, "pool")), Type: model.MonitorTCP}
	},
	store.MonitorUpdate: func(t *rapid.T) any { return &store.MonitorPatch{ID: model.HealthMonitorID(id(t, "monitor"))} },
	store.MonitorDelete: func(t *rapid.T) any { return &store.MonitorRef{ID: model.HealthMonitorID(id(t, "monitor"))} },

	store.SecretCreate: func(t *rapid.T) any {
		return &model.Secret{ID: model.SecretID(keyID(t)), Record: model.Record{Project: model.ProjectID(id(t, "project"))}, Type: "opaque"}
	},
	store.SecretUpdate: func(t *rapid.T) any {
		p := &store.SecretPatch{ID: model.SecretID(keyID(t))}
		if rapid.Bool().Draw(t, "with payload") {
			p.Sealed, p.ContentType = []byte{1}, "text/plain"
		}
		p.AccessPatch = accessPatch(t)
		return p
	},
	store.NetworkQuotaUpdate: func(t *rapid.T) any {
		p := &store.QuotaPatch{Project: model.ProjectID(id(t, "project")), Limits: map[model.QuotaClass]*int{model.QuotaRouter: nil}}
		p.Limits[rapid.SampledFrom(model.NetworkQuotaClasses()).Draw(t, "class")] = ptr(rapid.IntRange(-2, 3).Draw(t, "limit"))
		return p
	},
	store.NetworkQuotaReset: func(t *rapid.T) any { return &store.QuotaRef{Project: model.ProjectID(id(t, "project"))} },
	store.SecretMetadata: func(t *rapid.T) any {
		p := &store.SecretMetadataPatch{ID: model.SecretID(keyID(t)), Key: id(t, "key"), New: rapid.Bool().Draw(t, "new")}
		if p.Replace = rapid.Bool().Draw(t, "replace"); p.Replace {
			p.All = map[string]string{id(t, "key"): "v", "b": "w"}
		}
		if rapid.Bool().Draw(t, "with a value") {
			p.Value = ptr(id(t, "value"))
		}
		return p
	},
	store.SecretDelete: func(t *rapid.T) any {
		return &store.SecretDeletePayload{ID: model.SecretID(keyID(t)), Force: rapid.Bool().Draw(t, "force")}
	},
	store.ContainerCreate: func(t *rapid.T) any {
		c := &model.Container{ID: model.ContainerID(keyID(t)), Record: model.Record{Project: model.ProjectID(id(t, "project"))}, Type: "generic"}
		for range rapid.IntRange(0, 2).Draw(t, "contents") {
			c.Secrets = append(c.Secrets, secretRef(t))
		}
		return c
	},
	store.ContainerUpdate: func(t *rapid.T) any {
		p := &store.ContainerPatch{ID: model.ContainerID(keyID(t)), AccessPatch: accessPatch(t)}
		switch rapid.IntRange(0, 2).Draw(t, "contents") {
		case 0:
			p.AddSecret = ptr(secretRef(t))
		case 1:
			p.RemoveSecret = ptr(secretRef(t))
		}
		return p
	},
	store.ContainerDelete: func(t *rapid.T) any { return &store.ContainerRef{ID: model.ContainerID(keyID(t))} },

	store.NetworkCreate: func(t *rapid.T) any {
		return &model.Network{ID: model.NetworkID(id(t, "network")), External: rapid.Bool().Draw(t, "external")}
	},
	store.NetworkUpdate: func(t *rapid.T) any {
		return &store.NetworkPatch{ID: model.NetworkID(id(t, "network")), External: ptr(rapid.Bool().Draw(t, "external"))}
	},
	store.NetworkDelete: func(t *rapid.T) any { return &store.NetworkRef{ID: model.NetworkID(id(t, "network"))} },
	store.SubnetCreate: func(t *rapid.T) any {
		return &model.Subnet{
			ID: model.SubnetID(id(t, "subnet")), Network: model.NetworkID(id(t, "network")),
			CIDR: netip.PrefixFrom(someAddr(t), rapid.IntRange(28, 30).Draw(t, "bits")), Gateway: maybeAddr(t),
		}
	},
	store.SubnetUpdate: func(t *rapid.T) any {
		return &store.SubnetPatch{ID: model.SubnetID(id(t, "subnet")), Gateway: ptr(maybeAddr(t))}
	},
	store.SubnetDelete: func(t *rapid.T) any { return &store.SubnetRef{ID: model.SubnetID(id(t, "subnet"))} },
	store.PortCreate: func(t *rapid.T) any {
		return &model.Port{ID: model.PortID(id(t, "port")), Network: model.NetworkID(id(t, "network")), FixedIPs: fixedIPs(t)}
	},
	store.PortUpdate: func(t *rapid.T) any {
		p := &store.PortPatch{ID: anyPort(t)}
		if rapid.Bool().Draw(t, "readdress") {
			p.FixedIPs = ptr(fixedIPs(t))
		}
		if rapid.Bool().Draw(t, "regroup") {
			p.SecurityGroups = ptr(groups(t))
		}
		if rapid.Bool().Draw(t, "reown") {
			p.DeviceID, p.DeviceOwner = ptr(maybe(t, "device")), ptr(maybe(t, "owner"))
		}
		return p
	},
	store.SecurityGroupCreate: func(t *rapid.T) any {
		n := model.SecurityGroupID(id(t, "group"))
		return &store.SecurityGroupCreatePayload{
			Group: model.SecurityGroup{ID: n, Record: model.Record{Project: model.ProjectID(id(t, "project"))}, Default: rapid.Bool().Draw(t, "default")},
			Rules: []model.SecurityGroupRule{{ID: model.SecurityGroupRuleID("first-" + n), Group: n, RemoteGroup: n}},
		}
	},
	store.SecurityGroupUpdate: func(t *rapid.T) any {
		return &store.SecurityGroupPatch{ID: model.SecurityGroupID(id(t, "group")), Stateless: ptr(rapid.Bool().Draw(t, "stateless"))}
	},
	store.SecurityGroupDelete: func(t *rapid.T) any { return &store.SecurityGroupRef{ID: model.SecurityGroupID(id(t, "group"))} },
	store.SecurityGroupRuleCreate: func(t *rapid.T) any {
		r := &model.SecurityGroupRule{
			ID: model.SecurityGroupRuleID(id(t, "rule")), Group: model.SecurityGroupID(id(t, "group")),
			RemoteGroup: model.SecurityGroupID(maybe(t, "remote")), Protocol: maybe(t, "protocol"),
		}
		if rapid.Bool().Draw(t, "prefix") {
			r.RemotePrefix = netip.PrefixFrom(someAddr(t), 32)
		}
		return r
	},
	store.SecurityGroupRuleUpdate: func(t *rapid.T) any {
		return &store.SecurityGroupRulePatch{ID: model.SecurityGroupRuleID(id(t, "rule"))}
	},
	store.SecurityGroupRuleDelete: func(t *rapid.T) any {
		return &store.SecurityGroupRuleRef{ID: model.SecurityGroupRuleID(id(t, "rule"))}
	},
	store.PortDelete: func(t *rapid.T) any { return &store.PortRef{ID: model.PortID(id(t, "port"))} },
	store.RouterCreate: func(t *rapid.T) any {
		n := id(t, "router")
		return &store.RouterCreatePayload{
			GatewayPort: model.Port{ID: model.PortID("gw-" + n)},
			Router:      model.Router{ID: model.RouterID(n), External: model.NetworkID(maybe(t, "external"))},
		}
	},
	store.RouterUpdate: func(t *rapid.T) any {
		n := id(t, "router")
		return &store.RouterPatch{
			ID: model.RouterID(n), External: ptr(model.NetworkID(maybe(t, "external"))),
			GatewayPort: model.Port{ID: model.PortID("gw-" + id(t, "gateway"))},
		}
	},
	store.RouterDelete: func(t *rapid.T) any { return &store.RouterRef{ID: model.RouterID(id(t, "router"))} },
	store.RouterAttach: func(t *rapid.T) any {
		if rapid.IntRange(0, 3).Draw(t, "by port") == 0 {
			return &store.RouterAttachPayload{Router: model.RouterID(id(t, "router")), Existing: model.PortID(id(t, "port"))}
		}
		return &store.RouterAttachPayload{
			Router: model.RouterID(id(t, "router")), Subnet: model.SubnetID(id(t, "subnet")),
			Port: model.Port{ID: model.PortID("if-" + id(t, "port"))},
		}
	},
	store.RouterDetach: func(t *rapid.T) any {
		return &store.RouterDetachPayload{Router: model.RouterID(id(t, "router")), Subnet: model.SubnetID(maybe(t, "subnet"))}
	},
	store.FloatingIPCreate: func(t *rapid.T) any {
		return &store.FloatingIPCreatePayload{FloatingIP: model.FloatingIP{
			ID: model.FloatingIPID(id(t, "fip")), Network: model.NetworkID(id(t, "network")),
			Subnet: model.SubnetID(maybe(t, "subnet")), Address: maybeAddr(t), Port: anyPort(t), Fixed: maybeAddr(t),
		}}
	},
	store.FloatingIPUpdate: func(t *rapid.T) any {
		return &store.FloatingIPPatch{ID: model.FloatingIPID(id(t, "fip")), Port: ptr(anyPort(t)), Fixed: maybeAddr(t)}
	},
	store.FloatingIPDelete: func(t *rapid.T) any { return &store.FloatingIPRef{ID: model.FloatingIPID(id(t, "fip"))} },
}

// keyID is one of few ids that secrets and containers share.
func keyID(t *rapid.T) string {
	return keyUUID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "key"))
}

// keyUUID is the id of key n, as refs need it.
func keyUUID(n string) string { return n + "0000000-0000-4000-8000-000000000000" }

func keyRef(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", keyUUID("a"), "https://x/v1/secrets/" + keyUUID("b"), keyUUID("c"), "nonsense"}).Draw(t, "ref")
}

func listenerTLS(t *rapid.T) *model.ListenerTLS {
	if rapid.IntRange(0, 2).Draw(t, "tls") > 0 {
		return nil
	}
	n := &model.ListenerTLS{Certificate: keyRef(t)}
	if r := keyRef(t); r != "" {
		n.SNI = []string{r}
	}
	return n
}

func secretRef(t *rapid.T) model.SecretRef {
	return model.SecretRef{Name: id(t, "name"), Secret: model.SecretID(keyID(t))}
}

func accessPatch(t *rapid.T) (p store.AccessPatch) {
	consumer := &model.Consumer{Name: id(t, "consumer"), URL: "http://x/"}
	switch rapid.IntRange(0, 4).Draw(t, "access") {
	case 0:
		p.ACL = &store.ACLPatch{Replace: rapid.Bool().Draw(t, "replace"), Users: &[]model.UserID{"u"}}
	case 1:
		p.ACL = &store.ACLPatch{Remove: true}
	case 2:
		p.AddConsumer = consumer
	case 3:
		p.RemoveConsumer = consumer
	}
	return p
}

func groups(t *rapid.T) (out []model.SecurityGroupID) {
	for range rapid.IntRange(0, 2).Draw(t, "groups") {
		out = append(out, model.SecurityGroupID(id(t, "group")))
	}
	return out
}

func anyPort(t *rapid.T) model.PortID {
	return model.PortID(rapid.SampledFrom([]string{"", "a", "b", "vip-a", "vip-b", "vip-c", "if-a"}).Draw(t, "port"))
}
