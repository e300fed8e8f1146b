package e2e

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/amphorae"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/apiversions"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/flavorprofiles"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/l7policies"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/quotas"
)

// TestGophercloudLoadBalancing calls what gophercloud has for Octavia, call by
// call, as its own acceptance tests do.
func TestGophercloudLoadBalancing(t *testing.T) {
	t.Parallel()
	c := startLoopback(t, t.TempDir()).gopher(t)
	ctx, lbc := c.ctx, c.lb
	_, subnet := c.subnet("vips", "127.0.21.0/24", false)

	versions := all(c, apiversions.List(lbc), apiversions.ExtractAPIVersions)
	if last := versions[len(versions)-1]; last.Status != "CURRENT" || !strings.HasPrefix(last.ID, "v2.") {
		t.Errorf("the last version is %+v", last)
	}
	if names := all(c, providers.List(lbc, providers.ListOpts{}), providers.ExtractProviders); len(names) < 2 {
		t.Errorf("providers: %+v", names)
	}
	profile := got(flavorprofiles.Create(ctx, lbc, flavorprofiles.CreateOpts{Name: "fp", ProviderName: "lbd", FlavorData: "{}"}).Extract())(t)
	got(flavorprofiles.Update(ctx, lbc, profile.ID, flavorprofiles.UpdateOpts{Name: "fp2"}).Extract())(t)
	if l := all(c, flavorprofiles.List(lbc, flavorprofiles.ListOpts{}), flavorprofiles.ExtractFlavorProfiles); len(l) != 1 || l[0].Name != "fp2" {
		t.Errorf("flavor profiles: %+v", l)
	}
	flavor := got(flavors.Create(ctx, lbc, flavors.CreateOpts{Name: "f", FlavorProfileId: profile.ID, Enabled: true}).Extract())(t)
	got(flavors.Update(ctx, lbc, flavor.ID, flavors.UpdateOpts{Name: "f2", Enabled: true}).Extract())(t)
	if l := all(c, flavors.List(lbc, flavors.ListOpts{}), flavors.ExtractFlavors); len(l) != 1 || l[0].Name != "f2" {
		t.Errorf("flavors: %+v", l)
	}
	got(providers.ListFlavorCapabilities(ctx, lbc, "lbd", nil).Extract())(t)
	got(providers.ListAvailabilityZoneCapabilities(ctx, lbc, "lbd", nil).Extract())(t)

	lb := got(loadbalancers.Create(ctx, lbc, loadbalancers.CreateOpts{Name: "a", VipSubnetID: subnet, FlavorID: flavor.ID, Tags: []string{"t"}}).Extract())(t)
	c.ready(lb.ID)
	got(loadbalancers.Update(ctx, lbc, lb.ID, loadbalancers.UpdateOpts{Name: new("b"), Description: new("")}).Extract())(t)
	if l := all(c, loadbalancers.List(lbc, loadbalancers.ListOpts{Name: "b", Tags: []string{"t"}}), loadbalancers.ExtractLoadBalancers); len(l) != 1 || l[0].ID != lb.ID {
		t.Errorf("listed: %+v", l)
	}

	lis := got(listeners.Create(ctx, lbc, listeners.CreateOpts{LoadbalancerID: lb.ID, Protocol: "HTTP", ProtocolPort: 8080, ConnLimit: new(2000), AllowedCIDRs: []string{"127.0.0.0/8"}}).Extract())(t)
	lis = got(listeners.Update(ctx, lbc, lis.ID, listeners.UpdateOpts{Name: new("l"), AllowedCIDRs: &[]string{}, TimeoutClientData: new(1000)}).Extract())(t)
	if lis.Name != "l" || len(lis.AllowedCIDRs) != 0 || lis.TimeoutClientData != 1000 || lis.ConnLimit != 2000 {
		t.Errorf("listener: %+v", lis)
	}
	got(listeners.Get(ctx, lbc, lis.ID).Extract())(t)
	got(listeners.GetStats(ctx, lbc, lis.ID).Extract())(t)
	if l := all(c, listeners.List(lbc, listeners.ListOpts{LoadbalancerID: lb.ID}), listeners.ExtractListeners); len(l) != 1 {
		t.Errorf("listeners: %+v", l)
	}

	pool := got(pools.Create(ctx, lbc, pools.CreateOpts{
		ListenerID: lis.ID, Protocol: pools.ProtocolHTTP, LBMethod: pools.LBMethodRoundRobin,
		Persistence: &pools.SessionPersistence{Type: "APP_COOKIE", CookieName: "c"},
	}).Extract())(t)
	got(pools.Update(ctx, lbc, pool.ID, pools.UpdateOpts{LBMethod: pools.LBMethodLeastConnections, Persistence: &pools.SessionPersistence{Type: "SOURCE_IP"}}).Extract())(t)
	pool = got(pools.Get(ctx, lbc, pool.ID).Extract())(t)
	if pool.LBMethod != "LEAST_CONNECTIONS" || pool.Persistence.Type != "SOURCE_IP" || len(pool.Loadbalancers) != 1 {
		t.Errorf("pool: %+v", pool)
	}
	if l := all(c, pools.List(lbc, pools.ListOpts{LoadbalancerID: lb.ID}), pools.ExtractPools); len(l) != 1 || len(l[0].Listeners) != 1 {
		t.Errorf("pools: %+v", l)
	}

	m := got(pools.CreateMember(ctx, lbc, pool.ID, pools.CreateMemberOpts{Address: "127.0.21.20", ProtocolPort: 80, SubnetID: subnet}).Extract())(t)
	m = got(pools.UpdateMember(ctx, lbc, pool.ID, m.ID, pools.UpdateMemberOpts{Weight: new(0), MonitorPort: new(81)}).Extract())(t)
	if m.Weight != 0 || m.MonitorPort != 81 {
		t.Errorf("member: %+v", m)
	}
	got(pools.GetMember(ctx, lbc, pool.ID, m.ID).Extract())(t)
	c.ok(pools.BatchUpdateMembers(ctx, lbc, pool.ID, []pools.BatchUpdateMemberOpts{{Address: "127.0.21.20", ProtocolPort: 80}, {Address: "127.0.21.21", ProtocolPort: 80}}).ExtractErr())
	if l := all(c, pools.ListMembers(lbc, pool.ID, pools.ListMembersOpts{}), pools.ExtractMembers); len(l) != 2 || l[0].ID != m.ID || l[0].Weight != 1 {
		t.Errorf("members: %+v", l)
	}
	c.ok(pools.DeleteMember(ctx, lbc, pool.ID, m.ID).ExtractErr())

	hm := got(monitors.Create(ctx, lbc, monitors.CreateOpts{PoolID: pool.ID, Type: "HTTP", Delay: 60, Timeout: 5, MaxRetries: 3, URLPath: "/up", HTTPVersion: "1.1", DomainName: "a.example"}).Extract())(t)
	got(monitors.Update(ctx, lbc, hm.ID, monitors.UpdateOpts{Delay: 30, ExpectedCodes: "200-299", DomainName: new("b.example")}).Extract())(t)
	if hm = got(monitors.Get(ctx, lbc, hm.ID).Extract())(t); hm.Delay != 30 || hm.ExpectedCodes != "200-299" || len(hm.Pools) != 1 {
		t.Errorf("monitor: %+v", hm)
	}
	if l := all(c, monitors.List(lbc, monitors.ListOpts{PoolID: pool.ID}), monitors.ExtractMonitors); len(l) != 1 {
		t.Errorf("monitors: %+v", l)
	}

	pol := got(l7policies.Create(ctx, lbc, l7policies.CreateOpts{ListenerID: lis.ID, Action: l7policies.ActionRedirectToURL, RedirectURL: "http://a.example/"}).Extract())(t)
	got(l7policies.Update(ctx, lbc, pol.ID, l7policies.UpdateOpts{Name: new("p"), Position: 1}).Extract())(t)
	got(l7policies.Get(ctx, lbc, pol.ID).Extract())(t)
	rule := got(l7policies.CreateRule(ctx, lbc, pol.ID, l7policies.CreateRuleOpts{RuleType: l7policies.TypeHeader, CompareType: l7policies.CompareTypeEqual, Key: "X-A", Value: "1", Invert: true}).Extract())(t)
	rule = got(l7policies.UpdateRule(ctx, lbc, pol.ID, rule.ID, l7policies.UpdateRuleOpts{Value: "2", Invert: new(false)}).Extract())(t)
	if rule.Value != "2" || rule.Invert {
		t.Errorf("rule: %+v", rule)
	}
	got(l7policies.GetRule(ctx, lbc, pol.ID, rule.ID).Extract())(t)
	if l := all(c, l7policies.ListRules(lbc, pol.ID, l7policies.ListRulesOpts{}), l7policies.ExtractRules); len(l) != 1 || l[0].Key != "X-A" {
		t.Errorf("rules: %+v", l)
	}
	if l := all(c, l7policies.List(lbc, l7policies.ListOpts{ListenerID: lis.ID}), l7policies.ExtractL7Policies); len(l) != 1 {
		t.Errorf("policies: %+v", l)
	}

	tree := got(loadbalancers.GetStatuses(ctx, lbc, lb.ID).Extract())(t)
	if tree.Loadbalancer.ID != lb.ID || len(tree.Loadbalancer.Listeners) != 1 || len(tree.Loadbalancer.Listeners[0].Pools) != 1 {
		t.Errorf("status tree: %+v", tree.Loadbalancer)
	}
	got(loadbalancers.GetStats(ctx, lbc, lb.ID).Extract())(t)
	if l := all(c, amphorae.List(lbc, amphorae.ListOpts{LoadbalancerID: lb.ID}), amphorae.ExtractAmphorae); len(l) != 1 || l[0].Status != "ALLOCATED" {
		t.Errorf("amphorae: %+v", l)
	} else {
		got(amphorae.Get(ctx, lbc, l[0].ID).Extract())(t)
	}

	q := got(quotas.Update(ctx, lbc, lb.ProjectID, quotas.UpdateOpts{Loadbalancer: new(7), L7Rule: new(9)}).Extract())(t)
	if q.Loadbalancer != 7 || q.L7Rule != 9 {
		t.Errorf("quota: %+v", q)
	}
	c.ok(quotas.Delete(ctx, lbc, lb.ProjectID).ExtractErr())
	if q = got(quotas.Get(ctx, lbc, lb.ProjectID).Extract())(t); q.Loadbalancer != -1 {
		t.Errorf("quota: %+v", q)
	}

	c.ok(l7policies.DeleteRule(ctx, lbc, pol.ID, rule.ID).ExtractErr())
	c.ok(l7policies.Delete(ctx, lbc, pol.ID).ExtractErr())
	c.ok(monitors.Delete(ctx, lbc, hm.ID).ExtractErr())
	c.ok(pools.Delete(ctx, lbc, pool.ID).ExtractErr())
	c.ok(listeners.Delete(ctx, lbc, lis.ID).ExtractErr())
	c.ok(loadbalancers.Delete(ctx, lbc, lb.ID, nil).ExtractErr())
	c.removed(lb.ID)
	c.ok(flavors.Delete(ctx, lbc, flavor.ID).ExtractErr())
	c.ok(flavorprofiles.Delete(ctx, lbc, profile.ID).ExtractErr())
	c.gone(pools.Get(ctx, lbc, pool.ID).Err)
}
