package octavia_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"lbd/api"
	"lbd/api/deps"
	"lbd/api/octavia"
	"lbd/store"
	"lbd/store/model"
)

// lazy is a world in which settling is the test's business.
type lazy struct {
	*contractWorld
	after func(index uint64) // called after each command, in its own goroutine
	fail  error              // of the next commands
	wg    sync.WaitGroup
}

func newLazy(t testing.TB) *lazy {
	t.Helper()
	l := &lazy{contractWorld: newContractWorld(t)}
	l.server = api.New(deps.Config{Plain: true}, api.Deps{Auth: l, Reader: l.st, Cluster: l, Log: slog.New(slog.DiscardHandler)},
		octavia.New(l, l.st, l, l))
	l.h = l.server.Handler()
	t.Cleanup(l.wg.Wait)
	return l
}

// Apply implements deps.Writer without settling.
func (l *lazy) Apply(_ context.Context, cmd store.Command) (uint64, error) {
	if l.fail != nil {
		return 0, l.fail
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, err := l.log(cmd)
	if err == nil && l.after != nil {
		l.wg.Go(func() { l.after(at) })
	}
	return at, err
}

func (l *lazy) settle(index uint64, failures ...model.Failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.log(store.Command{Kind: store.SettleKind, At: epoch.Add(time.Second), Payload: &store.Settle{Index: index, Failures: failures}}); err != nil {
		l.t.Errorf("settle: %v", err)
	}
}

func TestCreateAnswersWithTheSettledObject(t *testing.T) {
	l := newLazy(t)
	l.after = func(index uint64) { l.settle(index) }
	lb := l.make("loadbalancers", "loadbalancer", `{"vip_subnet_id":"`+theSubnet+`"}`)
	if lb["provisioning_status"] != "ACTIVE" || lb["updated_at"] == nil {
		t.Errorf("%v, updated %v", lb["provisioning_status"], lb["updated_at"])
	}
}

func TestCreateAnswersPendingWhenNothingSettles(t *testing.T) {
	l := newLazy(t)
	began := time.Now()
	lb := l.make("loadbalancers", "loadbalancer", `{"vip_subnet_id":"`+theSubnet+`"}`)
	if took := time.Since(began); took < 90*time.Millisecond || took > 5*time.Second {
		t.Errorf("waited %v for the object to settle, want 100 ms", took)
	}
	if lb["provisioning_status"] != "PENDING_CREATE" || lb["operating_status"] != "OFFLINE" || lb["updated_at"] != nil {
		t.Errorf("%v %v, updated %v", lb["provisioning_status"], lb["operating_status"], lb["updated_at"])
	}
}

func TestErrorCarriesItsReason(t *testing.T) {
	l := newLazy(t)
	l.after = func(index uint64) { l.settle(index) }
	lb := l.loadBalancer("lb")
	l.after = func(index uint64) {
		var id string
		l.st.Read(func(st *store.State) { id = string(st.Listeners()[0].ID) })
		l.settle(index, model.Failure{Object: id, Reason: "alpha: bind 198.51.100.254:80: in use"})
	}
	li := l.make("listeners", "listener", `{"loadbalancer_id":"`+lb+`","protocol":"HTTP","protocol_port":80}`)
	if li["provisioning_status"] != "ERROR" || li["operating_status"] != "ERROR" || li["provisioning_reason"] != "alpha: bind 198.51.100.254:80: in use" {
		t.Errorf("%v %v %v", li["provisioning_status"], li["operating_status"], li["provisioning_reason"])
	}
	got := l.does(http.StatusOK, "GET", "loadbalancers/"+lb, "loadbalancer", "")
	if _, has := got["provisioning_reason"]; has || got["provisioning_status"] != "ACTIVE" {
		t.Errorf("the load balancer of a broken listener: %v %v", got["provisioning_status"], got["provisioning_reason"])
	}
}

func TestDeleteIsVisibleUntilItSettles(t *testing.T) {
	l := newLazy(t)
	l.after = func(index uint64) { l.settle(index) }
	id := l.loadBalancer("lb")
	l.after = nil
	l.does(http.StatusNoContent, "DELETE", "loadbalancers/"+id, "", "")
	if got := l.does(http.StatusOK, "GET", "loadbalancers/"+id, "loadbalancer", ""); got["provisioning_status"] != "PENDING_DELETE" {
		t.Errorf("status is %v", got["provisioning_status"])
	}
	for _, x := range []struct{ method, path, body, want string }{
		{"DELETE", "loadbalancers/" + id, "", "Invalid state PENDING_DELETE of loadbalancer resource " + id},
		{"PUT", "loadbalancers/" + id, `{"loadbalancer":{}}`, "Invalid state PENDING_DELETE of loadbalancer resource " + id},
		{"PUT", "loadbalancers/" + id + "/failover", "", "Invalid state PENDING_DELETE of loadbalancer resource " + id},
		{"POST", "listeners", `{"listener":{"loadbalancer_id":"` + id + `","protocol":"TCP","protocol_port":1}}`, "Load Balancer " + id + " is immutable and cannot be updated."},
	} {
		if status, out := l.ask("admin", x.method, base+x.path, x.body); status != http.StatusConflict || out["faultstring"] != x.want {
			t.Errorf("%s %s: %d %v", x.method, x.path, status, out)
		}
	}
	l.settle(l.index)
	l.does(http.StatusNotFound, "GET", "loadbalancers/"+id, "", "")
}

func TestChildrenOfOneLoadBalancerAreQueuedNotRefused(t *testing.T) {
	l := newLazy(t)
	lb := l.loadBalancer("lb") // itself still PENDING_CREATE
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			status, out := l.ask("admin", "POST", base+"listeners", fmt.Sprintf(`{"listener":{"loadbalancer_id":"%s","protocol":"TCP","protocol_port":%d}}`, lb, 1000+i))
			if status != http.StatusCreated {
				t.Errorf("listener %d: %d %v", i, status, out)
			}
		})
	}
	wg.Wait()
	l.settle(l.index)
	_, out := l.ask("admin", "GET", base+"listeners?provisioning_status=ACTIVE", "")
	if list, _ := out["listeners"].([]any); len(list) != 20 {
		t.Errorf("%d listeners are ACTIVE", len(list))
	}
}

