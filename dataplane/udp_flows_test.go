package dataplane

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/live"
	"lbd/dataplane/sticky"
	"lbd/store/model"
)

// A member that is down, switched off, gone or elsewhere loses its flows; weight 0 keeps them.
func TestUDPFlowsFollowTheConfiguration(t *testing.T) {
	needLoops(t)
	a, b := talk(t, "a", "127.0.0.1:0"), talk(t, "b", "127.0.0.1:0")
	addr := freeUDP(t)
	whole := func(change func(members []model.Server)) *model.Service {
		svc := udp(web(addr, a.addr, b.addr))
		svc.Pools[0].Members[1].Weight = 0
		if change != nil {
			change(svc.Pools[0].Members)
		}
		return svc
	}
	n := start(t, Config{}, whole(nil))
	c := send(t, addr)
	want := func(when, prefix string) {
		t.Helper()
		if got := c.answer(when); got != prefix+":"+when {
			t.Errorf("%s: %q, want it from %s", when, got, prefix)
		}
	}
	want("first", "a")
	n.apply(whole(func(m []model.Server) { m[0].Weight, m[1].Weight = 0, 1 }))
	want("weight 0", "a")
	if got := send(t, addr).answer("new"); got != "b:new" {
		t.Errorf("a new flow: %q", got)
	}
	n.apply(whole(func(m []model.Server) { m[0].AdminStateUp, m[1].Weight = false, 1 }))
	want("switched off", "b")
	n.apply(whole(nil)) // b has weight 0 now, and keeps it
	want("back", "b")
	n.apply(udp(web(addr, a.addr)))
	want("removed", "a")
}

func TestUDPFlowsLeaveAMemberThatIsDown(t *testing.T) {
	needLoops(t)
	a, b := talk(t, "a", "127.0.0.1:0"), talk(t, "b", "127.0.0.1:0")
	addr := freeUDP(t)
	svc := udp(web(addr, a.addr, b.addr))
	svc.Pools[0].Members[1].Backup = true
	svc.Pools[0].Monitor = &model.HealthMonitor{
		ID: "hm", Base: model.Base{AdminStateUp: true}, Type: model.MonitorUDPConnect, Delay: 1, Timeout: 1, MaxRetries: 1, MaxRetriesDown: 1,
	}
	n := start(t, Config{}, svc)
	n.until("a is up", func() bool { return n.Report().Members["m0"].Status == model.Online })
	c := send(t, addr)
	if got := c.answer("x"); got != "a:x" {
		t.Fatalf("%q", got)
	}
	a.Close()
	n.until("a is down", func() bool { return n.Report().Members["m0"].Status == model.Failing })
	if why := n.Report().Members["m0"].Reason; !strings.Contains(why, "refused") {
		t.Errorf("reason %q", why)
	}
	if got := c.answer("y"); got != "b:y" {
		t.Errorf("%q", got)
	}
}

// Without a monitor, what the member's host says is heeded.
func TestUDPRefusalSendsTheFlowElsewhere(t *testing.T) {
	needLoops(t)
	a, b := talk(t, "a", "127.0.0.1:0"), talk(t, "b", "127.0.0.1:0")
	addr := freeUDP(t)
	start(t, Config{}, udp(web(addr, a.addr, b.addr)))
	c := send(t, addr)
	first := c.answer("x")
	if strings.HasPrefix(first, "a:") {
		a.Close()
	} else {
		b.Close()
	}
	if got := c.answer("y"); got[0] == first[0] {
		t.Errorf("%q from a socket that is closed", got)
	}
}

// What the host of a member refuses is not there any more, and is counted.
func TestUDPRefusalsAreCounted(t *testing.T) {
	needLoops(t)
	a := talk(t, "a", "127.0.0.1:0")
	addr := freeUDP(t)
	n := start(t, Config{}, udp(web(addr, a.addr)))
	c := send(t, addr)
	c.answer("x")
	a.Close()
	sent := int64(0)
	drops := &n.state.Load().table.Services[0].Listeners[0].Live.Datagrams.Dropped
	n.until("refusals are counted", func() bool {
		sent++
		_, _ = c.Write([]byte("y"))
		return drops[live.Refused].Load() > 1
	})
	if got := drops[live.Refused].Load(); got > sent {
		t.Errorf("%d refused of %d", got, sent)
	}
}

