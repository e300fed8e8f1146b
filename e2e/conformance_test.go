package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
	"lbd/internal/netlab"
)

// foreign is what judges lbd in TestConformance, as Debian has it: the API tests of
// octavia-tempest-plugin and those of its scenarios that need no virtual machine,
// and Tempest's own tests of networks and of the users of a cloud.
var foreign = strings.Fields(`
	octavia_tempest_plugin.tests.api.v2.test_amphora
	octavia_tempest_plugin.tests.api.v2.test_availability_zone
	octavia_tempest_plugin.tests.api.v2.test_availability_zone_capabilities
	octavia_tempest_plugin.tests.api.v2.test_availability_zone_profile
	octavia_tempest_plugin.tests.api.v2.test_flavor
	octavia_tempest_plugin.tests.api.v2.test_flavor_capabilities
	octavia_tempest_plugin.tests.api.v2.test_flavor_profile
	octavia_tempest_plugin.tests.api.v2.test_healthmonitor
	octavia_tempest_plugin.tests.api.v2.test_l7policy
	octavia_tempest_plugin.tests.api.v2.test_l7rule
	octavia_tempest_plugin.tests.api.v2.test_listener
	octavia_tempest_plugin.tests.api.v2.test_load_balancer
	octavia_tempest_plugin.tests.api.v2.test_member
	octavia_tempest_plugin.tests.api.v2.test_pool
	octavia_tempest_plugin.tests.api.v2.test_provider
	octavia_tempest_plugin.tests.scenario.v2.test_healthmonitor
	octavia_tempest_plugin.tests.scenario.v2.test_l7policy
	octavia_tempest_plugin.tests.scenario.v2.test_l7rule
	octavia_tempest_plugin.tests.scenario.v2.test_listener
	octavia_tempest_plugin.tests.scenario.v2.test_load_balancer
	octavia_tempest_plugin.tests.scenario.v2.test_member
	octavia_tempest_plugin.tests.scenario.v2.test_pool
	tempest.api.identity.admin.v3.test_application_credentials
	tempest.api.identity.admin.v3.test_default_project_id
	tempest.api.identity.admin.v3.test_domains
	tempest.api.identity.admin.v3.test_domains_negative
	tempest.api.identity.admin.v3.test_groups
	tempest.api.identity.admin.v3.test_list_users
	tempest.api.identity.admin.v3.test_project_tags
	tempest.api.identity.admin.v3.test_projects
	tempest.api.identity.admin.v3.test_projects_negative
	tempest.api.identity.admin.v3.test_roles
	tempest.api.identity.admin.v3.test_tokens
	tempest.api.identity.admin.v3.test_users
	tempest.api.identity.admin.v3.test_users_negative
	tempest.api.identity.v3.test_api_discovery
	tempest.api.identity.v3.test_application_credentials
	tempest.api.identity.v3.test_domains
	tempest.api.identity.v3.test_projects
	tempest.api.identity.v3.test_tokens
	tempest.api.identity.v3.test_users
	tempest.api.network.admin.test_external_network_extension
	tempest.api.network.admin.test_external_networks_negative
	tempest.api.network.admin.test_floating_ips_admin_actions
	tempest.api.network.admin.test_negative_quotas
	tempest.api.network.admin.test_quotas
	tempest.api.network.admin.test_routers
	tempest.api.network.admin.test_routers_negative
	tempest.api.network.test_agent_management_negative
	tempest.api.network.test_allowed_address_pair
	tempest.api.network.test_extensions
	tempest.api.network.test_floating_ips
	tempest.api.network.test_floating_ips_negative
	tempest.api.network.test_networks
	tempest.api.network.test_networks_negative
	tempest.api.network.test_ports
	tempest.api.network.test_routers
	tempest.api.network.test_routers_negative
	tempest.api.network.test_security_groups
	tempest.api.network.test_security_groups_negative
	tempest.api.network.test_versions
`)

