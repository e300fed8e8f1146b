package octavia_test

import (
	"net/http"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// vip_sg_ids in every verb (contract 3.1): shown, filtered by, cleared by null and
// by an empty list, refused where the caller has no such group.
func TestContractVIPSecurityGroups(t *testing.T) {
	w := newPopulated(t)
	const mine, theirs = "77777777-7777-4777-8777-777777777777", "88888888-8888-4888-8888-888888888888"
	for id, project := range map[model.SecurityGroupID]model.ProjectID{mine: w.admin.Project, theirs: "elsewhere"} {
		w.apply(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{Group: model.SecurityGroup{ID: id, Record: model.Record{Project: project}}})
	}
	member := string(w.admin.Project) + ":member"
	create := func(token, attrs string) (int, object) {
		t.Helper()
		status, out := w.ask(token, "POST", base+"loadbalancers", `{"loadbalancer":{"vip_subnet_id":"`+theSubnet+`",`+attrs+`}}`)
		lb, _ := out["loadbalancer"].(object)
		if lb == nil {
			return status, out
		}
		return status, lb
	}
	status, lb := create(member, `"vip_sg_ids":["`+mine+`","`+mine+`"]`)
	if status != http.StatusCreated {
		t.Fatal(status, lb)
	}
	shows(t, lb, `{"vip_sg_ids":["`+mine+`"]}`)
	path := "loadbalancers/" + idOf(lb)
	shows(t, w.does(http.StatusOK, "GET", path, "loadbalancer", ""), `{"vip_sg_ids":["`+mine+`"]}`)
	_, out := w.ask("admin", "GET", base+"loadbalancers?fields=id&vip_sg_ids="+mine, "")
	if rows := out["loadbalancers"].([]any); len(rows) != 1 || idOf(rows[0].(object)) != idOf(lb) {
		t.Errorf("filtered: %v", rows)
	}
	for _, id := range []string{theirs, nobody} {
		if status, out := create(member, `"vip_sg_ids":["`+mine+`","`+id+`"]`); status != 400 || out["faultstring"] != "Security Group "+id+" not found." {
			t.Errorf("a group that is not there for the caller: %d %v", status, out)
		}
		status, out := w.ask(member, "PUT", base+path, `{"loadbalancer":{"vip_sg_ids":["`+id+`"]}}`)
		if status != 400 || out["faultstring"] != "Security Group "+id+" not found." {
			t.Errorf("PUT of a group that is not there for the caller: %d %v", status, out)
		}
	}
	const exclusive = "Validation failure: Allowed CIDRs are not allowed when using custom VIP Security Groups."
	listener := `{"protocol":"HTTP","protocol_port":80,"allowed_cidrs":["10.0.0.0/8"]`
	if status, out := create("admin", `"vip_sg_ids":["`+theirs+`"],"listeners":[`+listener+`}]`); status != 400 || out["faultstring"] != exclusive {
		t.Errorf("a tree with both: %d %v", status, out)
	}
	if status, out := w.ask("admin", "POST", base+"listeners", `{"listener":`+listener+`,"loadbalancer_id":"`+idOf(lb)+`"}}`); status != 400 || out["faultstring"] != exclusive {
		t.Errorf("a listener with CIDRs: %d %v", status, out)
	}
	shows(t, w.does(http.StatusOK, "PUT", path, "loadbalancer", `{"loadbalancer":{"name":"n"}}`), `{"vip_sg_ids":["`+mine+`"]}`)
	shows(t, w.does(http.StatusOK, "PUT", path, "loadbalancer", `{"loadbalancer":{"vip_sg_ids":["`+theirs+`"]}}`), `{"vip_sg_ids":["`+theirs+`"]}`)
	shows(t, w.does(http.StatusOK, "PUT", path, "loadbalancer", `{"loadbalancer":{"vip_sg_ids":null}}`), `{"vip_sg_ids":[]}`)
	shows(t, w.does(http.StatusOK, "PUT", path, "loadbalancer", `{"loadbalancer":{"vip_sg_ids":["`+mine+`"]}}`), `{"vip_sg_ids":["`+mine+`"]}`)
	shows(t, w.does(http.StatusOK, "PUT", path, "loadbalancer", `{"loadbalancer":{"vip_sg_ids":[]}}`), `{"vip_sg_ids":[]}`)
}
