package dataplane

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/live"
	"lbd/dataplane/sticky"
	"lbd/store/model"
)

// talker answers datagrams with its name and what it was sent.
type talker struct {
	*net.UDPConn
	addr netip.AddrPort
	got  atomic.Int64
}

func talk(t *testing.T, name string, at string) *talker {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Fatal(err)
	}
	m := &talker{UDPConn: c, addr: c.LocalAddr().(*net.UDPAddr).AddrPort()}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			m.got.Add(1)
			if bytes.HasPrefix(b[:n], []byte("mute")) {
				continue
			}
			_, _ = c.WriteToUDPAddrPort(append([]byte(name+":"), b[:n]...), from)
		}
	}()
	return m
}

// freeUDP is an address of this process with a port that nobody has.
func freeUDP(t *testing.T) netip.AddrPort {
	t.Helper()
	pid := os.Getpid()
	own := netip.AddrFrom4([4]byte{127, byte(64 + pid>>16&63), byte(pid >> 8), byte(pid)})
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// udp turns a service into a UDP one.
func udp(svc *model.Service) *model.Service {
	svc.Listeners[0].Protocol = model.UDP
	svc.Pools[0].Pool.Protocol = model.UDP
	return svc
}

// asker is a client of one flow.
type asker struct {
	*net.UDPConn
	t *testing.T
}

func send(t *testing.T, to netip.AddrPort) *asker { return sendFrom(t, "", to) }

func sendFrom(t *testing.T, from string, to netip.AddrPort) *asker {
	t.Helper()
	var local *net.UDPAddr
	if from != "" {
		local = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from + ":0"))
	}
	c, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &asker{c, t}
}

// answer sends what until something comes back: a datagram may be lost.
func (a *asker) answer(what string) string {
	a.t.Helper()
	got, ok := a.tryAnswer(what, 10*time.Second)
	if !ok {
		a.t.Fatalf("no answer to %q", what)
	}
	return got
}

func (a *asker) tryAnswer(what string, within time.Duration) (string, bool) {
	a.t.Helper()
	b := make([]byte, 1<<16)
	for end := time.Now().Add(within); time.Now().Before(end); {
		_, _ = a.Write([]byte(what)) // refused, when nobody listens
		_ = a.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		for {
			n, err := a.Read(b)
			if err != nil {
				break
			}
			if strings.HasSuffix(string(b[:n]), what) {
				return string(b[:n]), true
			}
		}
	}
	return "", false
}

// needLoops skips a test that engine G has nothing to do with.
func needLoops(t *testing.T) {
	t.Helper()
	if !withLoops {
		t.Skip("UDP is served by event loops; this run has none, see TestUDPNeedsLoops")
	}
}

func TestUDPNeedsLoops(t *testing.T) {
	if withLoops {
		t.Skip("for the run without event loops")
	}
	n := start(t, Config{}, udp(web(freeUDP(t), talk(t, "a", "127.0.0.1:0").addr)))
	if f := n.Report().Failures; len(f) != 1 || f[0].Object != "l" || f[0].Reason != errNoLoops.Error() {
		t.Errorf("failures %v", f)
	}
}

func TestUDPFlowsGoRoundAndStay(t *testing.T) {
	needLoops(t)
	a, b := talk(t, "a", "127.0.0.1:0"), talk(t, "b", "127.0.0.1:0")
	addr := freeUDP(t)
	n := start(t, Config{}, udp(web(addr, a.addr, b.addr)))
	seen := map[string]int{}
	for i := range 4 {
		c := send(t, addr)
		first, _, _ := strings.Cut(c.answer(fmt.Sprint("x", i)), ":")
		seen[first]++
		for k := range 5 {
			if got := c.answer(fmt.Sprint("y", i, k)); !strings.HasPrefix(got, first+":") {
				t.Errorf("flow %d went from %s to %s", i, first, got)
			}
		}
	}
	if seen["a"] == 0 || seen["b"] == 0 {
		t.Errorf("flows by member: %v", seen)
	}
	c := n.counters("l", "four flows", func(c model.ListenerCounters) bool { return c.ActiveConnections == 4 })
	if c.TotalConnections != 4 || c.BytesIn == 0 || c.BytesOut <= c.BytesIn {
		t.Errorf("counters %+v", c)
	}
}

