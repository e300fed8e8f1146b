package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"lbd/store/model"
)

// Command is one Raft log entry: a verb, who asked for it, and its arguments.
// Ids, times and random values travel inside, so that every node computes the
// same state.
type Command struct {
	Kind      CommandKind
	At        time.Time // wall clock of the node that was asked, UTC
	Actor     string    // user id, or "system:<part>"
	RequestID string
	// Unmetered commands are not held against quotas: nobody is known by whom
	// they were asked (no-auth mode, contract 8.3). What they make counts.
	Unmetered bool
	Payload   any // pointer to the payload type registered for Kind
}

// CommandKind names a verb. Kinds are only ever added: an old log must replay.
type CommandKind string

// formatJSON is the first byte of an encoded entry: format 1, a JSON envelope.
const formatJSON = 1

type envelope struct {
	Kind      CommandKind     `json:"kind"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	Unmetered bool            `json:"unmetered,omitempty"`
	Payload   json.RawMessage `json:"payload"`
}

// Encode makes the bytes of a log entry: a format byte and a JSON envelope.
func (c Command) Encode() ([]byte, error) {
	p, err := json.Marshal(c.Payload)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", c.Kind, err)
	}
	b, err := json.Marshal(envelope{c.Kind, c.At, c.Actor, c.RequestID, c.Unmetered, p})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", c.Kind, err)
	}
	return append([]byte{formatJSON}, b...), nil
}

// Decode reads what Encode made. It fails on a format or kind it does not
// know: applying such an entry as a no-op would let nodes diverge.
func Decode(b []byte) (Command, error) {
	if len(b) == 0 || b[0] != formatJSON {
		return Command{}, fmt.Errorf("decode log entry: unknown format (first byte of %d)", len(b))
	}
	var e envelope
	if err := strictly(b[1:], &e); err != nil {
		return Command{}, fmt.Errorf("decode log entry: %w", err)
	}
	mk, ok := payloads[e.Kind]
	if !ok {
		return Command{}, fmt.Errorf("decode log entry: unknown kind %q (written by a newer version?)", e.Kind)
	}
	p := mk()
	if err := strictly(e.Payload, p); err != nil {
		return Command{}, fmt.Errorf("decode %s: %w", e.Kind, err)
	}
	return Command{e.Kind, e.At, e.Actor, e.RequestID, e.Unmetered, p}, nil
}

// strictly refuses fields it does not know: an older node that dropped a newer
// node's field would diverge without a sign of it.
func strictly(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("bytes behind the entry")
	}
	return nil
}

// The verbs, each with its payload type (payload_*.go).
const (
	ClusterInit CommandKind = "cluster.init"
	NodePut     CommandKind = "node.put"
	NodeRemove  CommandKind = "node.remove"
	NodeReplace CommandKind = "node.replace"
	SettleKind  CommandKind = "settle"

	AmphoraDismiss CommandKind = "amphora.dismiss"
	AmphoraRestore CommandKind = "amphora.restore"

	SettingsPut    CommandKind = "settings.put"
	RoleChangeNote CommandKind = "rolechange.note"
	SpreadPut      CommandKind = "spread.put"
	SpreadNote     CommandKind = "spread.note"

	DomainCreate        CommandKind = "domain.create"
	DomainUpdate        CommandKind = "domain.update"
	DomainDelete        CommandKind = "domain.delete"
	ProjectCreate       CommandKind = "project.create"
	ProjectUpdate       CommandKind = "project.update"
	ProjectDelete       CommandKind = "project.delete"
	DirectoryWrite      CommandKind = "directory.put"
	UserCreate          CommandKind = "user.create"
	UserUpdate          CommandKind = "user.update"
	UserDelete          CommandKind = "user.delete"
	GroupCreate         CommandKind = "group.create"
	GroupUpdate         CommandKind = "group.update"
	GroupDelete         CommandKind = "group.delete"
	MembershipPut       CommandKind = "membership.put"
	MembershipRemove    CommandKind = "membership.remove"
	RoleCreate          CommandKind = "role.create"
	RoleUpdate          CommandKind = "role.update"
	RoleDelete          CommandKind = "role.delete"
	AssignmentPut       CommandKind = "assignment.put"
	AssignmentRemove    CommandKind = "assignment.remove"
	AppCredentialCreate CommandKind = "appcredential.create"
	AppCredentialDelete CommandKind = "appcredential.delete"
	TokenRevoke         CommandKind = "token.revoke"
	TokenPurgeKind      CommandKind = "token.purge"

	LoadBalancerCreate CommandKind = "loadbalancer.create"
	LoadBalancerUpdate CommandKind = "loadbalancer.update"
	LoadBalancerDelete CommandKind = "loadbalancer.delete"
	ListenerCreate     CommandKind = "listener.create"
	ListenerUpdate     CommandKind = "listener.update"
	ListenerDelete     CommandKind = "listener.delete"
	PoolCreate         CommandKind = "pool.create"
	PoolUpdate         CommandKind = "pool.update"
	PoolDelete         CommandKind = "pool.delete"
	MemberCreate       CommandKind = "member.create"
	MemberUpdate       CommandKind = "member.update"
	MemberDelete       CommandKind = "member.delete"
	MonitorCreate      CommandKind = "healthmonitor.create"
	MonitorUpdate      CommandKind = "healthmonitor.update"
	MonitorDelete      CommandKind = "healthmonitor.delete"
	TreeCreate         CommandKind = "loadbalancer.tree"
	LoadBalancerRenew  CommandKind = "loadbalancer.renew"
	MemberBatch        CommandKind = "member.batch"
	L7PolicyCreate     CommandKind = "l7policy.create"
	L7PolicyUpdate     CommandKind = "l7policy.update"
	L7PolicyDelete     CommandKind = "l7policy.delete"
	L7RuleCreate       CommandKind = "l7rule.create"
	L7RuleUpdate       CommandKind = "l7rule.update"
	L7RuleDelete       CommandKind = "l7rule.delete"
	QuotaUpdate        CommandKind = "quota.update"
	QuotaReset         CommandKind = "quota.reset"

	FlavorCreate        CommandKind = "flavor.create"
	FlavorUpdate        CommandKind = "flavor.update"
	FlavorDelete        CommandKind = "flavor.delete"
	FlavorProfileCreate CommandKind = "flavorprofile.create"
	FlavorProfileUpdate CommandKind = "flavorprofile.update"
	FlavorProfileDelete CommandKind = "flavorprofile.delete"
	ZoneCreate          CommandKind = "availabilityzone.create"
	ZoneUpdate          CommandKind = "availabilityzone.update"
	ZoneDelete          CommandKind = "availabilityzone.delete"
	ZoneProfileCreate   CommandKind = "availabilityzoneprofile.create"
	ZoneProfileUpdate   CommandKind = "availabilityzoneprofile.update"
	ZoneProfileDelete   CommandKind = "availabilityzoneprofile.delete"

	SecretCreate    CommandKind = "secret.create"
	SecretUpdate    CommandKind = "secret.update"
	SecretMetadata  CommandKind = "secret.metadata"
	SecretDelete    CommandKind = "secret.delete"
	ContainerCreate CommandKind = "container.create"
	ContainerUpdate CommandKind = "container.update"
	ContainerDelete CommandKind = "container.delete"

	NetworkQuotaUpdate CommandKind = "networkquota.update"
	NetworkQuotaReset  CommandKind = "networkquota.reset"
	NetworkCreate      CommandKind = "network.create"
	NetworkUpdate      CommandKind = "network.update"
	NetworkDelete      CommandKind = "network.delete"
	SubnetCreate       CommandKind = "subnet.create"
	SubnetUpdate       CommandKind = "subnet.update"
	SubnetDelete       CommandKind = "subnet.delete"
	PortCreate         CommandKind = "port.create"
	PortUpdate         CommandKind = "port.update"
	PortDelete         CommandKind = "port.delete"
	RouterCreate       CommandKind = "router.create"
	RouterUpdate       CommandKind = "router.update"
	RouterDelete       CommandKind = "router.delete"
	RouterAttach       CommandKind = "router.attach"
	RouterDetach       CommandKind = "router.detach"
	FloatingIPCreate   CommandKind = "floatingip.create"
	FloatingIPUpdate   CommandKind = "floatingip.update"
	FloatingIPDelete   CommandKind = "floatingip.delete"

	SecurityGroupCreate     CommandKind = "securitygroup.create"
	SecurityGroupUpdate     CommandKind = "securitygroup.update"
	SecurityGroupDelete     CommandKind = "securitygroup.delete"
	SecurityGroupRuleCreate CommandKind = "securitygrouprule.create"
	SecurityGroupRuleUpdate CommandKind = "securitygrouprule.update"
	SecurityGroupRuleDelete CommandKind = "securitygrouprule.delete"
)

var payloads = map[CommandKind]func() any{
	ClusterInit: func() any { return new(ClusterInitPayload) },
	NodePut:     func() any { return new(model.Node) },
	NodeRemove:  func() any { return new(NodeRef) },
	NodeReplace: func() any { return new(NodeReplacement) },
	SettleKind:  func() any { return new(Settle) },

	AmphoraDismiss: func() any { return new(model.Dismissal) },
	AmphoraRestore: func() any { return new(NodeRef) },

	SettingsPut:    func() any { return new(model.Settings) },
	RoleChangeNote: func() any { return new(model.RoleChange) },
	SpreadPut:      func() any { return new(SpreadPayload) },
	SpreadNote:     func() any { return new(SpreadNotePayload) },

	DomainCreate:        func() any { return new(model.Domain) },
	DomainUpdate:        func() any { return new(DomainPatch) },
	DomainDelete:        func() any { return new(DomainRef) },
	ProjectCreate:       func() any { return new(model.Project) },
	ProjectUpdate:       func() any { return new(ProjectPatch) },
	ProjectDelete:       func() any { return new(ProjectRef) },
	DirectoryWrite:      func() any { return new(DirectoryPut) },
	UserCreate:          func() any { return new(model.User) },
	UserUpdate:          func() any { return new(UserPatch) },
	UserDelete:          func() any { return new(UserRef) },
	GroupCreate:         func() any { return new(model.Group) },
	GroupUpdate:         func() any { return new(GroupPatch) },
	GroupDelete:         func() any { return new(GroupRef) },
	MembershipPut:       func() any { return new(model.Membership) },
	MembershipRemove:    func() any { return new(model.Membership) },
	RoleCreate:          func() any { return new(model.Role) },
	RoleUpdate:          func() any { return new(RolePatch) },
	RoleDelete:          func() any { return new(RoleRef) },
	AssignmentPut:       func() any { return new(model.Assignment) },
	AssignmentRemove:    func() any { return new(model.Assignment) },
	AppCredentialCreate: func() any { return new(model.AppCredential) },
	AppCredentialDelete: func() any { return new(AppCredentialRef) },
	TokenRevoke:         func() any { return new(model.Revocation) },
	TokenPurgeKind:      func() any { return new(TokenPurge) },

	LoadBalancerCreate: func() any { return new(LoadBalancerCreatePayload) },
	LoadBalancerUpdate: func() any { return new(LoadBalancerPatch) },
	LoadBalancerDelete: func() any { return new(LoadBalancerDeletePayload) },
	ListenerCreate:     func() any { return new(model.Listener) },
	ListenerUpdate:     func() any { return new(ListenerPatch) },
	ListenerDelete:     func() any { return new(ListenerRef) },
	PoolCreate:         func() any { return new(PoolCreatePayload) },
	PoolUpdate:         func() any { return new(PoolPatch) },
	PoolDelete:         func() any { return new(PoolRef) },
	MemberCreate:       func() any { return new(model.Member) },
	MemberUpdate:       func() any { return new(MemberPatch) },
	MemberDelete:       func() any { return new(MemberRef) },
	MonitorCreate:      func() any { return new(model.HealthMonitor) },
	MonitorUpdate:      func() any { return new(MonitorPatch) },
	MonitorDelete:      func() any { return new(MonitorRef) },
	TreeCreate:         func() any { return new(TreeCreatePayload) },
	LoadBalancerRenew:  func() any { return new(LoadBalancerRef) },
	MemberBatch:        func() any { return new(MemberBatchPayload) },
	L7PolicyCreate:     func() any { return new(model.L7Policy) },
	L7PolicyUpdate:     func() any { return new(L7PolicyPatch) },
	L7PolicyDelete:     func() any { return new(L7PolicyRef) },
	L7RuleCreate:       func() any { return new(model.L7Rule) },
	L7RuleUpdate:       func() any { return new(L7RulePatch) },
	L7RuleDelete:       func() any { return new(L7RuleRef) },
	QuotaUpdate:        func() any { return new(QuotaPatch) },
	QuotaReset:         func() any { return new(QuotaRef) },

	FlavorCreate:        func() any { return new(model.Flavor) },
	FlavorUpdate:        func() any { return new(FlavorPatch) },
	FlavorDelete:        func() any { return new(FlavorRef) },
	FlavorProfileCreate: func() any { return new(model.FlavorProfile) },
	FlavorProfileUpdate: func() any { return new(FlavorProfilePatch) },
	FlavorProfileDelete: func() any { return new(FlavorProfileRef) },
	ZoneCreate:          func() any { return new(model.AvailabilityZone) },
	ZoneUpdate:          func() any { return new(ZonePatch) },
	ZoneDelete:          func() any { return new(ZoneRef) },
	ZoneProfileCreate:   func() any { return new(model.ZoneProfile) },
	ZoneProfileUpdate:   func() any { return new(ZoneProfilePatch) },
	ZoneProfileDelete:   func() any { return new(ZoneProfileRef) },

	SecretCreate:    func() any { return new(model.Secret) },
	SecretUpdate:    func() any { return new(SecretPatch) },
	SecretMetadata:  func() any { return new(SecretMetadataPatch) },
	SecretDelete:    func() any { return new(SecretDeletePayload) },
	ContainerCreate: func() any { return new(model.Container) },
	ContainerUpdate: func() any { return new(ContainerPatch) },
	ContainerDelete: func() any { return new(ContainerRef) },

	NetworkQuotaUpdate: func() any { return new(QuotaPatch) },
	NetworkQuotaReset:  func() any { return new(QuotaRef) },
	NetworkCreate:      func() any { return new(model.Network) },
	NetworkUpdate:      func() any { return new(NetworkPatch) },
	NetworkDelete:      func() any { return new(NetworkRef) },
	SubnetCreate:       func() any { return new(model.Subnet) },
	SubnetUpdate:       func() any { return new(SubnetPatch) },
	SubnetDelete:       func() any { return new(SubnetRef) },
	PortCreate:         func() any { return new(model.Port) },
	PortUpdate:         func() any { return new(PortPatch) },
	PortDelete:         func() any { return new(PortRef) },
	RouterCreate:       func() any { return new(RouterCreatePayload) },
	RouterUpdate:       func() any { return new(RouterPatch) },
	RouterDelete:       func() any { return new(RouterRef) },
	RouterAttach:       func() any { return new(RouterAttachPayload) },
	RouterDetach:       func() any { return new(RouterDetachPayload) },
	FloatingIPCreate:   func() any { return new(FloatingIPCreatePayload) },
	FloatingIPUpdate:   func() any { return new(FloatingIPPatch) },
	FloatingIPDelete:   func() any { return new(FloatingIPRef) },

	SecurityGroupCreate:     func() any { return new(SecurityGroupCreatePayload) },
	SecurityGroupUpdate:     func() any { return new(SecurityGroupPatch) },
	SecurityGroupDelete:     func() any { return new(SecurityGroupRef) },
	SecurityGroupRuleCreate: func() any { return new(model.SecurityGroupRule) },
	SecurityGroupRuleUpdate: func() any { return new(SecurityGroupRulePatch) },
	SecurityGroupRuleDelete: func() any { return new(SecurityGroupRuleRef) },
}
