package e2e

import (
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/catalog"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/regions"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/acls"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/containers"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// TestGophercloudIdentity: a project with a user, its roles, its application
// credential, its token.
func TestGophercloudIdentity(t *testing.T) {
	t.Parallel()
	n := startLoopback(t, t.TempDir())
	c := n.gopher(t)
	ctx, id := c.ctx, c.identity

	project := got(projects.Create(ctx, id, projects.CreateOpts{Name: "blue", Description: "d", Tags: []string{"t"}}).Extract())(t)
	got(projects.Update(ctx, id, project.ID, projects.UpdateOpts{Name: "azure"}).Extract())(t)
	if l := all(c, projects.List(id, projects.ListOpts{Name: "azure"}), projects.ExtractProjects); len(l) != 1 || l[0].ID != project.ID {
		t.Errorf("projects: %+v", l)
	}
	user := got(users.Create(ctx, id, users.CreateOpts{Name: "bob", Password: "secret", DefaultProjectID: project.ID, DomainID: "default"}).Extract())(t)
	got(users.Update(ctx, id, user.ID, users.UpdateOpts{Description: new("d")}).Extract())(t)
	role := all(c, roles.List(id, roles.ListOpts{Name: "member"}), roles.ExtractRoles)[0]
	c.ok(roles.Assign(ctx, id, role.ID, roles.AssignOpts{UserID: user.ID, ProjectID: project.ID}).ExtractErr())
	if l := all(c, roles.ListAssignments(id, roles.ListAssignmentsOpts{UserID: user.ID}), roles.ExtractRoleAssignments); len(l) != 1 || l[0].Scope.Project.ID != project.ID {
		t.Errorf("assignments: %+v", l)
	}
	if l := all(c, roles.ListAssignmentsOnResource(id, roles.ListAssignmentsOnResourceOpts{UserID: user.ID, ProjectID: project.ID}), roles.ExtractRoles); len(l) != 1 || l[0].ID != role.ID {
		t.Errorf("roles on the project: %+v", l)
	}
	all(c, domains.List(id, domains.ListOpts{}), domains.ExtractDomains)
	all(c, regions.List(id, regions.ListOpts{}), regions.ExtractRegions)
	all(c, services.List(id, services.ListOpts{}), services.ExtractServices)
	all(c, endpoints.List(id, endpoints.ListOpts{}), endpoints.ExtractEndpoints)
	if l := all(c, catalog.List(id), catalog.ExtractServiceCatalog); len(l) < 4 {
		t.Errorf("catalog: %+v", l)
	}

	url := "http://" + n.api + "/identity/v3"
	bob := got(openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{IdentityEndpoint: url, Username: "bob", Password: "secret", DomainName: "Default", TenantID: project.ID}))(t)
	his := got(openstack.NewIdentityV3(bob, gophercloud.EndpointOpts{Region: "RegionOne"}))(t)
	expires := time.Now().Add(time.Hour)
	cred := got(applicationcredentials.Create(ctx, his, user.ID, applicationcredentials.CreateOpts{Name: "robot", ExpiresAt: &expires}).Extract())(t)
	if l := all(c, applicationcredentials.List(his, user.ID, applicationcredentials.ListOpts{}), applicationcredentials.ExtractApplicationCredentials); len(l) != 1 || l[0].ID != cred.ID {
		t.Errorf("application credentials: %+v", l)
	}
	robot := got(openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{IdentityEndpoint: url, ApplicationCredentialID: cred.ID, ApplicationCredentialSecret: cred.Secret}))(t)
	about := got(tokens.Get(ctx, id, robot.Token()).ExtractUser())(t)
	if about.ID != user.ID {
		t.Errorf("the robot's token is of %+v", about)
	}
	c.ok(applicationcredentials.Delete(ctx, his, user.ID, cred.ID).ExtractErr())
	if valid, err := tokens.Validate(ctx, id, bob.Token()); !valid || err != nil {
		t.Errorf("bob's token: %v %v", valid, err)
	}
	c.ok(tokens.Revoke(ctx, id, bob.Token()).Err)
	if valid, err := tokens.Validate(ctx, id, bob.Token()); valid || err != nil {
		t.Errorf("bob's revoked token: %v %v", valid, err)
	}
	c.ok(roles.Unassign(ctx, id, role.ID, roles.UnassignOpts{UserID: user.ID, ProjectID: project.ID}).ExtractErr())
	c.ok(users.Delete(ctx, id, user.ID).ExtractErr())
	c.ok(projects.Delete(ctx, id, project.ID).ExtractErr())
	c.gone(projects.Get(ctx, id, project.ID).Err)
}