// A flow that lasts keeps its client's session.
func TestUDPFlowsRenewTheirSession(t *testing.T) {
	needLoops(t)
	a := talk(t, "a", "127.0.0.1:0")
	addr := freeUDP(t)
	svc := udp(web(addr, a.addr))
	svc.Pools[0].Pool.Persistence = &model.Persistence{Type: "SOURCE_IP", Timeout: 60}
	n := start(t, Config{}, svc)
	c := send(t, addr)
	c.answer("x")
	first := time.Now()
	n.until("the session is younger than the flow", func() bool {
		c.answer("y")
		younger := false
		for _, s := range n.state.Load().table.Services[0].Sessions {
			s.Export(time.Hour, func(e sticky.Entry) bool {
				younger = time.Since(first)-e.Age > 400*time.Millisecond
				return true
			})
		}
		return younger
	})
}

func TestUDPPersistence(t *testing.T) {
	needLoops(t)
	var members []netip.AddrPort
	for i := range 8 {
		members = append(members, talk(t, fmt.Sprint(i), "127.0.0.1:0").addr)
	}
	addr := freeUDP(t)
	svc := udp(web(addr, members...))
	svc.Pools[0].Pool.Persistence = &model.Persistence{Type: "SOURCE_IP", Timeout: 60, Granularity: "255.255.255.0"}
	start(t, Config{}, svc)
	for _, net := range []string{"127.1.1.", "127.1.2.", "127.1.3."} {
		want := sendFrom(t, net+"1", addr).answer("x")
		for host := range 12 {
			if got := sendFrom(t, fmt.Sprint(net, host+1), addr).answer("x"); got != want {
				t.Errorf("%s%d: %q, its neighbour had %q", net, host+1, got, want)
			}
		}
	}
}

func TestUDPFlowsEnd(t *testing.T) {
	needLoops(t)
	addr := freeUDP(t)
	svc := edit(udp(web(addr, talk(t, "a", "127.0.0.1:0").addr)), func(l *model.Listener) { l.TimeoutClientData = 200 })
	n := start(t, Config{}, svc)
	send(t, addr).answer("x")
	n.counters("l", "the flow is over", func(c model.ListenerCounters) bool { return c.TotalConnections == 1 && c.ActiveConnections == 0 })
	n.until("the member knows", func() bool {
		return n.state.Load().table.Services[0].Pools[0].Member("m0").Live.Active() == 0
	})
	// A listener that goes takes its flows along.
	n.apply(udp(web(addr, talk(t, "a", "127.0.0.1:0").addr)))
	send(t, addr).answer("y")
	used := n.clients.Used()
	n.apply()
	n.until("all descriptors are given back", func() bool { return n.clients.Used() < used && n.clients.Used() == 0 })
}

// Another process goes on with the sockets; here nothing is left of the flows soon.
func TestUDPSuccession(t *testing.T) {
	needLoops(t)
	m := talk(t, "a", "127.0.0.1:0")
	addr := freeUDP(t)
	old := start(t, Config{}, udp(web(addr, m.addr)))
	c := send(t, addr)
	c.answer("x")
	open, err := old.Open(t.Context())
	if err != nil || len(open) != 2 {
		t.Fatalf("open sockets %v, %v; want one per loop", open, err)
	}
	var fds []int
	for _, o := range open {
		if o.Network != "udp" || o.Addr != addr {
			t.Errorf("socket %s %s", o.Network, o.Addr)
		}
		raw, err := o.Conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) {
			dup, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			fds = append(fds, dup)
		})
	}
	next := start(t, Config{Held: true, Inherited: func(network string, a netip.AddrPort) (int, bool) {
		if network != "udp" || a != addr || len(fds) == 0 {
			return 0, false
		}
		fd := fds[0]
		fds = fds[1:]
		return fd, true
	}}, udp(web(addr, m.addr)))
	go old.Retire(t.Context(), 10*time.Second)
	old.until("the old process reads no more", func() bool { return len(old.mustOpen()) == 0 })
	next.Begin(t.Context())
	if got := c.answer("y"); got != "a:y" {
		t.Errorf("%q", got)
	}
	if got := next.Report().Listeners["l"].TotalConnections; got != 1 {
		t.Errorf("%d flows in the new process", got)
	}
}
