package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
)

// fault is a refusal with a type of Neutron's own.
type fault struct {
	is  *store.Error
	typ string
}

func (f *fault) Error() string { return f.is.Message }
func (f *fault) Unwrap() error { return f.is }

func badRequest(format string, args ...any) error {
	return &fault{store.Errorf(store.Invalid, format, args...), "HTTPBadRequest"}
}

// badInput is a refusal of the value of one attribute.
func badInput(key, format string, args ...any) error {
	for i, a := range args {
		switch v := a.(type) {
		case json.RawMessage:
			args[i] = shorten(string(v))
		case string:
			args[i] = shorten(v)
		}
	}
	return badRequest("Invalid input for %s. Reason: %s", key, fmt.Sprintf(format, args...))
}

// maxShown bounds what a refusal repeats of a value, in bytes.
const maxShown = 256

func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "..."
}

func forbidden(format string, args ...any) error {
	return &fault{store.Errorf(store.Forbidden, format, args...), "PolicyNotAuthorized"}
}

// answerFault writes refusals; every other error goes up to the server.
func answerFault(c echo.Context, err error) error {
	se, ok := errors.AsType[*store.Error](err)
	if !ok {
		return err
	}
	typ, status := typeOf(se), api.StatusOf(se.Kind)
	if f, ok := errors.AsType[*fault](err); ok {
		typ = f.typ
	}
	if typ == "RevisionNumberConstraintFailed" {
		status = http.StatusPreconditionFailed
	}
	return c.JSON(status, api.NewNeutronFault(typ, se.Message))
}

// types names refusals of the store the way Neutron's exceptions are called.
// The store words them as Neutron does, and Neutron gives one type to one
// wording; clients read the status, people and a few scripts the type.
var types = []struct {
	kind  store.Kind
	words string // in the message
	typ   string
}{
	{store.NotFound, "is not reachable from subnet", "ExternalGatewayForFloatingIPNotFound"},
	{store.NotFound, "does not have an interface", "RouterInterfaceNotFound"},
	{store.NotFound, "has no interface on subnet", "RouterInterfaceNotFoundForSubnet"},
	{store.NotFound, "Network ", "NetworkNotFound"},
	{store.NotFound, "Subnet ", "SubnetNotFound"},
	{store.NotFound, "Port ", "PortNotFound"},
	{store.NotFound, "Router ", "RouterNotFound"},
	{store.NotFound, "Floating IP ", "FloatingIPNotFound"},
	{store.NotFound, "Security group rule ", "SecurityGroupRuleNotFound"},
	{store.NotFound, "Security group ", "SecurityGroupNotFound"},
	{store.Conflict, "Security group rule already", "SecurityGroupRuleExists"},
	{store.Conflict, "Security Group ", "SecurityGroupInUse"},
	{store.Conflict, "Updating default security group", "SecurityGroupCannotUpdateDefault"},
	{store.Conflict, "already has an attached device", "PortInUse"},
	{store.Conflict, "required by one or more routes", "RouterInterfaceInUseByRoute"},
	{store.Invalid, "Invalid format for routes", "InvalidRoutes"},
	{store.NotFound, "Tag ", "TagNotFound"},
	{store.Conflict, "Quota exceeded for resources", "OverQuota"},
	{store.NotFound, "Quota for tenant ", "TenantQuotaNotFound"},
	{store.Conflict, "Constrained to", "RevisionNumberConstraintFailed"},
	{store.Conflict, "No more IP addresses available", "IpAddressGenerationFailure"},
	{store.Conflict, "IP address ", "IpAddressAlreadyAllocated"},
	{store.Conflict, "operation on network", "NetworkInUse"},
	{store.Conflict, "operation on subnet", "SubnetInUse"},
	{store.Conflict, "Router interface", "RouterInterfaceInUseByFloatingIP"},
	{store.Conflict, "still has ports", "RouterInUse"},
	{store.Conflict, "Gateway cannot be updated", "RouterExternalGatewayInUseByFloatingIp"},
	{store.Conflict, "Gateway ip", "GatewayConflictWithAllocationPools"},
	{store.Conflict, "Current gateway ip", "GatewayIpInUse"},
	{store.Conflict, "overlapping allocation pools", "OverlappingAllocationPools"},
	{store.Conflict, "Cannot associate floating IP", "FloatingIPPortAlreadyAssociated"},
	{store.Conflict, "directly via the port API", "ServicePortInUse"},
	{store.Conflict, "non-external", "ExternalNetworkInUse"},
	{store.Invalid, "Bad ", "BadRequest"},
	{store.Invalid, "is not a valid IP for", "InvalidIpForSubnet"},
	{store.Invalid, "is after its end", "InvalidAllocationPool"},
	{store.Invalid, "spans beyond", "OutOfBoundsAllocationPool"},
}

func typeOf(e *store.Error) string {
	for _, t := range types {
		if t.kind == e.Kind && strings.Contains(e.Message, t.words) {
			return t.typ
		}
	}
	switch e.Kind {
	case store.NotFound:
		return "NotFound"
	case store.Conflict:
		return "Conflict"
	case store.Forbidden:
		return "PolicyNotAuthorized"
	case store.Quota:
		return "OverQuota"
	case store.Unavailable:
		return "ServiceUnavailable"
	case store.Unsupported:
		return "NotImplementedError"
	default:
		return "InvalidInput"
	}
}
