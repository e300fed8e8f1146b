package network_test

import (
	"fmt"
	"testing"
)

// TestQuotas: limits are kept, shown, listed and reset, and bind whoever creates.
func TestQuotas(t *testing.T) {
	w := newWorld(t)
	show := func() obj {
		_, out := w.call("p1:member", "GET", net2+"quotas/p1", "")
		q, _ := out["quota"].(obj)
		return q
	}
	rows := func() []any {
		_, out := w.call("admin", "GET", net2+"quotas", "")
		list, _ := out["quotas"].([]any)
		return list
	}
	if len(rows()) != 0 {
		t.Errorf("at first: %v", rows())
	}
	w.refused("admin", "DELETE", net2+"quotas/p1", "", 404, "TenantQuotaNotFound", "Quota for tenant p1 could not be found.")
	status, out := w.call("admin", "PUT", net2+"quotas/p1", `{"quota":{"network":1,"security_group":"1","subnetpool":7}}`)
	if q, _ := out["quota"].(obj); status != 200 || q["network"] != 1.0 || q["security_group"] != 1.0 || q["subnetpool"] != 7.0 || q["port"] != -1.0 {
		t.Errorf("PUT: %d %v", status, out)
	}
	w.call("admin", "PUT", net2+"quotas/p1", `{"quota":{"port":0}}`) // the others stay
	if q := show(); q["network"] != 1.0 || q["port"] != 0.0 || q["router"] != -1.0 {
		t.Errorf("GET: %v", q)
	}
	if _, out := w.call("admin", "GET", net2+"quotas/p1/default", ""); out["quota"].(obj)["network"] != -1.0 {
		t.Errorf("default: %v", out)
	}
	if list := rows(); len(list) != 1 || list[0].(obj)["project_id"] != "p1" || list[0].(obj)["tenant_id"] != "p1" || list[0].(obj)["network"] != 1.0 {
		t.Errorf("list: %v", list)
	}

	over := func(path, one, attrs, class string) {
		t.Helper()
		w.refused("p1:member", "POST", net2+path, fmt.Sprintf(`{"%s":{%s}}`, one, attrs), 409, "OverQuota", "Quota exceeded for resources: ['"+class+"'].")
	}
	status, out = w.call("p1:member", "POST", net2+"networks", `{"network":{"name":"one"}}`)
	if status != 201 {
		t.Fatalf("the first network: %d %v", status, out)
	}
	network := out["network"].(obj)["id"].(string)
	over("networks", "network", `"name":"two"`, "network")
	over("ports", "port", `"network_id":"`+network+`"`, "port")
	if status, out := w.call("p2:member", "POST", net2+"networks", `{"network":{}}`); status != 201 {
		t.Errorf("another project: %d %v", status, out)
	}
	if _, out := w.call("p1:member", "GET", net2+"quotas/p1/details", ""); out["quota"].(obj)["network"].(obj)["used"] != 1.0 || out["quota"].(obj)["network"].(obj)["limit"] != 1.0 {
		t.Errorf("details: %v", out)
	}

	// Each class binds its own creations.
	w.call("admin", "PUT", net2+"quotas/p1", `{"quota":{"subnet":0,"router":0,"security_group":0,"floatingip":0,"network":-1}}`)
	over("subnets", "subnet", `"network_id":"`+network+`","cidr":"10.77.0.0/24","ip_version":4`, "subnet")
	over("routers", "router", `"name":"r"`, "router")
	over("security-groups", "security_group", `"name":"g"`, "security_group")
	w.call("admin", "PUT", net2+"quotas/p1", `{"quota":{"security_group":-1,"security_group_rule":2}}`)
	_, out = w.call("p1:member", "POST", net2+"security-groups", `{"security_group":{"name":"g"}}`)
	over("security-group-rules", "security_group_rule", `"security_group_id":"`+out["security_group"].(obj)["id"].(string)+`","direction":"ingress"`, "security_group_rule")

	w.refused("p1:member", "PUT", net2+"quotas/p1", `{"quota":{"network":5}}`, 403, "PolicyNotAuthorized", "Policy does not allow this caller to change quotas.")
	for _, v := range []string{`-2`, `2147483648`, `"x"`, `[]`, `1.5`} {
		if status, out := w.call("admin", "PUT", net2+"quotas/p1", `{"quota":{"network":`+v+`}}`); status != 400 {
			t.Errorf("a limit of %s: %d %v", v, status, out)
		}
	}
	if status, _ := w.call("admin", "PUT", net2+"quotas/p1", `{"quota":{"colour":1}}`); status != 400 {
		t.Errorf("an unknown class: %d", status)
	}
	if status, _ := w.call("admin", "DELETE", net2+"quotas/p1", ""); status != 204 {
		t.Errorf("DELETE: %d", status)
	}
	if len(rows()) != 0 || show()["port"] != -1.0 {
		t.Errorf("after DELETE: %v %v", rows(), show())
	}
}
