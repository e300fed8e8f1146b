package auth_test

import (
	"context"
	"testing"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// TestRules is the matrix of contract 8.1 and 8.2, both rule sets.
func TestRules(t *testing.T) {
	type can struct{ read, write, readOther, writeOther, admin, readsAll, quota, quotaOther, writeQuota bool }
	admin := can{true, true, true, true, true, true, true, true, true}
	reader := can{read: true, quota: true}
	member := can{read: true, write: true, quota: true}
	for _, tc := range []struct {
		role string
		want can
	}{
		{"", can{}},
		{"service", can{}},
		{"made-up", can{}},
		{"admin", admin},
		{"Admin", admin},
		{"load-balancer_admin", admin},
		{"reader", reader},
		{"load-balancer_observer", reader},
		{"member", member},
		{"MEMBER", member},
		{"load-balancer_member", member},
		{"load-balancer_global_observer", can{read: true, readOther: true, readsAll: true, quota: true, quotaOther: true}},
		{"load-balancer_quota_admin", can{quota: true, quotaOther: true, writeQuota: true}},
	} {
		c := &auth.Caller{Project: "own", Roles: []string{tc.role}}
		got := can{
			c.CanRead("own"), c.CanWrite("own"), c.CanRead("other"), c.CanWrite("other"), c.IsAdmin(), c.ReadsAll(),
			c.CanReadQuota("own"), c.CanReadQuota("other"), c.CanWriteQuota(),
		}
		if got != tc.want {
			t.Errorf("%q may %+v, want %+v", tc.role, got, tc.want)
		}
	}
}

func TestNobodyMayNothing(t *testing.T) {
	unscoped := &auth.Caller{Roles: []string{"member"}}
	for name, c := range map[string]*auth.Caller{"nobody": nil, "unscoped": unscoped} {
		for _, project := range []model.ProjectID{"", "p"} {
			if c.CanRead(project) || c.CanWrite(project) || c.IsAdmin() || c.IsCloudAdmin() || c.ReadsAll() || c.CanReadQuota(project) || c.CanWriteQuota() {
				t.Errorf("%s may something with project %q", name, project)
			}
		}
	}
	if (&auth.Caller{Roles: []string{"load-balancer_admin"}}).IsCloudAdmin() {
		t.Error("an admin of load balancing is an admin of the cloud")
	}
}

func TestContext(t *testing.T) {
	c := &auth.Caller{UserID: "u"}
	if got := auth.From(auth.With(context.Background(), c)); got != c {
		t.Errorf("got %v", got)
	}
	if got := auth.From(context.Background()); got != nil {
		t.Errorf("an empty context has %v", got)
	}
	if err := auth.Forbidden(); err.Kind != store.Forbidden || err.Message != "Policy does not allow this request to be performed." {
		t.Errorf("%s: %s", err.Kind, err.Message)
	}
}