func TestWritesThatCannotBeMade(t *testing.T) {
	l := newLazy(t)
	body := `{"loadbalancer":{"vip_subnet_id":"` + theSubnet + `"}}`
	l.fail = store.Errorf(store.Unavailable, "no quorum")
	if status, out := l.ask("admin", "POST", base+"loadbalancers", body); status != http.StatusServiceUnavailable ||
		out["faultcode"] != "Server" || out["faultstring"] != "no quorum" {
		t.Errorf("without a quorum: %d %v", status, out)
	}
	l.fail = errors.New("disk is on fire")
	if status, out := l.ask("admin", "POST", base+"loadbalancers", body); status != http.StatusInternalServerError ||
		out["faultstring"] != "Something unknown went wrong" {
		t.Errorf("unexpected error: %d %v", status, out)
	}
	l.fail = context.DeadlineExceeded
	if status, out := l.ask("admin", "POST", base+"loadbalancers", body); status != http.StatusServiceUnavailable {
		t.Errorf("too late: %d %v", status, out)
	}
}

// What is pending does not lock: parallel clients queue in the log's order and
// none of them sees a 409.
func TestChildrenQueue(t *testing.T) {
	l := newLazy(t) // nothing settles
	lb := idOf(l.make("loadbalancers", "loadbalancer", `{"vip_subnet_id":"`+theSubnet+`"}`))
	pool := l.pool(lb)
	var all sync.WaitGroup
	for client := range 20 {
		all.Go(func() {
			create := func(path, one, attrs string) {
				if status, out := l.ask("admin", "POST", base+path, `{"`+one+`":{`+attrs+`}}`); status != http.StatusCreated {
					t.Errorf("%s %s: %d %v", path, attrs, status, out)
				}
			}
			create("listeners", "listener", fmt.Sprintf(`"loadbalancer_id":"%s","protocol":"HTTP","protocol_port":%d`, lb, 1000+client))
			for i := range 10 {
				create("pools/"+pool+"/members", "member", fmt.Sprintf(`"address":"10.9.%d.%d","protocol_port":80`, client, i+1))
			}
		})
	}
	all.Wait()
	if _, out := l.ask("admin", "GET", base+"loadbalancers/"+lb, ""); len(out["loadbalancer"].(object)["listeners"].([]any)) != 20 {
		t.Errorf("listeners: %v", out)
	}
	if _, out := l.ask("admin", "GET", base+"pools/"+pool+"/members", ""); len(out["members"].([]any)) != 200 {
		t.Errorf("%d members", len(out["members"].([]any)))
	}
}