// TestGophercloudNetworking: networks, subnets, ports, routers, floating IPs,
// security groups and tags.
func TestGophercloudNetworking(t *testing.T) {
	t.Parallel()
	c := startLoopback(t, t.TempDir()).gopher(t)
	ctx, nc := c.ctx, c.network
	network, subnet := c.subnet("private", "127.0.24.0/24", false)
	public, _ := c.subnet("public", "127.0.25.0/24", true)

	got(networks.Update(ctx, nc, network, networks.UpdateOpts{Name: new("p2"), Description: new("d")}).Extract())(t)
	if l := all(c, networks.List(nc, networks.ListOpts{Name: "p2"}), networks.ExtractNetworks); len(l) != 1 || l[0].ID != network {
		t.Errorf("networks: %+v", l)
	}
	got(subnets.Update(ctx, nc, subnet, subnets.UpdateOpts{Name: new("s2"), DNSNameservers: &[]string{"127.0.0.53"}}).Extract())(t)
	if s := got(subnets.Get(ctx, nc, subnet).Extract())(t); s.Name != "s2" || len(s.DNSNameservers) != 1 || len(s.AllocationPools) == 0 {
		t.Errorf("subnet: %+v", s)
	}
	sg := got(groups.Create(ctx, nc, groups.CreateOpts{Name: "g"}).Extract())(t)
	rule := got(rules.Create(ctx, nc, rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP, PortRangeMin: 80, PortRangeMax: 90, SecGroupID: sg.ID}).Extract())(t)
	port := got(ports.Create(ctx, nc, ports.CreateOpts{NetworkID: network, FixedIPs: []ports.IP{{SubnetID: subnet, IPAddress: "127.0.24.50"}}, SecurityGroups: &[]string{sg.ID}}).Extract())(t)
	port = got(ports.Update(ctx, nc, port.ID, ports.UpdateOpts{Name: new("p"), SecurityGroups: &[]string{}}).Extract())(t)
	if port.Name != "p" || len(port.SecurityGroups) != 0 {
		t.Errorf("port: %+v", port)
	}
	if l := all(c, ports.List(nc, ports.ListOpts{FixedIPs: []ports.FixedIPOpts{{IPAddress: "127.0.24.50"}}}), ports.ExtractPorts); len(l) != 1 || l[0].ID != port.ID {
		t.Errorf("ports by address: %+v", l)
	}

	got(attributestags.ReplaceAll(ctx, nc, "ports", port.ID, attributestags.ReplaceAllOpts{Tags: []string{"a", "b"}}).Extract())(t)
	c.ok(attributestags.Add(ctx, nc, "ports", port.ID, "c").ExtractErr())
	c.ok(attributestags.Delete(ctx, nc, "ports", port.ID, "a").ExtractErr())
	if has := got(attributestags.Confirm(ctx, nc, "ports", port.ID, "c").Extract())(t); !has {
		t.Error("no tag c")
	}
	if l := got(attributestags.List(ctx, nc, "ports", port.ID).Extract())(t); len(l) != 2 {
		t.Errorf("tags: %v", l)
	}
	c.ok(attributestags.DeleteAll(ctx, nc, "ports", port.ID).ExtractErr())

	router := got(routers.Create(ctx, nc, routers.CreateOpts{Name: "r", GatewayInfo: &routers.GatewayInfo{NetworkID: public}}).Extract())(t)
	got(routers.AddInterface(ctx, nc, router.ID, routers.AddInterfaceOpts{SubnetID: subnet}).Extract())(t)
	fip := got(floatingips.Create(ctx, nc, floatingips.CreateOpts{FloatingNetworkID: public, PortID: port.ID}).Extract())(t)
	if fip.FixedIP != "127.0.24.50" {
		t.Errorf("floating IP: %+v", fip)
	}
	fip = got(floatingips.Update(ctx, nc, fip.ID, floatingips.UpdateOpts{PortID: new("")}).Extract())(t)
	if fip.PortID != "" || fip.FixedIP != "" {
		t.Errorf("freed floating IP: %+v", fip)
	}
	c.ok(floatingips.Delete(ctx, nc, fip.ID).ExtractErr())
	got(routers.RemoveInterface(ctx, nc, router.ID, routers.RemoveInterfaceOpts{SubnetID: subnet}).Extract())(t)
	c.ok(routers.Delete(ctx, nc, router.ID).ExtractErr())
	c.ok(ports.Delete(ctx, nc, port.ID).ExtractErr())
	c.ok(rules.Delete(ctx, nc, rule.ID).ExtractErr())
	c.ok(groups.Delete(ctx, nc, sg.ID).ExtractErr())
	c.ok(subnets.Delete(ctx, nc, subnet).ExtractErr())
	c.ok(networks.Delete(ctx, nc, network).ExtractErr())
	c.gone(networks.Get(ctx, nc, network).Err)
}