// otherwise are the tests, by the end of their name, that lbd fails for a reason.
// One that passes after all has no place here.
var otherwise = map[string]string{
	"AvailabilityZoneAPITest":               noManagementNetwork,
	"test_availability_zone_profile_create": noManagementNetwork,
	"test_availability_zone_profile_delete": noManagementNetwork,
	"test_availability_zone_profile_list":   noManagementNetwork,
	"test_availability_zone_profile_show":   noManagementNetwork,
	"test_availability_zone_profile_update": noManagementNetwork,

	"test_external_network_visibility":                  "everybody sees the subnets of external networks: VIPs come from them",
	"test_create_router_with_default_snat_value":        noSNAT,
	"test_create_router_with_snat_explicit":             noSNAT,
	"test_update_router_set_gateway_with_snat_explicit": noSNAT,

	"test_assignments_for_domain_roles":                noDomainRoles,
	"test_domain_roles_create_delete":                  noDomainRoles,
	"test_implied_domain_roles":                        noDomainRoles,
	"test_assignments_for_implied_roles_create_delete": noImpliedRoles,
	"test_implied_roles_create_check_show_delete":      noImpliedRoles,
	"test_list_all_implied_roles":                      noImpliedRoles,
	"test_roles_hierarchy":                             noImpliedRoles,
	"test_grant_list_revoke_role_to_group_on_system":   noSystemScope,
	"test_grant_list_revoke_role_to_user_on_system":    noSystemScope,
	"test_create_is_domain_project":                    "projects do not act as domains",
	"test_project_create_with_parent":                  "projects are in no other project",
}

const (
	noManagementNetwork = "a zone has no management network (decision 0027)"
	noSNAT              = "routers of lbd translate no source addresses"
	noDomainRoles       = "roles belong to no domain"
	noImpliedRoles      = "what a role implies is fixed"
	noSystemScope       = "the admin's project is the cloud's"
)

// atLeast is how many of the foreign tests must pass: fewer were run, if not.
const atLeast = 950

// TestConformance runs foreign tests, unmodified, on one node in a network namespace
// in which every address of their subnets can be bound.
func TestConformance(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // Debian's, which has the packages
	if err := exec.Command(python, "-c", "import octavia_tempest_plugin").Run(); err != nil {
		t.Skipf("SKIP %s: octavia_tempest_plugin is not installed (Debian: octavia-tempest-plugin)", t.Name())
	}
	if os.Geteuid() != 0 {
		t.Skipf("SKIP %s: network namespaces need root", t.Name())
	}
	lab, err := netlab.New(fmt.Sprintf("lbdc%d", os.Getpid()%10000), nil)
	if err != nil {
		t.Skipf("SKIP %s: %v", t.Name(), err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Errorf("remove namespaces: %v", err)
		}
	})
	host, err := lab.Host("cloud")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		if _, err := host.Run(t.Context(), args[0], args[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"10.0.0.0/8", "203.0.113.0/24", "fd00::/8"} {
		run("ip", "route", "add", "local", p, "dev", "lo")
	}
	run("sysctl", "-qw", "net.ipv6.ip_nonlocal_bind=1")

	dir := t.TempDir()
	n := startOnLoopback(t, host.Command(t.Context(), harness.Binary(), onLoopback(dir)...), dir)

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := host.Command(ctx, python, append([]string{"conformance.py", n.api, t.TempDir()}, foreign...)...)
	cmd.Stdin = strings.NewReader(n.adminPassword(t) + "\n")
	said := &lockedBuffer{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	results := make(chan foreignResult)
	err = startTied(cmd, func() {
		defer close(results)
		for d := json.NewDecoder(bufio.NewReader(out)); ; {
			var r foreignResult
			if err := d.Decode(&r); err != nil {
				break
			}
			results <- r
		}
		ended <- cmd.Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	judge(t, results)
	if err := <-ended; err != nil {
		t.Errorf("conformance.py: %v\n%s", err, said.String())
	}
}

type foreignResult struct {
	Test   string `json:"test"`
	Result string `json:"result"` // ok, skip or fail
	Why    string `json:"why"`
}

func judge(t *testing.T, results <-chan foreignResult) {
	t.Helper()
	passed, skipped := 0, map[string]int{}
	failed := map[string]bool{}
	for r := range results {
		name := r.Test[strings.LastIndex(r.Test, ".")+1:]
		reason, known := otherwise[name]
		switch {
		case r.Result == "ok" && known:
			t.Errorf("%s passes, although %s", r.Test, reason)
		case r.Result == "ok":
			passed++
		case r.Result == "skip":
			skipped[r.Why]++
		case known:
			failed[name] = true
		default:
			t.Errorf("%s fails:\n%s", r.Test, r.Why)
		}
	}
	for name := range otherwise {
		if !failed[name] {
			t.Errorf("%s did not run", name)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("%d skipped: %s", skipped[why], why)
	}
	t.Logf("%d foreign tests passed, %d failed for a known reason", passed, len(failed))
	if passed < atLeast {
		t.Errorf("%d passed, want %d", passed, atLeast)
	}
}
