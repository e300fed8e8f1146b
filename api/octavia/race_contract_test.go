package octavia_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

const racers = 100

// race lets every racer do its part at the same time, and counts the answers.
func race(do func(racer int) int) map[int]int {
	counts := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		all.Go(func() {
			<-start
			status := do(i)
			mu.Lock()
			defer mu.Unlock()
			counts[status]++
		})
	}
	close(start)
	all.Wait()
	return counts
}

// A hundred clients change, read and delete one load balancer and all below it.
// Every answer is one that some order of them explains, one deletion wins, and
// nothing is left behind.
func TestContractRaceForOneObject(t *testing.T) {
	w := newPopulated(t)
	acceptable := []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent, http.StatusNotFound, http.StatusConflict}
	requests := []struct{ method, path, body string }{
		{"PUT", "loadbalancers/$lb", `{"loadbalancer":{"name":"n%d"}}`},
		{"PUT", "listeners/$listener", `{"listener":{"connection_limit":%d}}`},
		{"PUT", "listeners/$listener", `{"listener":{"default_pool_id":null}}`},
		{"PUT", "listeners/$listener", `{"listener":{"default_pool_id":"$pool"}}`},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"$lb","protocol":"TCP","protocol_port":2%03d}}`},
		{"PUT", "pools/$pool", `{"pool":{"lb_algorithm":"SOURCE_IP"}}`},
		{"POST", "pools/$pool/members", `{"member":{"address":"10.3.0.%d","protocol_port":80}}`},
		{"PUT", "pools/$pool/members/$member", `{"member":{"weight":%d}}`},
		{"PUT", "pools/$pool/members", `{"members":[{"address":"10.4.0.%d","protocol_port":80}]}`},
		{"DELETE", "pools/$pool/members/$member", ""},
		{"PUT", "healthmonitors/$monitor", `{"healthmonitor":{"delay":%d}}`},
		{"POST", "l7policies", `{"l7policy":{"listener_id":"$listener","action":"REDIRECT_TO_POOL","redirect_pool_id":"$pool","position":1}}`},
		{"POST", "l7policies/$policy/rules", `{"rule":{"type":"PATH","compare_type":"EQUAL_TO","value":"/%d"}}`},
		{"DELETE", "l7policies/$policy", ""},
		{"DELETE", "pools/$pool", ""},
		{"DELETE", "listeners/$listener", ""},
		{"GET", "loadbalancers/$lb/status", ""},
		{"GET", "loadbalancers/$lb/stats", ""},
		{"GET", "pools/$pool/members", ""},
		{"PUT", "loadbalancers/$lb/failover", ""},
	}
	won := race(func(racer int) int {
		rng := rand.New(rand.NewPCG(1, uint64(racer)))
		for i := range 20 {
			x := requests[rng.IntN(len(requests))]
			body := x.body
			if bytes.Contains([]byte(body), []byte("%")) {
				body = fmt.Sprintf(body, racer+i+1)
			}
			status, out := w.ask("admin", x.method, base+w.fill(x.path), w.fill(body))
			if !slices.Contains(acceptable, status) {
				t.Errorf("%s %s %s: %d %v", x.method, x.path, body, status, out)
			}
		}
		status, _ := w.ask("admin", "DELETE", base+"loadbalancers/"+w.lb+"?cascade=true", "")
		return status
	})
	if won[http.StatusNoContent] != 1 || won[http.StatusNoContent]+won[http.StatusNotFound]+won[http.StatusConflict] != racers {
		t.Errorf("deletions were answered with %v", won)
	}
	for _, list := range []string{"loadbalancers", "listeners", "pools", "healthmonitors", "l7policies"} {
		_, out := w.ask("admin", "GET", base+list, "")
		if rows, _ := out[list].([]any); len(rows) != 0 {
			t.Errorf("%s left: %v", list, rows)
		}
	}
	w.sound()
	w.st.Read(func(st *store.State) {
		for _, class := range model.QuotaClasses() {
			if n := st.Usage(w.admin.Project, class); n != 0 {
				t.Errorf("%d of %s are still counted", n, class)
			}
		}
	})
}

// sound wants the state to survive a snapshot, which checks every reference.
func (w *contractWorld) sound() {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.st.Snapshot().Write(&b); err != nil {
		w.t.Fatal(err)
	}
	if err := store.New().Restore(&b); err != nil {
		w.t.Error(err)
	}
}

// A hundred load balancers want VIPs of a subnet with thirteen free addresses:
// thirteen get one each, the others 409; and so with one address that all ask for.
func TestContractRaceForVIPs(t *testing.T) {
	w := newContractWorld(t)
	const small = "33333333-3333-4333-8333-333333333333"
	w.subnet(small, "203.0.113.0/28", "203.0.113.1")
	create := func(attrs string) int {
		status, out := w.ask("admin", "POST", base+"loadbalancers", `{"loadbalancer":{"vip_subnet_id":"`+small+`"`+attrs+`}}`)
		if status == http.StatusConflict && out["faultstring"] == "" {
			t.Errorf("409 without a reason")
		}
		return status
	}
	if got := race(func(int) int { return create(`,"vip_address":"203.0.113.9"`) }); got[201] != 1 || got[409] != racers-1 {
		t.Errorf("for one address: %v", got)
	}
	if got := race(func(int) int { return create("") }); got[201] != 12 || got[409] != racers-12 {
		t.Errorf("for the others: %v", got)
	}
	seen := map[any]bool{}
	var ids []string
	_, out := w.ask("admin", "GET", base+"loadbalancers", "")
	for _, x := range out["loadbalancers"].([]any) {
		lb := x.(object)
		if seen[lb["vip_address"]] || seen[lb["vip_port_id"]] {
			t.Errorf("twice: %v", lb)
		}
		seen[lb["vip_address"]], seen[lb["vip_port_id"]] = true, true
		ids = append(ids, idOf(lb))
	}
	w.sound()
	// What was refused left no port behind, and what goes makes room again.
	w.st.Read(func(st *store.State) {
		if n := len(st.Ports()); n != 13 {
			t.Errorf("%d ports", n)
		}
	})
	if len(ids) != 13 {
		t.Fatalf("%d load balancers", len(ids))
	}
	for _, id := range ids[:5] {
		w.does(http.StatusNoContent, "DELETE", "loadbalancers/"+id, "", "")
	}
	if got := race(func(int) int { return create("") }); got[201] != 5 || got[409] != racers-5 {
		t.Errorf("for five that became free: %v", got)
	}
}

// Quotas of every class hold to the object when all race for the last ones,
// trees and batches included.
func TestContractRaceForQuotas(t *testing.T) {
	w := newPopulated(t)
	w.does(http.StatusAccepted, "PUT", "quotas/"+string(w.admin.Project), "quota",
		`{"quota":{"loadbalancer":6,"listener":11,"pool":8,"member":21,"healthmonitor":4,"l7policy":9,"l7rule":7}}`)
	got := race(func(racer int) int {
		var status int
		for i, x := range []struct{ method, path, body string }{
			{"POST", "listeners", fmt.Sprintf(`{"listener":{"loadbalancer_id":"$lb","protocol":"TCP","protocol_port":%d}}`, 3000+racer)},
			{"POST", "pools", `{"pool":{"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`},
			{"POST", "pools/$pool/members", fmt.Sprintf(`{"member":{"address":"10.5.0.%d","protocol_port":80}}`, racer+1)},
			{"PUT", "pools/$pool/members?additive_only=true", fmt.Sprintf(`{"members":[{"address":"10.6.0.%d","protocol_port":80},{"address":"10.6.1.%[1]d","protocol_port":80}]}`, racer+1)},
			{"POST", "l7policies", `{"l7policy":{"listener_id":"$listener","action":"REJECT"}}`},
			{"POST", "l7policies/$policy/rules", fmt.Sprintf(`{"rule":{"type":"PATH","compare_type":"EQUAL_TO","value":"/%d"}}`, racer)},
			{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","pools":[{"protocol":"HTTP","lb_algorithm":"SOURCE_IP","healthmonitor":{"type":"TCP","delay":1,"timeout":1,"max_retries":1}}]}}`},
			{"POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet"}}`},
		} {
			var out object
			status, out = w.ask("admin", x.method, base+w.fill(x.path), w.fill(x.body))
			if status != http.StatusCreated && status != http.StatusAccepted && status != http.StatusForbidden {
				t.Errorf("%d: %s: %d %v", i, x.path, status, out)
			}
		}
		return status
	})
	if got[http.StatusCreated]+got[http.StatusForbidden] != racers {
		t.Errorf("load balancers: %v", got)
	}
	w.st.Read(func(st *store.State) {
		for class, limit := range st.Quota(w.admin.Project).Limits {
			least := limit
			switch class {
			case model.QuotaMember: // two at a time may leave one over
				least--
			case model.QuotaHealthMonitor: // come with pools, which others want as well
				least = 1
			}
			if n := st.Usage(w.admin.Project, class); n > limit || n < least {
				t.Errorf("%d of %s, want %d", n, class, limit)
			}
		}
	})
	w.sound()
}
