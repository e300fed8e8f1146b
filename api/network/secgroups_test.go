package network_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

func TestDefaultSecurityGroupIsMadeOnDemand(t *testing.T) {
	w := newWorld(t)
	// Ten callers at once, and still one group.
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { w.list("p1:member", net2+"security-groups", "security_groups", "id") })
	}
	wg.Wait()
	if got := w.list("p1:member", net2+"security-groups", "security_groups", "name"); !slices.Equal(got, []string{"default"}) {
		t.Fatalf("groups: %v", got)
	}
	def := w.list("p1:member", net2+"security-groups?name=default", "security_groups", "id")[0]
	if got := w.list("p1:member", net2+"security-group-rules?security_group_id="+def+"&direction=ingress", "security_group_rules", "remote_group_id"); !slices.Equal(got, []string{def, def}) {
		t.Errorf("ingress rules: %v", got)
	}
	n := id(w.makeAs("p1:member", "network", "networks", `{}`))
	port := w.makeAs("p1:member", "port", "ports", `{"network_id":"`+n+`"}`)
	if got := port["security_groups"].([]any); len(got) != 1 || got[0] != def {
		t.Errorf("a new port has groups %v", got)
	}
	if p := w.makeAs("p1:member", "port", "ports", `{"network_id":"`+n+`","security_groups":[]}`); len(p["security_groups"].([]any)) != 0 {
		t.Errorf("a port without groups has %v", p["security_groups"])
	}
	if p := w.makeAs("p1:member", "port", "ports", `{"network_id":"`+n+`","port_security_enabled":false}`); len(p["security_groups"].([]any)) != 0 || p["port_security_enabled"] != false {
		t.Errorf("a port without port security: %v", p)
	}
	w.refused("p1:member", "DELETE", net2+"security-groups/"+def, "", 409, "SecurityGroupCannotRemoveDefault", "Removing default security group not allowed.")
	w.refused("p1:member", "PUT", net2+"security-groups/"+def, `{"security_group":{"name":"x"}}`, 409, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
	w.refused("p2:member", "GET", net2+"security-groups/"+def, "", 404, "SecurityGroupNotFound", "Security group "+def+" does not exist")
	if status, _ := w.call("p3:reader", "GET", net2+"security-groups", ""); status != 200 {
		t.Errorf("a reader lists: %d", status)
	}
}

func TestSecurityGroupsAndRules(t *testing.T) {
	w := newWorld(t)
	g := w.make("security_group", "security-groups", `{"name":"web","description":"d","tags":["t"]}`)
	if rules := g["security_group_rules"].([]any); len(rules) != 2 || rules[0].(obj)["direction"] != "egress" || g["stateful"] != true {
		t.Errorf("a new group: %v", g)
	}
	rule := func(body string) obj {
		t.Helper()
		return w.make("security_group_rule", "security-group-rules", fmt.Sprintf(`{"security_group_id":%q,%s}`, id(g), body))
	}
	r := rule(`"direction":"ingress","protocol":"TCP","port_range_min":"80","port_range_max":80,"remote_ip_prefix":"192.0.2.7/24"`)
	if r["protocol"] != "tcp" || r["port_range_min"] != 80.0 || r["ethertype"] != "IPv4" || r["remote_ip_prefix"] != "192.0.2.0/24" {
		t.Errorf("rule: %v", r)
	}
	rule(`"direction":"ingress","protocol":null,"ethertype":"ipv6","remote_group_id":"` + id(g) + `"`)
	rule(`"direction":"ingress","protocol":"icmp","port_range_min":8,"port_range_max":0`)
	rule(`"direction":"egress","protocol":112,"ethertype":"IPv4"`)
	path := net2 + "security-group-rules"
	bad := func(body string, status int, typ, message string) {
		t.Helper()
		w.refused("admin", "POST", path, fmt.Sprintf(`{"security_group_rule":{"security_group_id":%q,%s}}`, id(g), body), status, typ, message)
	}
	bad(`"direction":"ingress","protocol":"tcp","port_range_min":80,"port_range_max":80,"remote_ip_prefix":"192.0.2.0/24"`, 409, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is "+id(r)+".")
	bad(`"direction":"in"`, 400, "HTTPBadRequest", "Invalid input for direction. Reason: 'in' is not in ['ingress', 'egress'].")
	bad(`"protocol":"tcp"`, 400, "HTTPBadRequest", "Failed to parse request. Required attribute 'direction' not specified")
	bad(`"direction":"ingress","port_range_min":80,"port_range_max":80`, 400, "SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
	bad(`"direction":"ingress","protocol":"tcp","port_range_min":-16,"port_range_max":80`, 400, "SecurityGroupInvalidPortValue", "Invalid value for port -16")
	bad(`"direction":"ingress","protocol":"tcp","port_range_min":81,"port_range_max":80`, 400, "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
	bad(`"direction":"ingress","protocol":"icmp","port_range_max":1`, 400, "SecurityGroupMissingIcmpType", "ICMP code (port-range-max) 1 is provided but ICMP type (port-range-min) is missing.")
	bad(`"direction":"ingress","ethertype":"IPv6","remote_ip_prefix":"192.0.2.0/24"`, 400, "SecurityGroupRuleParameterConflict", "Conflicting value ethertype IPv6 for CIDR 192.0.2.0/24")
	bad(`"direction":"ingress","remote_ip_prefix":"192.0.2.0/24","remote_group_id":"`+id(g)+`"`, 400, "SecurityGroupRemoteGroupAndRemoteIpPrefix", "Only remote_ip_prefix or remote_group_id may be provided.")
	bad(`"direction":"ingress","remote_group_id":"x"`, 404, "SecurityGroupNotFound", "Security group x does not exist")

	n := id(w.make("network", "networks", `{}`))
	port := id(w.make("port", "ports", fmt.Sprintf(`{"network_id":%q,"security_groups":[%q]}`, n, id(g))))
	if got := w.list("admin", net2+"ports?security_groups="+id(g), "ports", "id"); !slices.Equal(got, []string{port}) {
		t.Errorf("ports of the group: %v", got)
	}
	w.refused("admin", "DELETE", net2+"security-groups/"+id(g), "", 409, "SecurityGroupInUse", "Security Group "+id(g)+" in use.")
	w.call("admin", "PUT", net2+"ports/"+port, `{"port":{"security_groups":[]}}`)
	if status, _ := w.call("admin", "DELETE", path+"/"+id(r), ""); status != 204 {
		t.Errorf("delete rule: %d", status)
	}
	w.refused("admin", "GET", path+"/"+id(r), "", 404, "SecurityGroupRuleNotFound", "Security group rule "+id(r)+" does not exist")
	if status, _ := w.call("admin", "DELETE", net2+"security-groups/"+id(g), ""); status != 204 {
		t.Errorf("delete group: %d", status)
	}
}
