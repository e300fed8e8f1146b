package octavia_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestContractQuotas(t *testing.T) {
	w := newPopulated(t)
	me := string(w.admin.Project)
	of := func(project string, pool, member int) string {
		return fmt.Sprintf(`{"project_id":"%s","tenant_id":"%s","loadbalancer":-1,"load_balancer":-1,"listener":-1,"pool":%d,"member":%d,
			"healthmonitor":-1,"health_monitor":-1,"l7policy":-1,"l7rule":-1}`, project, project, pool, member)
	}
	shows(t, w.does(http.StatusOK, "GET", "quotas/"+me, "quota", ""), of(me, -1, -1))
	shows(t, w.does(http.StatusAccepted, "PUT", "quotas/"+me, "quota", `{"quota":{"pool":"5","member":3}}`), of(me, 5, 3))
	shows(t, w.does(http.StatusAccepted, "PUT", "quotas/"+me, "quota", `{"quota":{"pool":null}}`), of(me, -1, 3))
	shows(t, w.does(http.StatusOK, "GET", "quotas/"+me+"/default", "quota", ""), of(me, -1, -1))
	both := w.does(http.StatusAccepted, "PUT", "quotas/elsewhere", "quota", `{"quota":{"load_balancer":1,"loadbalancer":2,"health_monitor":4}}`)
	shows(t, both, `{"loadbalancer":2,"load_balancer":2,"healthmonitor":4,"health_monitor":4}`)

	_, out := w.ask("admin", "GET", base+"quotas", "")
	if rows := out["quotas"].([]any); len(rows) != 2 {
		t.Errorf("rows are %v", rows)
	}
	_, out = w.ask(me+":reader", "GET", base+"quotas", "")
	if rows := out["quotas"].([]any); len(rows) != 1 || rows[0].(object)["project_id"] != me {
		t.Errorf("a reader sees %v", rows)
	}

	for _, r := range []refusal{
		{"PUT", "quotas/p", `{"quota":{"colour":1}}`, 400, "Unknown attribute for argument quotas.quota: colour"},
		{"PUT", "quotas/p", `{"quota":{"pool":-2}}`, 400, inputText("pool", "-2", "Value should be greater or equal to -1")},
		{"PUT", "quotas/p", `{"quota":{"pool":2000000001}}`, 400, inputText("pool", "2000000001", "Value should be lower or equal to 2000000000")},
		{"PUT", "quotas/p", ``, 400, `Missing argument: "quotas"`},
		{"DELETE", "quotas/p", ``, 404, "Quotas p not found."},
		{
			"PUT", "quotas/1234567890123456789012345678901234567", `{"quota":{}}`, 400,
			inputText("project_id", "1234567890123456789012345678901234567", "Value should have a maximum character requirement of 36"),
		},
		{"PUT", "quotas", ``, 400, `Missing argument: "project_id"`},
		{"DELETE", "quotas", ``, 400, `Missing argument: "project_id"`},
	} {
		if status, out := w.ask("admin", r.method, base+r.path, r.body); status != r.status || out["faultstring"] != r.text {
			t.Errorf("%s %s %s: %d %v, want %d %s", r.method, r.path, r.body, status, out, r.status, r.text)
		}
	}
	if status, _ := w.ask(me+":member", "PUT", base+"quotas/"+me, `{"quota":{"pool":9}}`); status != http.StatusForbidden {
		t.Errorf("a member changes quotas: %d", status)
	}

	rec := w.raw("admin", "DELETE", base+"quotas/"+me, "")
	if rec.Code != http.StatusAccepted || rec.Body.Len() != 0 {
		t.Errorf("DELETE: %d %s", rec.Code, rec.Body)
	}
	shows(t, w.does(http.StatusOK, "GET", "quotas/"+me, "quota", ""), of(me, -1, -1))
}

// A hundred creates at once at a limit of ten make ten objects.
func TestContractQuotaIsExact(t *testing.T) {
	w := newPopulated(t)
	w.does(http.StatusAccepted, "PUT", "quotas/"+string(w.admin.Project), "quota", `{"quota":{"member":11}}`) // one is there
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			status, out := w.ask("admin", "POST", base+"pools/"+w.pool+"/members", fmt.Sprintf(`{"member":{"address":"10.1.0.%d","protocol_port":80}}`, i+1))
			switch {
			case status == http.StatusCreated:
				made.Add(1)
			case status == http.StatusForbidden && out["faultstring"] == "Quota has been met for resources: Member":
				refused.Add(1)
			default:
				t.Errorf("%d %v", status, out)
			}
		})
	}
	all.Wait()
	if made.Load() != 10 || refused.Load() != 90 {
		t.Errorf("%d made, %d refused, want 10 and 90", made.Load(), refused.Load())
	}
	if _, out := w.ask("admin", "GET", base+"pools/"+w.pool+"/members", ""); len(out["members"].([]any)) != 11 {
		t.Errorf("%d members", len(out["members"].([]any)))
	}
}

// In no-auth mode a header may say whose the new load balancer is (contract 8.3).
func TestContractProjectWithoutAuth(t *testing.T) {
	w := newContractWorld(t)
	for _, tc := range []struct{ header, body, want string }{
		{"X-Project-Id: p1", "", "p1"},
		{"X-Tenant-Id: p2", "", "p2"},
		{"X-Project-Id: p1", `,"project_id":"p3"`, "p3"},
		{"X-Project-Id: " + strings.Repeat("x", 37), "", string(w.admin.Project)},
		{"X-Other: p1", "", string(w.admin.Project)},
	} {
		for token, want := range map[string]string{"anybody": tc.want, "admin": string(w.admin.Project)} {
			if token == "admin" && tc.body != "" {
				continue // an admin may name any
			}
			_, out := w.ask(token, "POST", base+"loadbalancers", `{"loadbalancer":{"vip_subnet_id":"`+theSubnet+`"`+tc.body+`}}`, tc.header)
			if lb, _ := out["loadbalancer"].(object); lb["project_id"] != want {
				t.Errorf("%s, %s %s: %v, want project %s", token, tc.header, tc.body, out, want)
			}
		}
	}
}

// In no-auth mode quotas are kept and shown, and bind nobody (contract 8.3).
func TestContractQuotasWithoutAuth(t *testing.T) {
	w := newPopulated(t)
	w.does(http.StatusAccepted, "PUT", "quotas/"+string(w.admin.Project), "quota", `{"quota":{"pool":1,"member":0,"loadbalancer":0}}`)
	body := `{"pool":{"loadbalancer_id":"` + w.lb + `","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`
	if status, out := w.ask("admin", "POST", base+"pools", body); status != http.StatusForbidden || out["faultstring"] != "Quota has been met for resources: Pool" {
		t.Errorf("with a name: %d %v", status, out)
	}
	for path, body := range map[string]string{
		"pools": body, "pools/" + w.pool + "/members": `{"member":{"address":"198.51.100.77","protocol_port":1}}`,
		"loadbalancers": `{"loadbalancer":{"vip_subnet_id":"` + theSubnet + `","pools":[{"name":"x","protocol":"HTTP","lb_algorithm":"SOURCE_IP"}]}}`,
	} {
		if status, out := w.ask("anybody", "POST", base+path, body); status != http.StatusCreated {
			t.Errorf("anybody, %s: %d %v", path, status, out)
		}
	}
}
