package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/l7policies"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/quotas"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
)

// terraform makes the calls of the Terraform provider's openstack_lb_* resources.
type terraform struct{ *cloud }

// is polls an object as the provider does, at once and then each second, until
// its provisioning status is want; "" stands for gone. Nothing but PENDING and
// ACTIVE may come before.
func (f *terraform) is(want string, path ...string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, 30*time.Second)
	defer cancel()
	for {
		var body map[string]struct {
			Status string `json:"provisioning_status"`
		}
		_, err := f.lb.Get(ctx, f.lb.ServiceURL(append([]string{"lbaas"}, path...)...), &body, nil)
		have := ""
		for _, o := range body {
			have = o.Status
		}
		switch {
		case want == "" && (gophercloud.ResponseCodeIs(err, http.StatusNotFound) || have == "DELETED"):
			return
		case err != nil:
			f.t.Fatal(err)
		case have == want:
			return
		case have != "ACTIVE" && !strings.HasPrefix(have, "PENDING_"):
			f.t.Fatalf("%v is %q on the way to %q", path, have, want)
		}
		select {
		case <-ctx.Done():
			f.t.Fatalf("%v is %q after 30 s, not %q", path, have, want)
		case <-time.After(time.Second):
		}
	}
}

// lbOf finds the balancer of a listener by its first reference.
func (f *terraform) lbOf(l *listeners.Listener) string { return l.Loadbalancers[0].ID }

