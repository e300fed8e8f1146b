// Package auth says who is asking and what that caller may do. The identity
// part makes callers from tokens, the server puts them into request contexts,
// every other part asks here.
package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// ErrUnauthenticated is returned by an Authenticator when a token is missing,
// unknown, expired or revoked, or when its user, project or roles are gone.
var ErrUnauthenticated = errors.New("the request you have made requires authentication")

// Authenticator turns a token into a caller. It fails with ErrUnauthenticated
// for every bad token; any other error means that the question could not be
// answered now (503).
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (*Caller, error)
}

// Caller is an authenticated user, scoped to one project. Project is empty for
// an unscoped token and for one on a domain.
type Caller struct {
	UserID      model.UserID
	UserName    string
	Project     model.ProjectID
	ProjectName string
	Domain      model.DomainID // of a token on a domain
	Roles       []string
	ExpiresAt   time.Time
	// Restricted callers came by an application credential that may not make
	// and delete credentials.
	Restricted bool
	// Unmetered callers are not held against quotas (no-auth mode, contract 8.3).
	Unmetered bool
}

// Role names that policy knows. Both of Octavia's rule sets are valid at once
// (contract 8.1).
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleReader = "reader"

	RoleLBAdmin          = "load-balancer_admin"
	RoleLBMember         = "load-balancer_member"
	RoleLBObserver       = "load-balancer_observer"
	RoleLBGlobalObserver = "load-balancer_global_observer"
	RoleLBQuotaAdmin     = "load-balancer_quota_admin"

	RoleService = "service"
)

// Has reports whether the caller has any of the roles; case does not matter.
func (c *Caller) Has(roles ...string) bool {
	if c == nil {
		return false
	}
	return slices.ContainsFunc(c.Roles, func(have string) bool {
		return slices.ContainsFunc(roles, func(want string) bool { return strings.EqualFold(have, want) })
	})
}

// IsAdmin reports whether the caller may do everything with load balancing.
func (c *Caller) IsAdmin() bool { return c.Has(RoleAdmin, RoleLBAdmin) }

// IsCloudAdmin reports whether the caller has Keystone's own admin role, which
// identity, network and cluster operations ask for.
func (c *Caller) IsCloudAdmin() bool { return c.Has(RoleAdmin) }

// ReadsAll reports whether the caller sees the objects of every project.
func (c *Caller) ReadsAll() bool { return c.IsAdmin() || c.Has(RoleLBGlobalObserver) }

// CanRead is the contract's "read" for an object of project.
func (c *Caller) CanRead(project model.ProjectID) bool {
	return c.ReadsAll() || c.owns(project) &&
		c.Has(RoleReader, RoleMember, RoleLBObserver, RoleLBMember)
}

// CanWrite is the contract's "write" for an object of project.
func (c *Caller) CanWrite(project model.ProjectID) bool {
	return c.IsAdmin() || c.owns(project) && c.Has(RoleMember, RoleLBMember)
}

// CanReadQuota is the contract's "read-quota" for project.
func (c *Caller) CanReadQuota(project model.ProjectID) bool {
	return c.CanRead(project) || c.Has(RoleLBQuotaAdmin)
}

// ReadsAllQuotas is the contract's "read-quota-global".
func (c *Caller) ReadsAllQuotas() bool { return c.ReadsAll() || c.Has(RoleLBQuotaAdmin) }

// CanWriteQuota is the contract's "write-quota".
func (c *Caller) CanWriteQuota() bool { return c.IsAdmin() || c.Has(RoleLBQuotaAdmin) }

func (c *Caller) owns(project model.ProjectID) bool {
	return c != nil && c.Project != "" && c.Project == project
}

// Forbidden is the refusal of every policy check (403).
func Forbidden() *store.Error {
	return store.Errorf(store.Forbidden, "Policy does not allow this request to be performed.")
}

type key struct{}

// With returns a context that carries c.
func With(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// From is the caller that With put into ctx; nil when there is none. A nil
// caller may do nothing.
func From(ctx context.Context) *Caller {
	c, _ := ctx.Value(key{}).(*Caller)
	return c
}