// TestGophercloudKeyManager: secrets, containers and access lists.
func TestGophercloudKeyManager(t *testing.T) {
	t.Parallel()
	c := startLoopback(t, t.TempDir()).gopher(t)
	ctx, km := c.ctx, c.keymanager
	s := got(secrets.Create(ctx, km, secrets.CreateOpts{Name: "s", Payload: "hidden", PayloadContentType: "text/plain", SecretType: secrets.PassphraseSecret}).Extract())(t)
	id := lastPart(s.SecretRef)
	if payload := got(secrets.GetPayload(ctx, km, id, secrets.GetPayloadOpts{PayloadContentType: "text/plain"}).Extract())(t); string(payload) != "hidden" {
		t.Errorf("payload %q", payload)
	}
	if about := got(secrets.Get(ctx, km, id).Extract())(t); about.Name != "s" || about.Status != "ACTIVE" || about.SecretType != "passphrase" {
		t.Errorf("secret: %+v", about)
	}
	if l := all(c, secrets.List(km, secrets.ListOpts{Name: "s"}), secrets.ExtractSecrets); len(l) != 1 {
		t.Errorf("secrets: %+v", l)
	}
	late := got(secrets.Create(ctx, km, secrets.CreateOpts{Name: "late"}).Extract())(t)
	c.ok(secrets.Update(ctx, km, lastPart(late.SecretRef), secrets.UpdateOpts{ContentType: "text/plain", Payload: "later"}).ExtractErr())
	box := got(containers.Create(ctx, km, containers.CreateOpts{Name: "tls", Type: containers.CertificateContainer, SecretRefs: []containers.SecretRef{{Name: "certificate", SecretRef: s.SecretRef}}}).Extract())(t)
	boxID := lastPart(box.ContainerRef)
	if b := got(containers.Get(ctx, km, boxID).Extract())(t); len(b.SecretRefs) != 1 || b.SecretRefs[0].SecretRef != s.SecretRef {
		t.Errorf("container: %+v", b)
	}
	if l := all(c, containers.List(km, containers.ListOpts{}), containers.ExtractContainers); len(l) != 1 {
		t.Errorf("containers: %+v", l)
	}
	got(acls.SetSecretACL(ctx, km, id, acls.SetOpts{{Type: "read", Users: &[]string{}, ProjectAccess: new(false)}}).Extract())(t)
	if a := got(acls.GetSecretACL(ctx, km, id).Extract())(t); (*a)["read"].ProjectAccess {
		t.Errorf("access list: %+v", a)
	}
	c.ok(acls.DeleteSecretACL(ctx, km, id).ExtractErr())
	c.ok(containers.Delete(ctx, km, boxID).ExtractErr())
	c.ok(secrets.Delete(ctx, km, id).ExtractErr())
	c.gone(secrets.Get(ctx, km, id).Err)
}
