package dataplane

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/live"
	"lbd/store/model"
)

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
