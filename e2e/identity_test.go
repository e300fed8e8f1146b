package e2e

import (
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// adminPassword is in the clouds.yaml that the first start wrote.
func (n *loopbackNode) adminPassword(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dir, "clouds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), "password: "); ok {
			return strings.Trim(v, `"`)
		}
	}
	t.Fatal("no password in clouds.yaml")
	return ""
}

// TestIdentityWithTheStockClient: an admin makes a project with a user, and that
// user has a life of its own, apart from the other projects.
func TestIdentityWithTheStockClient(t *testing.T) {
	needOpenstack(t)
	t.Parallel()
	n := startLoopback(t, t.TempDir())
	admin := n.asAdmin(t)

	project := admin.ok("project create --description blue --tag t1 blue -f value -c id")
	bob := admin.ok("user create --project blue --password secret --email b@example.com bob -f value -c id")
	admin.ok("role create cook")
	admin.ok("role add --user bob --project blue member")
	admin.ok("role add --user bob --project blue cook")
	admin.ok("role remove --user bob --project blue cook")
	admin.ok("role delete cook")
	if got := admin.ok("role assignment list --user bob --names -f value -c Role -c User -c Project"); got != "member bob@Default blue@Default" {
		t.Errorf("assignments of bob: %q", got)
	}
	if got := admin.ok("role assignment list --user bob --effective --names -f value -c Role"); got != "member\nreader" && got != "reader\nmember" {
		t.Errorf("effective roles of bob: %q", got)
	}
	staff := admin.ok("group create --description cooks staff -f value -c id")
	admin.ok("group add user staff bob")
	admin.ok("role add --group staff --project admin reader")
	if got := admin.ok("role assignment list --group staff --names -f value -c Role -c Group -c Project"); got != "reader staff@Default admin@Default" {
		t.Errorf("assignments of the group: %q", got)
	}
	if got := admin.ok("group contains user staff bob"); got != "bob in group staff" {
		t.Errorf("group contains user: %q", got)
	}
	if got := admin.ok("group list --user bob -f value"); got != staff+" staff" {
		t.Errorf("groups of bob: %q", got)
	}
	admin.ok("group set --name crew staff")
	admin.ok("group remove user crew bob")
	admin.ok("group delete crew")
	admin.refused("project create blue", "Conflict occurred attempting to store project")
	admin.refused("role remove --user admin --project admin admin", "nobody could administer the cluster")
	admin.ok("project set --name azure --tag t2 blue")
	if got := admin.ok("project list --tags t1,t2 -f value -c ID -c Name"); got != project+" azure" {
		t.Errorf("projects with the tags: %q", got)
	}
	admin.ok("user set --description cook bob")
	if got := admin.ok("user show bob -f value -c id -c email -c description -c default_project_id"); !strings.Contains(got, bob) || !strings.Contains(got, "cook") || !strings.Contains(got, project) {
		t.Errorf("user show: %q", got)
	}
	admin.ok("domain create other")
	admin.ok("user create --domain other --password x eve")
	admin.ok("domain set --disable other")
	admin.ok("domain delete other")
	for _, list := range []string{"catalog list", "endpoint list", "implied role list"} {
		if out := admin.ok(list + " -f value"); out == "" {
			t.Errorf("%s is empty", list)
		}
	}

	b := n.asUser(t, "bob", "secret", "azure")
	b.refused("user list", "You are not authorized to perform the requested action: identity:list_users")
	b.refused("user create x", "403")
	if got := b.ok("user show " + bob + " -f value -c name"); got != "bob" {
		t.Errorf("bob sees himself as %q", got)
	}

	t.Run("projects are apart", func(t *testing.T) {
		admin.ok("network create theirs")
		admin.ok("subnet create --network theirs --subnet-range 127.0.9.0/24 theirs")
		lb := admin.ok("loadbalancer create --name theirs --vip-subnet-id theirs --wait -f value -c id")
		net := admin.ok("network show theirs -f value -c id")
		token := map[string]string{"X-Auth-Token": b.ok("token issue -f value -c id")}
		for _, list := range []string{"load-balancer/v2.0/lbaas/loadbalancers", "networking/v2.0/networks", "networking/v2.0/subnets", "networking/v2.0/ports", "networking/v2.0/floatingips"} {
			status, out := call(t, http.DefaultClient, "GET", "http://"+n.api+"/"+list, token, nil)
			if l, ok := out[path.Base(list)].([]any); status != 200 || !ok || len(l) != 0 {
				t.Errorf("bob: GET %s: %d %v", list, status, out)
			}
		}
		for _, object := range []string{"load-balancer/v2.0/lbaas/loadbalancers/" + lb, "networking/v2.0/networks/" + net} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				var in any
				if method == "PUT" {
					in = map[string]any{"loadbalancer": map[string]any{"name": "mine"}, "network": map[string]any{"name": "mine"}}
					if strings.Contains(object, "networks") {
						delete(in.(map[string]any), "loadbalancer")
					} else {
						delete(in.(map[string]any), "network")
					}
				}
				if status, out := call(t, http.DefaultClient, method, "http://"+n.api+"/"+object, token, in); status != 403 && status != 404 {
					t.Errorf("bob: %s %s: %d %v", method, object, status, out)
				}
			}
		}
		b.refused("loadbalancer show theirs", "Unable to locate theirs in")
		b.ok("network create mine")
		b.ok("subnet create --network mine --subnet-range 127.0.8.0/24 mine")
		b.ok("loadbalancer create --name mine --vip-subnet-id mine --wait")
		if got := b.ok("loadbalancer list -f value -c name -c project_id"); got != "mine "+project {
			t.Errorf("bob's load balancers: %q", got)
		}
		if got := strings.Fields(admin.ok("loadbalancer list -f value -c name")); len(got) != 2 {
			t.Errorf("the admin's load balancers: %q", got)
		}
	})

	t.Run("application credentials", func(t *testing.T) {
		out := strings.Fields(b.ok("application credential create --role reader --expiration 2999-01-01T00:00:00 robot -f value -c id -c secret"))
		if len(out) != 2 {
			t.Fatalf("create: %q", out)
		}
		id, secret := out[0], out[1]
		robot := n.as(t, "OS_AUTH_TYPE=v3applicationcredential", "OS_APPLICATION_CREDENTIAL_ID="+id, "OS_APPLICATION_CREDENTIAL_SECRET="+secret)
		if got := robot.ok("loadbalancer list -f value -c name"); got != "mine" {
			t.Errorf("the robot sees %q", got)
		}
		robot.refused("loadbalancer create --name robots --vip-subnet-id mine", "403")
		robot.refused("application credential create child", "403")
		if got := b.ok("application credential list -f value -c Name"); got != "robot" {
			t.Errorf("list: %q", got)
		}
		if got := b.ok("application credential show robot -f value -c roles -c unrestricted"); !strings.Contains(got, "reader") || !strings.Contains(got, "False") {
			t.Errorf("show: %q", got)
		}
		b.ok("application credential delete robot")
		robot.refused("loadbalancer list", "401")
	})

	t.Run("tokens end", func(t *testing.T) {
		token := b.ok("token issue -f value -c id")
		with := n.as(t, "OS_AUTH_TYPE=v3token", "OS_TOKEN="+token, "OS_PROJECT_NAME=azure", "OS_PROJECT_DOMAIN_NAME=Default")
		with.ok("loadbalancer list")
		admin.ok("token revoke " + token)
		with.refused("loadbalancer list", "401")

		b.ok("user password set --original-password secret --password changed")
		b.refused("token issue", "401")
		b = n.asUser(t, "bob", "changed", "azure")
		b.ok("token issue")
		admin.ok("user set --disable bob")
		b.refused("token issue", "401")
		admin.ok("user delete bob")
		admin.ok("project delete azure")
		if got := admin.ok("user list -f value -c Name"); got != "admin" {
			t.Errorf("users left: %q", got)
		}
	})
}