// TestCallsOfTheTerraformProvider: apply, change and destroy of one of each
// openstack_lb_* resource, each waiting for its parent before and after.
func TestCallsOfTheTerraformProvider(t *testing.T) {
	t.Parallel()
	f := &terraform{startLoopback(t, t.TempDir()).gopher(t)}
	ctx, lbc := f.ctx, f.lb
	_, subnet := f.subnet("vips", "127.0.26.0/24", false)
	sg := got(groups.Create(ctx, f.network, groups.CreateOpts{Name: "web"}).Extract())(t)

	// openstack_lb_loadbalancer_v2: the security groups go to the VIP's port.
	lb := got(loadbalancers.Create(ctx, lbc, loadbalancers.CreateOpts{Name: "lb", VipSubnetID: subnet, Provider: "octavia", AdminStateUp: new(true), Tags: []string{"tf"}}).Extract())(t)
	f.is("ACTIVE", "loadbalancers", lb.ID)
	got(ports.Update(ctx, f.network, lb.VipPortID, ports.UpdateOpts{SecurityGroups: &[]string{sg.ID}}).Extract())(t)
	lb = got(loadbalancers.Get(ctx, lbc, lb.ID).Extract())(t)
	if lb.Provider != "octavia" || lb.VipSubnetID != subnet || !lb.AdminStateUp || !slices.Equal(lb.Tags, []string{"tf"}) || lb.Description != "" || lb.FlavorID != "" {
		t.Errorf("read back: %+v", lb)
	}
	if p := got(ports.Get(ctx, f.network, lb.VipPortID).Extract())(t); !slices.Equal(p.SecurityGroups, []string{sg.ID}) {
		t.Errorf("security groups of the VIP: %v", p.SecurityGroups)
	}

	// openstack_lb_listener_v2
	f.is("ACTIVE", "loadbalancers", lb.ID)
	lis := got(listeners.Create(ctx, lbc, listeners.CreateOpts{
		Protocol: "HTTP", ProtocolPort: 8080, LoadbalancerID: lb.ID, Name: "l", ConnLimit: new(-1), AdminStateUp: new(true),
		InsertHeaders: map[string]string{"X-Forwarded-For": "true"}, AllowedCIDRs: []string{"127.0.0.0/8"}, TimeoutClientData: new(60000),
	}).Extract())(t)
	f.is("ACTIVE", "loadbalancers", f.lbOf(lis))
	f.is("ACTIVE", "listeners", lis.ID)

	// openstack_lb_pool_v2, on the listener
	pool := got(pools.Create(ctx, lbc, pools.CreateOpts{Protocol: "HTTP", ListenerID: lis.ID, LBMethod: "ROUND_ROBIN", AdminStateUp: new(true), Persistence: &pools.SessionPersistence{Type: "HTTP_COOKIE"}}).Extract())(t)
	f.is("ACTIVE", "loadbalancers", pool.Loadbalancers[0].ID)
	f.is("ACTIVE", "pools", pool.ID)
	if pool.Listeners[0].ID != lis.ID {
		t.Errorf("the pool's listeners: %v", pool.Listeners)
	}

	// openstack_lb_member_v2, then openstack_lb_members_v2 as a whole
	m := got(pools.CreateMember(ctx, lbc, pool.ID, pools.CreateMemberOpts{Address: "127.0.26.20", ProtocolPort: 80, SubnetID: subnet, Weight: new(0), AdminStateUp: new(true)}).Extract())(t)
	f.is("ACTIVE", "pools", pool.ID)
	f.is("ACTIVE", "pools", pool.ID, "members", m.ID)
	f.ok(pools.BatchUpdateMembers(ctx, lbc, pool.ID, []pools.BatchUpdateMemberOpts{{Address: "127.0.26.20", ProtocolPort: 80, Weight: new(0)}, {Address: "127.0.26.21", ProtocolPort: 80, Backup: new(true)}}).ExtractErr())
	f.is("ACTIVE", "pools", pool.ID)
	f.is("ACTIVE", "loadbalancers", lb.ID)
	ms := all(f.cloud, pools.ListMembers(lbc, pool.ID, pools.ListMembersOpts{}), pools.ExtractMembers)
	if len(ms) != 2 || ms[0].Weight != 0 || !ms[1].Backup {
		t.Errorf("members: %+v", ms)
	}

	// openstack_lb_monitor_v2
	hm := got(monitors.Create(ctx, lbc, monitors.CreateOpts{PoolID: pool.ID, Type: "HTTP", Delay: 20, Timeout: 10, MaxRetries: 5, MaxRetriesDown: 2, URLPath: "/", AdminStateUp: new(true)}).Extract())(t)
	f.is("ACTIVE", "healthmonitors", hm.ID)
	f.is("ACTIVE", "loadbalancers", got(pools.Get(ctx, lbc, hm.Pools[0].ID).Extract())(t).Loadbalancers[0].ID)

	// openstack_lb_l7policy_v2 and openstack_lb_l7rule_v2
	pol := got(l7policies.Create(ctx, lbc, l7policies.CreateOpts{ListenerID: lis.ID, Action: "REDIRECT_TO_POOL", RedirectPoolID: pool.ID, Position: 1, AdminStateUp: new(true)}).Extract())(t)
	f.is("ACTIVE", "l7policies", pol.ID)
	rule := got(l7policies.CreateRule(ctx, lbc, pol.ID, l7policies.CreateRuleOpts{RuleType: "PATH", CompareType: "STARTS_WITH", Value: "/api", AdminStateUp: new(true)}).Extract())(t)
	f.is("ACTIVE", "l7policies", pol.ID, "rules", rule.ID)
	f.is("ACTIVE", "loadbalancers", f.lbOf(got(listeners.Get(ctx, lbc, pol.ListenerID).Extract())(t)))

	// openstack_lb_quota_v2
	got(quotas.Update(ctx, lbc, lb.ProjectID, quotas.UpdateOpts{Loadbalancer: new(6), Listener: new(7), Member: new(8), Pool: new(9), Healthmonitor: new(10), L7Policy: new(11), L7Rule: new(12)}).Extract())(t)
	if q := got(quotas.Get(ctx, lbc, lb.ProjectID).Extract())(t); *q != (quotas.Quota{Loadbalancer: 6, Listener: 7, Member: 8, Pool: 9, Healthmonitor: 10, L7Policy: 11, L7Rule: 12}) {
		t.Errorf("quota: %+v", q)
	}

	// A changed plan: what is taken out of it goes back to its default.
	got(loadbalancers.Update(ctx, lbc, lb.ID, loadbalancers.UpdateOpts{Name: new("lb2"), Description: new("d"), Tags: &[]string{}}).Extract())(t)
	f.is("ACTIVE", "loadbalancers", lb.ID)
	got(listeners.Update(ctx, lbc, lis.ID, listeners.UpdateOpts{Name: new(""), InsertHeaders: &map[string]string{}, AllowedCIDRs: &[]string{}, TimeoutClientData: new(50000)}).Extract())(t)
	f.is("ACTIVE", "listeners", lis.ID)
	if l := got(listeners.Get(ctx, lbc, lis.ID).Extract())(t); l.Name != "" || len(l.InsertHeaders) != 0 || len(l.AllowedCIDRs) != 0 {
		t.Errorf("listener after the change: %+v", l)
	}
	got(pools.Update(ctx, lbc, pool.ID, pools.UpdateOpts{LBMethod: "LEAST_CONNECTIONS", Name: new("p")}).Extract())(t)
	f.is("ACTIVE", "pools", pool.ID)
	got(pools.UpdateMember(ctx, lbc, pool.ID, m.ID, pools.UpdateMemberOpts{Weight: new(10), AdminStateUp: new(false)}).Extract())(t)
	f.is("ACTIVE", "pools", pool.ID, "members", m.ID)
	got(monitors.Update(ctx, lbc, hm.ID, monitors.UpdateOpts{Delay: 30, Timeout: 15}).Extract())(t)
	f.is("ACTIVE", "healthmonitors", hm.ID)
	got(l7policies.Update(ctx, lbc, pol.ID, l7policies.UpdateOpts{Action: "REDIRECT_TO_URL", RedirectURL: new("http://a.example/")}).Extract())(t)
	f.is("ACTIVE", "l7policies", pol.ID)
	got(l7policies.UpdateRule(ctx, lbc, pol.ID, rule.ID, l7policies.UpdateRuleOpts{CompareType: "EQUAL_TO", Value: "/api"}).Extract())(t)
	f.is("ACTIVE", "l7policies", pol.ID, "rules", rule.ID)
	f.is("ACTIVE", "loadbalancers", lb.ID)

	// Destroy, the leaves first.
	f.ok(l7policies.DeleteRule(ctx, lbc, pol.ID, rule.ID).ExtractErr())
	f.is("", "l7policies", pol.ID, "rules", rule.ID)
	f.ok(l7policies.Delete(ctx, lbc, pol.ID).ExtractErr())
	f.is("", "l7policies", pol.ID)
	f.ok(monitors.Delete(ctx, lbc, hm.ID).ExtractErr())
	f.is("", "healthmonitors", hm.ID)
	f.ok(pools.DeleteMember(ctx, lbc, pool.ID, m.ID).ExtractErr())
	f.is("", "pools", pool.ID, "members", m.ID)
	f.ok(pools.BatchUpdateMembers(ctx, lbc, pool.ID, []pools.BatchUpdateMemberOpts{}).ExtractErr())
	f.is("ACTIVE", "loadbalancers", lb.ID)
	f.ok(pools.Delete(ctx, lbc, pool.ID).ExtractErr())
	f.is("", "pools", pool.ID)
	f.ok(listeners.Delete(ctx, lbc, lis.ID).ExtractErr())
	f.is("", "listeners", lis.ID)
	f.is("ACTIVE", "loadbalancers", lb.ID)
	f.ok(loadbalancers.Delete(ctx, lbc, lb.ID, loadbalancers.DeleteOpts{}).ExtractErr())
	f.is("", "loadbalancers", lb.ID)
	f.ok(groups.Delete(ctx, f.network, sg.ID).ExtractErr())
	f.ok(quotas.Delete(ctx, lbc, lb.ProjectID).ExtractErr())
}