// Sizes from nothing to the longest there is pass in both directions, and many at once.
func TestUDPPassesEverySize(t *testing.T) {
	needLoops(t)
	addr := freeUDP(t)
	start(t, Config{}, udp(web(addr, talk(t, "a", "127.0.0.1:0").addr)))
	c := send(t, addr)
	for _, size := range []int{0, 1, 512, 1472, 1473, 9000, 40000, 65507 - len("a:")} {
		if got := c.answer(strings.Repeat("x", size)); len(got) != size+2 {
			t.Errorf("%d bytes: %d came back", size, len(got))
		}
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			c := send(t, addr)
			for k := range 20 {
				what := fmt.Sprintf("%d/%d", i, k)
				if got := c.answer(what); got != "a:"+what {
					t.Errorf("%q", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestUDPOverIPv6(t *testing.T) {
	needLoops(t)
	m := talk(t, "six", "[::1]:0")
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("[::1]:0")))
	if err != nil {
		t.Fatal(err)
	}
	addr := c.LocalAddr().(*net.UDPAddr).AddrPort()
	c.Close()
	start(t, Config{}, udp(web(addr, m.addr)))
	if got := send(t, addr).answer("x"); got != "six:x" {
		t.Errorf("%q", got)
	}
}

// The same port is TCP's and UDP's, each for itself.
func TestUDPBesideTCP(t *testing.T) {
	needLoops(t)
	addr := freeAddr(t)
	datagrams, stream := udp(web(addr, talk(t, "a", "127.0.0.1:0").addr)), web(addr, page(t, "hello").addr)
	stream.LoadBalancer = &model.LoadBalancer{ID: "lb2", Base: stream.LoadBalancer.Base}
	stream.Listeners[0].ID, stream.Listeners[0].DefaultPool, stream.Pools[0].Pool.ID = "l2", "p2", "p2"
	n := start(t, Config{}, datagrams, stream)
	if f := n.Report().Failures; len(f) != 0 {
		t.Fatalf("failures %v", f)
	}
	dial(t, addr).get("/")
	send(t, addr).answer("x")
}

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

func TestUDPLimits(t *testing.T) {
	needLoops(t)
	m := talk(t, "a", "127.0.0.1:0")
	addr := freeUDP(t)
	svc := edit(udp(web(addr, m.addr)), func(l *model.Listener) { l.ConnectionLimit = 2 })
	n := start(t, Config{}, svc)
	a, b, c := send(t, addr), send(t, addr), send(t, addr)
	a.answer("x")
	b.answer("x")
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for _, x := range []*asker{a, b} { // both flows go on
		busy.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
					_, _ = x.Write([]byte("mute"))
				}
			}
		})
	}
	lis := n.state.Load().table.Services[0].Listeners[0].Live
	if got, ok := c.tryAnswer("y", 300*time.Millisecond); ok && lis.Datagrams.Evicted.Load() == 0 {
		t.Errorf("a third flow got %q", got)
	}
	close(stop)
	busy.Wait()
	if got := c.answer("z"); got != "a:z" { // one of the others is over
		t.Errorf("%q", got)
	}
	if lis.Datagrams.Evicted.Load() == 0 {
		t.Error("no flow was counted as evicted")
	}
	families, err := n.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, f := range families {
		if f.GetName() == "lbd_listener_datagrams_dropped_total" || f.GetName() == "lbd_listener_flows_evicted_total" {
			series += len(f.GetMetric())
		}
	}
	if want := len(live.Drops()) + 1; series != want {
		t.Errorf("%d series of drops and evictions, want %d", series, want)
	}
	if got := n.Report().Listeners["l"].ActiveConnections; got < 1 || got > 2 {
		t.Errorf("%d flows", got)
	}
}

func TestUDPAllowedCIDRs(t *testing.T) {
	needLoops(t)
	addr := freeUDP(t)
	svc := udp(web(addr, talk(t, "a", "127.0.0.1:0").addr))
	only := func(cidr string) *model.Service {
		return edit(svc, func(l *model.Listener) { l.AllowedCIDRs = []netip.Prefix{netip.MustParsePrefix(cidr)} })
	}
	n := start(t, Config{}, only("127.1.0.0/16"))
	in, out := sendFrom(t, "127.1.0.1", addr), sendFrom(t, "127.2.0.1", addr)
	in.answer("x")
	if got, ok := out.tryAnswer("x", 300*time.Millisecond); ok {
		t.Errorf("who may not send got %q", got)
	}
	n.apply(only("127.2.0.0/16"))
	out.answer("y")
	if got, ok := in.tryAnswer("y", 300*time.Millisecond); ok {
		t.Errorf("a flow that was begun before got %q", got)
	}
	n.counters("l", "only one flow is left", func(c model.ListenerCounters) bool { return c.ActiveConnections == 1 })
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

func (n *node) mustOpen() []Open {
	open, err := n.Open(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return open
}

// What the kernel had no room for is seen.
func TestUDPQueueIsCounted(t *testing.T) {
	fd, err := newUDPSocket(t)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	c := send(t, to)
	for range 20_000 {
		if kernelDrops(fd) > 0 {
			return
		}
		_, _ = c.Write(make([]byte, 4096))
	}
	t.Error("a full queue is not seen")
}

func newUDPSocket(t *testing.T) (int, error) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8192)
	return fd, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
}
