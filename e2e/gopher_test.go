package e2e

import (
	"context"
	"net/http"
	"net/netip"
	"path"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"lbd/e2e/harness"
)

// cloud is a node as gophercloud sees it: one login, one client per service.
type cloud struct {
	t                                 *testing.T
	ctx                               context.Context
	provider                          *gophercloud.ProviderClient
	lb, network, identity, keymanager *gophercloud.ServiceClient
}

// gopher logs in at a node as its first admin.
func (n *loopbackNode) gopher(t *testing.T) *cloud {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	p := got(openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: "http://" + n.api + "/identity/v3", Username: "admin", Password: n.adminPassword(t),
		DomainName: "Default", TenantName: "admin", AllowReauth: true,
	}))(t)
	eo := gophercloud.EndpointOpts{Region: "RegionOne"}
	return &cloud{
		t: t, ctx: ctx, provider: p, lb: got(openstack.NewLoadBalancerV2(p, eo))(t), network: got(openstack.NewNetworkV2(p, eo))(t),
		identity: got(openstack.NewIdentityV3(p, eo))(t), keymanager: got(openstack.NewKeyManagerV1(p, eo))(t),
	}
}

// got ends the test when a call went wrong: got(call())(t).
func got[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// all is every element of a listing, page by page.
func all[T any](c *cloud, p pagination.Pager, extract func(pagination.Page) ([]T, error)) []T {
	c.t.Helper()
	return got(extract(got(p.AllPages(c.ctx))(c.t)))(c.t)
}

// ok ends the test when a call without an answer went wrong.
func (c *cloud) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// gone expects a 404.
func (c *cloud) gone(err error) {
	c.t.Helper()
	if !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		c.t.Errorf("want a 404, got %v", err)
	}
}

// ready polls a load balancer until it is ACTIVE.
func (c *cloud) ready(id string) (lb *loadbalancers.LoadBalancer) {
	c.t.Helper()
	harness.Until(c.t, 10*time.Second, "the load balancer is ACTIVE", func() (err error) {
		if lb, err = loadbalancers.Get(c.ctx, c.lb, id).Extract(); err == nil && lb.ProvisioningStatus != "ACTIVE" {
			err = errorf("it is %s", lb.ProvisioningStatus)
		}
		return err
	})
	return lb
}

// removed polls a load balancer until it is not found.
func (c *cloud) removed(id string) {
	c.t.Helper()
	harness.Until(c.t, 10*time.Second, "the load balancer is gone", func() error {
		lb, err := loadbalancers.Get(c.ctx, c.lb, id).Extract()
		if gophercloud.ResponseCodeIs(err, http.StatusNotFound) || err == nil && lb.ProvisioningStatus == "DELETED" {
			return nil
		}
		return errorf("%+v %v", lb, err)
	})
}

// subnet makes a network with one subnet on loopback.
func (c *cloud) subnet(name, cidr string, external bool) (network, subnet string) {
	c.t.Helper()
	create := networks.CreateOptsBuilder(networks.CreateOpts{Name: name})
	if external {
		create = externalNetwork(name)
	}
	n := got(networks.Create(c.ctx, c.network, create).Extract())(c.t)
	gateway := netip.MustParsePrefix(cidr).Addr().Next().String() // on loopback there is none by default
	s := got(subnets.Create(c.ctx, c.network, subnets.CreateOpts{NetworkID: n.ID, Name: name, IPVersion: 4, CIDR: cidr, GatewayIP: &gateway}).Extract())(c.t)
	return n.ID, s.ID
}

// lastPart is the id at the end of a reference.
func lastPart(ref string) string { return path.Base(ref) }
