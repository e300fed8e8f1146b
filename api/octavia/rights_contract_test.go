package octavia_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// roleRights are the access rules of contract 8.1 that a role satisfies, on
// its own project and on another one. Both of Octavia's rule sets hold.
var roleRights = []struct {
	role       string
	own, other []string
}{
	{"nothing", nil, nil},
	{"reader", []string{"any", "list", "read", "read-quota"}, []string{"any", "list"}},
	{"member", []string{"any", "list", "read", "write", "read-quota"}, []string{"any", "list"}},
	{"admin", everyRight, everyRight},
	{"load-balancer_observer", []string{"any", "list", "read", "read-quota"}, []string{"any", "list"}},
	{"load-balancer_member", []string{"any", "list", "read", "write", "read-quota"}, []string{"any", "list"}},
	{"load-balancer_global_observer", globalRights, globalRights},
	{"load-balancer_quota_admin", []string{"read-quota", "write-quota"}, []string{"read-quota", "write-quota"}},
	{"load-balancer_admin", everyRight, everyRight},
	{"service", []string{"members"}, []string{"members"}},
	{"READER", []string{"any", "list", "read", "read-quota"}, []string{"any", "list"}}, // case does not matter
}

var (
	everyRight   = []string{"any", "list", "read", "read-global", "write", "read-quota", "write-quota", "admin", "members"}
	globalRights = []string{"any", "list", "read", "read-global", "read-quota"}
)

// ruleOf is the rule of each endpoint (contract 8.2): whose policy check comes
// after the object was found. "list" is a list of the caller's own, "any" is read
// without an object. Writes are empty updates, which change nothing but statuses.
var ruleOf = []struct{ rule, method, path, body string }{
	{"list", "GET", "loadbalancers", ""},
	{"read-global", "GET", "loadbalancers?project_id=third", ""},
	{"read", "GET", "loadbalancers/$lb", ""},
	{"read", "GET", "loadbalancers/$lb/stats", ""},
	{"read", "GET", "loadbalancers/$lb/status", ""},
	{"write", "PUT", "loadbalancers/$lb", `{"loadbalancer":{}}`},
	{"admin", "PUT", "loadbalancers/$lb/failover", ""},
	{"list", "GET", "listeners", ""},
	{"read-global", "GET", "listeners?project_id=third", ""},
	{"read", "GET", "listeners/$listener", ""},
	{"read", "GET", "listeners/$listener/stats", ""},
	{"write", "PUT", "listeners/$listener", `{"listener":{}}`},
	{"list", "GET", "pools", ""},
	{"read-global", "GET", "pools?project_id=third", ""},
	{"read", "GET", "pools/$pool", ""},
	{"write", "PUT", "pools/$pool", `{"pool":{}}`},
	{"members|read", "GET", "pools/$pool/members", ""},
	{"read", "GET", "pools/$pool/members/$member", ""},
	{"write", "PUT", "pools/$pool/members/$member", `{"member":{}}`},
	{"list", "GET", "healthmonitors", ""},
	{"read-global", "GET", "healthmonitors?project_id=third", ""},
	{"read", "GET", "healthmonitors/$monitor", ""},
	{"write", "PUT", "healthmonitors/$monitor", `{"healthmonitor":{}}`},
	{"list", "GET", "l7policies", ""},
	{"read-global", "GET", "l7policies?project_id=third", ""},
	{"read", "GET", "l7policies/$policy", ""},
	{"write", "PUT", "l7policies/$policy", `{"l7policy":{"name":""}}`},
	{"read", "GET", "l7policies/$policy/rules", ""},
	{"read", "GET", "l7policies/$policy/rules/$rule", ""},
	{"write", "PUT", "l7policies/$policy/rules/$rule", `{"rule":{}}`},
	{"read-quota", "GET", "quotas/$project", ""},
	{"read-quota", "GET", "quotas/$project/default", ""},
	{"write-quota", "PUT", "quotas/$project", `{"quota":{"pool":-1}}`},
	{"any", "GET", "providers", ""},
	{"admin", "GET", "providers/lbd/flavor_capabilities", ""},
	{"admin", "GET", "providers/lbd/availability_zone_capabilities", ""},
	{"any", "GET", "flavors", ""},
	{"any", "GET", "availabilityzones", ""},
	{"admin", "GET", "flavorprofiles", ""},
	{"admin", "GET", "availabilityzoneprofiles", ""},
	{"admin", "GET", "../octavia/amphorae", ""},
	{"admin", "GET", "../octavia/amphorae/$amphora", ""},
	{"admin", "PUT", "../octavia/amphorae/$amphora/config", ""},
	{"admin", "PUT", "../octavia/amphorae/$amphora/failover", ""},
}

// TestContractRights asks every endpoint as every role, on the own project and
// from another one: 403 exactly where no rule admits the caller.
func TestContractRights(t *testing.T) {
	w := newPopulated(t)
	_, out := w.ask("admin", "GET", "/v2.0/octavia/amphorae", "")
	amphora := idOf(out["amphorae"].([]any)[0].(object))
	fill := func(s string) string {
		return strings.NewReplacer("$amphora", amphora, "$project", string(w.admin.Project), "/lbaas/../", "/").Replace(w.fill(s))
	}
	asked := 0
	for _, r := range roleRights {
		for _, from := range []struct {
			project string
			rights  []string
		}{{string(w.admin.Project), r.own}, {"elsewhere", r.other}} {
			for _, x := range ruleOf {
				admitted := slices.ContainsFunc(strings.Split(x.rule, "|"), func(rule string) bool { return slices.Contains(from.rights, rule) })
				status, out := w.ask(from.project+":"+r.role, x.method, fill(base+x.path), x.body)
				asked++
				denied := status == http.StatusForbidden && out["faultstring"] == "Policy does not allow this request to be performed."
				if denied == admitted || admitted && status >= 300 {
					t.Errorf("%s of %s: %s %s: %d %v", r.role, from.project, x.method, x.path, status, out["faultstring"])
				}
			}
		}
	}
	t.Logf("%d requests", asked)
}
