package dataplane

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lbd/store/model"
)

func TestReloadUnderLoadFailsNoRequest(t *testing.T) {
	swaps := 1000
	if testing.Short() {
		swaps = 100
	}
	addr := freeAddr(t)
	a, b, c := page(t, "a").addr, page(t, "b").addr, page(t, "c").addr
	variants := []*model.Service{
		web(addr, a, b),
		web(addr, a, b, c),
		web(addr, b),
		edit(web(addr, a, c), func(l *model.Listener) { l.ConnectionLimit = 100 }),
		edit(web(addr, a, b), func(l *model.Listener) { l.InsertHeaders = map[string]string{"X-Forwarded-For": "true"} }),
	}
	variants[2].Pools[0].Pool.Algorithm = model.LeastConnections
	n := start(t, Config{}, variants[0])

	var (
		wg    sync.WaitGroup
		stop  = make(chan struct{})
		count atomic.Int64
	)
	client := func(keep bool) {
		var w *wire
		for {
			select {
			case <-stop:
				return
			default:
			}
			if w == nil || !keep {
				if w != nil {
					w.Close()
				}
				w = dial(t, addr)
			}
			w.SetDeadline(time.Now().Add(10 * time.Second)) // of one request, not of the connection
			w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, body, err := w.tryAnswer("GET")
			if err != nil || resp.StatusCode != 200 || resp.Close || !strings.Contains("abc", body) {
				t.Errorf("request %d: %v %v %q", count.Load(), resp, err, body)
				return
			}
			count.Add(1)
		}
	}
	for i := range 8 {
		wg.Go(func() { client(i < 6) })
	}
	for i := range swaps {
		index := n.src.set(variants[i%len(variants)])
		n.until("the swap is applied", func() bool { return n.Report().Applied >= index })
	}
	close(stop)
	wg.Wait()
	if count.Load() == 0 {
		t.Fatal("no request was made")
	}
	got := n.counters("l", "all requests are counted", func(c model.ListenerCounters) bool { return c.Requests == count.Load() })
	if got.RequestErrors != 0 {
		t.Errorf("%d request errors", got.RequestErrors)
	}
	t.Logf("%d requests during %d swaps", count.Load(), swaps)
}

func TestReloadKeepsOtherObjectsConnections(t *testing.T) {
	addrA, addrB := freeAddr(t), freeAddr(t)
	member := page(t, "x")
	a, b := web(addrA, member.addr), web(addrB, member.addr)
	b.LoadBalancer = &model.LoadBalancer{ID: "lb2", Base: a.LoadBalancer.Base}
	b.Listeners[0].ID, b.Pools[0].Pool.ID, b.Listeners[0].DefaultPool = "l2", "p2", "p2"
	n := start(t, Config{}, a, b)
	w := dial(t, addrA)
	w.get("/")
	n.apply(a)
	if _, err := net.Dial("tcp", addrB.String()); err == nil {
		t.Error("the deleted load balancer still listens")
	}
	if resp, _ := w.get("/"); resp.Close {
		t.Error("another load balancer's connection was asked to close")
	}
	if _, ok := n.Report().Listeners["l2"]; ok {
		t.Error("a deleted listener is still reported")
	}
}

func TestReloadChangesTakeEffectOnKeptConnections(t *testing.T) {
	addr := freeAddr(t)
	a, b := page(t, "a").addr, page(t, "b").addr
	svc := web(addr, a)
	n := start(t, Config{}, svc)
	w := dial(t, addr)
	if _, body := w.get("/"); body != "a" {
		t.Fatalf("first answer %q", body)
	}
	moved := web(addr, b) // member m0 has another address now
	n.apply(moved)
	if _, body := w.get("/"); body != "b" {
		t.Errorf("after the member moved: %q", body)
	}
	off := web(addr, b)
	pool := *off.Pools[0].Pool
	pool.AdminStateUp = false
	off.Pools[0].Pool = &pool
	n.apply(off)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.status("GET", 503)
}

func TestBindFailureIsReportedAndRetried(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	addr, good := occupied.Addr().(*net.TCPAddr).AddrPort(), freeAddr(t)
	bad := web(addr, page(t, "x").addr)
	fine := web(good, page(t, "y").addr)
	fine.Listeners[0].ID = "fine"
	n := start(t, Config{}, bad, fine)
	want := []model.Failure{{Object: "l", Reason: "listen " + addr.String() + ": address already in use"}}
	if got := n.Report().Failures; len(got) != 1 || got[0] != want[0] {
		t.Fatalf("failures %+v, want %+v", got, want)
	}
	if _, body := dial(t, good).get("/"); body != "y" {
		t.Errorf("the other listener answers %q", body)
	}
	for len(n.Changed()) > 0 {
		<-n.Changed()
	}
	occupied.Close()
	<-n.Changed()
	n.until("the failure is gone", func() bool { return len(n.Report().Failures) == 0 })
	if _, body := dial(t, addr).get("/"); body != "x" {
		t.Errorf("after the retry: %q", body)
	}
}

func TestListenerReplacedOnItsPort(t *testing.T) {
	addr := freeAddr(t)
	member := page(t, "x").addr
	svc := web(addr, member)
	n := start(t, Config{}, svc)
	w := dial(t, addr)
	w.get("/")
	n.apply(edit(svc, func(l *model.Listener) { l.ID = "l2" }))
	if err := w.closed(); err != nil {
		t.Errorf("old listener's connection: %v", err)
	}
	dial(t, addr).get("/")
	c := n.counters("l2", "the new listener counts", func(c model.ListenerCounters) bool { return c.Requests == 1 })
	if c.TotalConnections != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestFreebindListensBeforeTheAddressIsThere(t *testing.T) {
	addr := netip.MustParseAddrPort("203.0.113.77:8080") // nobody's here
	n := start(t, Config{Freebind: true}, web(addr, freeAddr(t)))
	if f := n.Report().Failures; len(f) != 0 {
		t.Errorf("failures %+v", f)
	}
}

func TestReportBeforeTheFirstConfig(t *testing.T) {
	e, err := New(Config{}, &source{changed: make(chan struct{}, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if r := e.Report(); r.Ready || r.Applied != 0 {
		t.Errorf("report %+v", r)
	}
	select {
	case <-e.Changed():
		t.Error("changed before anything happened")
	case <-time.After(10 * time.Millisecond):
	}
}
