package network

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

const defaultGroupName = "default"

func securityGroupResource() *resource[model.SecurityGroup] {
	return &resource[model.SecurityGroup]{
		one: "security_group", many: "security_groups", path: "security-groups", noun: "Security group", typ: "SecurityGroup",
		absent: "does not exist",
		all:    func(st *store.State) []*model.SecurityGroup { return st.SecurityGroups() },
		get: func(st *store.State, id string) (*model.SecurityGroup, bool) {
			return st.SecurityGroup(model.SecurityGroupID(id))
		},
		record:  func(x *model.SecurityGroup) *model.Record { return &x.Record },
		visible: func(_ *store.State, c *auth.Caller, g *model.SecurityGroup) bool { return owns(c, g.Project) },
		view:    securityGroupView,
		before:  ensureDefaultGroup,
		create:  newSecurityGroup,
		update:  changedSecurityGroup,
		retag: func(x *model.SecurityGroup, r store.RecordPatch) change {
			return change{store.SecurityGroupUpdate, &store.SecurityGroupPatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.SecurityGroup) change {
			return change{store.SecurityGroupDelete, &store.SecurityGroupRef{ID: x.ID}, string(x.ID)}
		},
		keep: func(c *auth.Caller, x *model.SecurityGroup) error {
			if x.Default && !c.IsCloudAdmin() {
				return &fault{store.Errorf(store.Conflict, "Removing default security group not allowed."), "SecurityGroupCannotRemoveDefault"}
			}
			return nil
		},
	}
}

func securityGroupView(st *store.State, c *auth.Caller, g *model.SecurityGroup) map[string]any {
	v := recordView(string(g.ID), &g.Record)
	rules := []map[string]any{}
	for _, r := range st.GroupRules(g.ID) {
		rules = append(rules, securityGroupRuleView(st, c, r))
	}
	v["security_group_rules"] = rules
	v["stateful"], v["shared"] = !g.Stateless, false
	return v
}

func newSecurityGroup(p *Part, c echo.Context, b *body) (change, error) {
	payload := newGroup(securityGroupResource().born(c, b))
	payload.Group.Stateless = !or(b.boolean("stateful"), true)
	if err := b.done(); err != nil {
		return change{}, err
	}
	if payload.Group.Name == defaultGroupName {
		return change{}, &fault{store.Errorf(store.Conflict, "Default security group already exists."), "SecurityGroupDefaultAlreadyExists"}
	}
	return change{store.SecurityGroupCreate, payload, string(payload.Group.ID)}, p.ensureDefault(c, payload.Group.Project)
}

// newGroup is a group with the rules that let everything out.
func newGroup(r model.Record) *store.SecurityGroupCreatePayload {
	g := model.SecurityGroup{ID: model.SecurityGroupID(uuid.NewString()), Record: r}
	p := &store.SecurityGroupCreatePayload{Group: g}
	for _, ipv6 := range []bool{false, true} {
		p.Rules = append(p.Rules, model.SecurityGroupRule{ID: model.SecurityGroupRuleID(uuid.NewString()), Group: g.ID, Egress: true, IPv6: ipv6})
	}
	return p
}

func changedSecurityGroup(_ *Part, c echo.Context, b *body, g *model.SecurityGroup) (change, error) {
	patch := &store.SecurityGroupPatch{ID: g.ID, RecordPatch: securityGroupResource().revised(c, b)}
	if stateful := b.boolean("stateful"); stateful != nil {
		patch.Stateless = new(bool)
		*patch.Stateless = !*stateful
	}
	switch {
	case patch.Name == nil || *patch.Name == g.Name:
	case g.Default:
		b.fail(&fault{store.Errorf(store.Conflict, "Updating default security group not allowed."), "SecurityGroupCannotUpdateDefault"})
	case *patch.Name == defaultGroupName:
		b.fail(&fault{store.Errorf(store.Conflict, "Default security group already exists."), "SecurityGroupDefaultAlreadyExists"})
	}
	return change{store.SecurityGroupUpdate, patch, string(g.ID)}, b.done()
}

// ensureDefaultGroup makes the default group of the caller's project before it
// is looked for. Without a quorum there is none yet, which is no error of a GET.
func ensureDefaultGroup(p *Part, c echo.Context) {
	if me := caller(c); me.Project != "" && mayWrite(me, me.Project) {
		_ = p.ensureDefault(c, me.Project)
	}
}

// ensureDefault makes the default group of a project where it has none.
func (p *Part) ensureDefault(c echo.Context, project model.ProjectID) error {
	there := func() (ok bool) {
		p.read.Read(func(st *store.State) { _, ok = st.DefaultGroup(project) })
		return ok
	}
	if there() {
		return nil
	}
	payload := newGroup(model.Record{Name: defaultGroupName, Description: "Default security group", Project: project})
	payload.Group.Default = true
	for _, ipv6 := range []bool{false, true} {
		payload.Rules = append(payload.Rules, model.SecurityGroupRule{
			ID: model.SecurityGroupRuleID(uuid.NewString()), Group: payload.Group.ID, RemoteGroup: payload.Group.ID, IPv6: ipv6,
		})
	}
	err := p.apply(c, store.SecurityGroupCreate, payload)
	if store.KindOf(err) == store.Conflict { // somebody else was first
		return nil
	}
	return err
}

func securityGroupRuleResource() *resource[model.SecurityGroupRule] {
	return &resource[model.SecurityGroupRule]{
		one: "security_group_rule", many: "security_group_rules", path: "security-group-rules",
		noun: "Security group rule", typ: "SecurityGroupRule", absent: "does not exist",
		all: func(st *store.State) []*model.SecurityGroupRule { return st.SecurityGroupRules() },
		get: func(st *store.State, id string) (*model.SecurityGroupRule, bool) {
			return st.SecurityGroupRule(model.SecurityGroupRuleID(id))
		},
		record: func(x *model.SecurityGroupRule) *model.Record { return &x.Record },
		visible: func(_ *store.State, c *auth.Caller, r *model.SecurityGroupRule) bool {
			return owns(c, r.Project)
		},
		view:    securityGroupRuleView,
		unnamed: true,
		before:  ensureDefaultGroup,
		create:  newSecurityGroupRule,
		update: func(_ *Part, c echo.Context, b *body, r *model.SecurityGroupRule) (change, error) {
			patch := &store.SecurityGroupRulePatch{ID: r.ID, RecordPatch: securityGroupRuleResource().revised(c, b)}
			return change{store.SecurityGroupRuleUpdate, patch, string(r.ID)}, b.done()
		},
		retag: func(x *model.SecurityGroupRule, r store.RecordPatch) change {
			return change{store.SecurityGroupRuleUpdate, &store.SecurityGroupRulePatch{ID: x.ID, RecordPatch: r}, string(x.ID)}
		},
		remove: func(x *model.SecurityGroupRule) change {
			return change{store.SecurityGroupRuleDelete, &store.SecurityGroupRuleRef{ID: x.ID}, string(x.ID)}
		},
	}
}

func securityGroupRuleView(st *store.State, _ *auth.Caller, r *model.SecurityGroupRule) map[string]any {
	v := recordView(string(r.ID), &r.Record)
	delete(v, "name")
	v["security_group_id"], v["remote_group_id"] = string(r.Group), orNil(r.RemoteGroup)
	v["direction"], v["ethertype"] = "ingress", "IPv4"
	if r.Egress {
		v["direction"] = "egress"
	}
	if r.IPv6 {
		v["ethertype"] = "IPv6"
	}
	v["protocol"] = orNil(r.Protocol)
	v["port_range_min"], v["port_range_max"] = number(r.PortMin), number(r.PortMax)
	v["remote_ip_prefix"], v["normalized_cidr"], v["remote_address_group_id"] = nil, nil, nil
	if r.RemotePrefix.IsValid() {
		v["remote_ip_prefix"], v["normalized_cidr"] = r.RemotePrefix.String(), r.RemotePrefix.Masked().String()
	}
	g, ok := st.SecurityGroup(r.Group)
	v["belongs_to_default_sg"] = ok && g.Default
	return v
}

func number(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

// protocols that a rule may name; numbers from 0 to 255 are taken as well.
const protocolNames = "ah dccp egp esp gre hopopt icmp icmpv6 igmp ip ipip ipv6-encap ipv6-frag ipv6-icmp ipv6-nonxt ipv6-opts ipv6-route ospf pgm rsvp sctp tcp udp udplite vrrp"

func newSecurityGroupRule(p *Part, c echo.Context, b *body) (change, error) {
	r := &model.SecurityGroupRule{
		ID: model.SecurityGroupRuleID(uuid.NewString()), Record: securityGroupRuleResource().born(c, b),
		Group: or(id[model.SecurityGroupID](b, "security_group_id"), ""), RemoteGroup: or(id[model.SecurityGroupID](b, "remote_group_id"), ""),
		Egress:   b.oneOf("direction", "", "ingress", "egress") == "egress",
		IPv6:     strings.EqualFold(b.oneOf("ethertype", "IPv4", "IPv4", "IPv6"), "IPv6"),
		Protocol: b.protocol("protocol"),
		PortMin:  b.port("port_range_min"), PortMax: b.port("port_range_max"),
		RemotePrefix: b.prefix("remote_ip_prefix"),
	}
	b.notThere("remote_address_group_id", "Address group", "AddressGroup")
	checkRule(b, r)
	if err := b.done(); err != nil {
		return change{}, err
	}
	if _, err := securityGroupResource().writable(c, p, string(r.Group)); err != nil {
		return change{}, err
	}
	if r.RemoteGroup != "" {
		if _, err := securityGroupResource().find(c, p, string(r.RemoteGroup)); err != nil {
			return change{}, err
		}
	}
	return change{store.SecurityGroupRuleCreate, r, string(r.ID)}, nil
}

// checkRule refuses what no rule can mean.
func checkRule(b *body, r *model.SecurityGroupRule) {
	bad := func(typ, format string, args ...any) {
		b.fail(&fault{store.Errorf(store.Invalid, format, args...), typ})
	}
	if r.Group == "" {
		b.need("security_group_id")
	}
	if r.RemotePrefix.IsValid() && r.RemoteGroup != "" {
		bad("SecurityGroupRemoteGroupAndRemoteIpPrefix", "Only remote_ip_prefix or remote_group_id may be provided.")
	}
	if r.RemotePrefix.IsValid() && r.RemotePrefix.Addr().Is6() != r.IPv6 {
		bad("SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s", map[bool]string{true: "IPv6", false: "IPv4"}[r.IPv6], r.RemotePrefix)
	}
	ranged := r.PortMin != nil || r.PortMax != nil
	switch r.Protocol {
	case "tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136":
		if ranged && (r.PortMin == nil || r.PortMax == nil || *r.PortMin > *r.PortMax) {
			bad("SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
		}
	case "icmp", "icmpv6", "ipv6-icmp", "1", "58":
		if r.PortMax != nil && r.PortMin == nil {
			bad("SecurityGroupMissingIcmpType", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", *r.PortMax)
		}
		for field, n := range map[string]*int{"min": r.PortMin, "max": r.PortMax} {
			if n != nil && *n > 255 {
				bad("SecurityGroupInvalidIcmpValue", "Invalid value for ICMP %s (port-range-%s) %d. It must be 0 to 255.", map[string]string{"min": "type", "max": "code"}[field], field, *n)
			}
		}
	case "":
		if ranged {
			bad("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
		}
	default:
		if ranged {
			bad("SecurityGroupInvalidProtocolForPort", "Invalid protocol %s for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP.", r.Protocol)
		}
	}
}

// port is a port number or, with ICMP, a type or code.
func (b *body) port(key string) *int {
	const any32 = 1<<31 - 1
	n := b.integer(key, -any32, any32)
	if n != nil && (*n < 0 || *n > 65535) {
		b.fail(&fault{store.Errorf(store.Invalid, "Invalid value for port %d", *n), "SecurityGroupInvalidPortValue"})
		return nil
	}
	return n
}

// protocol is a name or number, lower case; "" for any.
func (b *body) protocol(key string) string {
	v, ok := b.take(key)
	if !ok || isNull(v) {
		return ""
	}
	s := strings.ToLower(strings.Trim(string(v), `"`))
	if s == "" || s == "any" || s == "0" || s == "ip" {
		return ""
	}
	var n int
	if _, err := fmt.Sscanf(s+"\n", "%d\n", &n); err == nil && n <= 255 && n > 0 {
		return s
	}
	if strings.Contains(" "+protocolNames+" ", " "+s+" ") {
		return s
	}
	b.fail(&fault{store.Errorf(store.Invalid, "Security group rule protocol %s not supported. Only protocol values [%s] and integer representations [0 to 255] are supported.",
		s, strings.ReplaceAll(protocolNames, " ", ", ")), "SecurityGroupRuleInvalidProtocol"})
	return ""
}
