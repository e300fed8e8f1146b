package dataplane

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"lbd/store/model"
)

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
