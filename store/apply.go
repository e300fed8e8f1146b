package store

import "time"

// zeroTime is "never".
var zeroTime time.Time

// apply checks a command against the state and then executes it. Every
// function below it first looks for reasons to refuse and only then writes,
// so that a refused command leaves no trace.
func (t *tx) apply(cmd Command) error {
	switch cmd.Kind {
	case ClusterInit:
		return with(cmd, t.clusterInit)
	case NodePut:
		return with(cmd, t.nodePut)
	case NodeRemove:
		return with(cmd, t.nodeRemove)
	case NodeReplace:
		return with(cmd, t.nodeReplace)
	case AmphoraDismiss:
		return with(cmd, t.amphoraDismiss)
	case AmphoraRestore:
		return with(cmd, t.amphoraRestore)
	case SettleKind:
		return with(cmd, t.settle)
	case SettingsPut:
		return with(cmd, t.settingsPut)
	case RoleChangeNote:
		return with(cmd, t.roleChangeNote)
	case SpreadPut:
		return with(cmd, t.spreadPut)
	case SpreadNote:
		return with(cmd, t.spreadNote)

	case DomainCreate:
		return with(cmd, t.domainCreate)
	case DomainUpdate:
		return with(cmd, t.domainUpdate)
	case DomainDelete:
		return with(cmd, t.domainDelete)
	case ProjectCreate:
		return with(cmd, t.projectCreate)
	case ProjectUpdate:
		return with(cmd, t.projectUpdate)
	case ProjectDelete:
		return with(cmd, t.projectDelete)
	case DirectoryWrite:
		return with(cmd, t.directoryPut)
	case UserCreate:
		return with(cmd, t.userCreate)
	case UserUpdate:
		return with(cmd, t.userUpdate)
	case UserDelete:
		return with(cmd, t.userDelete)
	case GroupCreate:
		return with(cmd, t.groupCreate)
	case GroupUpdate:
		return with(cmd, t.groupUpdate)
	case GroupDelete:
		return with(cmd, t.groupDelete)
	case MembershipPut:
		return with(cmd, t.memberPut)
	case MembershipRemove:
		return with(cmd, t.memberRemove)
	case RoleCreate:
		return with(cmd, t.roleCreate)
	case RoleUpdate:
		return with(cmd, t.roleUpdate)
	case RoleDelete:
		return with(cmd, t.roleDelete)
	case AssignmentPut:
		return with(cmd, t.assignmentPut)
	case AssignmentRemove:
		return with(cmd, t.assignmentRemove)
	case AppCredentialCreate:
		return with(cmd, t.appCredentialCreate)
	case AppCredentialDelete:
		return with(cmd, t.appCredentialDelete)
	case TokenRevoke:
		return with(cmd, t.tokenRevoke)
	case TokenPurgeKind:
		return with(cmd, t.tokenPurge)

	case LoadBalancerCreate:
		return with(cmd, t.loadBalancerCreate)
	case LoadBalancerUpdate:
		return with(cmd, t.loadBalancerUpdate)
	case LoadBalancerDelete:
		return with(cmd, t.loadBalancerDelete)
	case ListenerCreate:
		return with(cmd, t.listenerCreate)
	case ListenerUpdate:
		return with(cmd, t.listenerUpdate)
	case ListenerDelete:
		return with(cmd, t.listenerDelete)
	case PoolCreate:
		return with(cmd, t.poolCreate)
	case PoolUpdate:
		return with(cmd, t.poolUpdate)
	case PoolDelete:
		return with(cmd, t.poolDelete)
	case MemberCreate:
		return with(cmd, t.memberCreate)
	case MemberUpdate:
		return with(cmd, t.memberUpdate)
	case MemberDelete:
		return with(cmd, t.memberDelete)
	case MonitorCreate:
		return with(cmd, t.monitorCreate)
	case MonitorUpdate:
		return with(cmd, t.monitorUpdate)
	case MonitorDelete:
		return with(cmd, t.monitorDelete)
	case TreeCreate:
		return with(cmd, t.treeCreate)
	case LoadBalancerRenew:
		return with(cmd, t.loadBalancerRenew)
	case MemberBatch:
		return with(cmd, t.memberBatch)
	case L7PolicyCreate:
		return with(cmd, t.l7PolicyCreate)
	case L7PolicyUpdate:
		return with(cmd, t.l7PolicyUpdate)
	case L7PolicyDelete:
		return with(cmd, t.l7PolicyDelete)
	case L7RuleCreate:
		return with(cmd, t.l7RuleCreate)
	case L7RuleUpdate:
		return with(cmd, t.l7RuleUpdate)
	case L7RuleDelete:
		return with(cmd, t.l7RuleDelete)
	case QuotaUpdate:
		return with(cmd, t.quotaUpdate)
	case QuotaReset:
		return with(cmd, t.quotaReset)

	case FlavorCreate:
		return with(cmd, t.flavorCreate)
	case FlavorUpdate:
		return with(cmd, t.flavorUpdate)
	case FlavorDelete:
		return with(cmd, t.flavorDelete)
	case FlavorProfileCreate:
		return with(cmd, t.flavorProfileCreate)
	case FlavorProfileUpdate:
		return with(cmd, t.flavorProfileUpdate)
	case FlavorProfileDelete:
		return with(cmd, t.flavorProfileDelete)
	case ZoneCreate:
		return with(cmd, t.zoneCreate)
	case ZoneUpdate:
		return with(cmd, t.zoneUpdate)
	case ZoneDelete:
		return with(cmd, t.zoneDelete)
	case ZoneProfileCreate:
		return with(cmd, t.zoneProfileCreate)
	case ZoneProfileUpdate:
		return with(cmd, t.zoneProfileUpdate)
	case ZoneProfileDelete:
		return with(cmd, t.zoneProfileDelete)

	case SecretCreate:
		return with(cmd, t.secretCreate)
	case SecretUpdate:
		return with(cmd, t.secretUpdate)
	case SecretMetadata:
		return with(cmd, t.secretMetadata)
	case SecretDelete:
		return with(cmd, t.secretDelete)
	case ContainerCreate:
		return with(cmd, t.containerCreate)
	case ContainerUpdate:
		return with(cmd, t.containerUpdate)
	case ContainerDelete:
		return with(cmd, t.containerDelete)

	case NetworkQuotaUpdate:
		return with(cmd, t.networkQuotaUpdate)
	case NetworkQuotaReset:
		return with(cmd, t.networkQuotaReset)
	case NetworkCreate:
		return with(cmd, t.networkCreate)
	case NetworkUpdate:
		return with(cmd, t.networkUpdate)
	case NetworkDelete:
		return with(cmd, t.networkDelete)
	case SubnetCreate:
		return with(cmd, t.subnetCreate)
	case SubnetUpdate:
		return with(cmd, t.subnetUpdate)
	case SubnetDelete:
		return with(cmd, t.subnetDelete)
	case PortCreate:
		return with(cmd, t.portCreate)
	case PortUpdate:
		return with(cmd, t.portUpdate)
	case PortDelete:
		return with(cmd, t.portDelete)
	case RouterCreate:
		return with(cmd, t.routerCreate)
	case RouterUpdate:
		return with(cmd, t.routerUpdate)
	case RouterDelete:
		return with(cmd, t.routerDelete)
	case RouterAttach:
		return with(cmd, t.routerAttach)
	case RouterDetach:
		return with(cmd, t.routerDetach)
	case FloatingIPCreate:
		return with(cmd, t.floatingIPCreate)
	case FloatingIPUpdate:
		return with(cmd, t.floatingIPUpdate)
	case FloatingIPDelete:
		return with(cmd, t.floatingIPDelete)
	case SecurityGroupCreate:
		return with(cmd, t.securityGroupCreate)
	case SecurityGroupUpdate:
		return with(cmd, t.securityGroupUpdate)
	case SecurityGroupDelete:
		return with(cmd, t.securityGroupDelete)
	case SecurityGroupRuleCreate:
		return with(cmd, t.securityGroupRuleCreate)
	case SecurityGroupRuleUpdate:
		return with(cmd, t.securityGroupRuleUpdate)
	case SecurityGroupRuleDelete:
		return with(cmd, t.securityGroupRuleDelete)
	}
	return Errorf(Invalid, "unknown command %q", cmd.Kind)
}

// with hands fn the payload. Decode makes the right type for every kind, so
// a mismatch is a caller's mistake that no log can hold.
func with[P any](cmd Command, fn func(*P) error) error {
	p, ok := cmd.Payload.(*P)
	if !ok || p == nil {
		return Errorf(Invalid, "command %s has a payload of type %T", cmd.Kind, cmd.Payload)
	}
	return fn(p)
}
