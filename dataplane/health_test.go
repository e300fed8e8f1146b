package dataplane

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lbd/store/model"
)

func monitored(svc *model.Service, hm model.HealthMonitor) *model.Service {
	hm.ID, hm.Base, hm.Pool = "hm", model.Base{AdminStateUp: true}, "p"
	svc.Pools[0].Monitor = &hm
	return svc
}

func TestHealthTakesMembersOutAndBack(t *testing.T) {
	addr := freeAddr(t)
	var sick atomic.Bool
	bad := handler(t, func(w http.ResponseWriter, r *http.Request) {
		if sick.Load() {
			http.Error(w, "sick", 500)
			return
		}
		w.Write([]byte("flaky"))
	})
	svc := monitored(web(addr, page(t, "steady").addr, bad), model.HealthMonitor{
		Type: model.MonitorHTTP, Delay: 1, Timeout: 1, MaxRetries: 1, MaxRetriesDown: 1, HTTPMethod: "GET", URLPath: "/", ExpectedCodes: "200",
	})
	n := start(t, Config{}, svc)
	status := func(id model.MemberID) model.Operating { return n.Report().Members[id].Status }
	n.until("both are online", func() bool { return status("m0") == model.Online && status("m1") == model.Online })
	for len(n.Changed()) > 0 {
		<-n.Changed()
	}
	sick.Store(true)
	select {
	case <-n.Changed():
	case <-time.After(5 * time.Second):
		t.Fatal("no change told")
	}
	n.until("the sick one is out", func() bool { return status("m1") == model.Failing })
	if r := n.Report().Members["m1"].Reason; !strings.Contains(r, "status 500, expected 200, 1 of 1") {
		t.Errorf("reason %q", r)
	}
	w := dial(t, addr)
	for range 6 {
		if _, body := w.get("/"); body != "steady" {
			t.Fatalf("answer %q while the other is down", body)
		}
	}
	n.apply(svc) // a swap forgets nothing
	if status("m1") != model.Failing {
		t.Errorf("after a swap: %s", status("m1"))
	}
	sick.Store(false)
	n.until("it is back", func() bool { return status("m1") == model.Online })
	seen := map[string]bool{}
	for range 6 {
		_, body := w.get("/")
		seen[body] = true
	}
	if !seen["flaky"] {
		t.Error("no traffic for a member that is back")
	}
}

func TestHealthAllDownIs503(t *testing.T) {
	addr := freeAddr(t)
	n := start(t, Config{}, monitored(web(addr, freeAddr(t)), model.HealthMonitor{Type: model.MonitorTCP, Delay: 1, Timeout: 1, MaxRetries: 1, MaxRetriesDown: 1}))
	n.until("the member is down", func() bool { return n.Report().Members["m0"].Status == model.Failing })
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.status("GET", 503)
}

func TestHealthWithoutMonitor(t *testing.T) {
	addr := freeAddr(t)
	svc := monitored(web(addr, page(t, "x").addr), model.HealthMonitor{Type: model.MonitorTCP, Delay: 1, Timeout: 1, MaxRetries: 1, MaxRetriesDown: 1})
	n := start(t, Config{}, svc)
	n.until("online", func() bool { return n.Report().Members["m0"].Status == model.Online })
	off := *svc.Pools[0].Monitor
	off.AdminStateUp = false
	svc2 := web(addr, page(t, "x").addr)
	svc2.Pools[0].Monitor = &off
	n.apply(svc2)
	if h, ok := n.Report().Members["m0"]; ok { // nothing to say but NO_MONITOR
		t.Errorf("monitor switched off: %+v", h)
	}
	n.apply(monitored(web(addr, page(t, "x").addr), model.HealthMonitor{Type: model.MonitorSCTP, Delay: 1, Timeout: 1}))
	r := n.Report()
	if len(r.Failures) != 1 || r.Failures[0].Object != "hm" || r.Members["m0"].Status != model.NoMonitor {
		t.Errorf("unserved monitor type: %+v, %+v", r.Failures, r.Members)
	}
	dial(t, addr).get("/")
}
