package dataplane

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/live"
	"lbd/store/model"
)

// drops of listener "l", by reason.
func (n *node) drops(why live.Drop) int64 {
	return n.state.Load().table.Services[0].Listeners[0].Live.Datagrams.Dropped[why].Load()
}

// A batch from the kernel costs one call, and so do the answers of a turn, however
// many flows they are of.
func TestUDPCallsOfABatch(t *testing.T) {
	needLoops(t)
	const count = 40
	m, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	addr := freeUDP(t)
	n := start(t, Config{Loops: 1}, udp(web(addr, m.LocalAddr().(*net.UDPAddr).AddrPort())))
	b := make([]byte, 100)
	clients, flows := make([]*asker, count), make([]*net.UDPAddr, count)
	arrived := func() {
		for i := range flows {
			_ = m.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, flows[i], err = m.ReadFromUDP(b); err != nil {
				t.Fatalf("datagram %d: %v", i, err)
			}
		}
	}
	for i := range clients {
		clients[i] = send(t, addr)
		clients[i].Write([]byte("x"))
	}
	arrived()
	n.counters("l", "the flows are there", func(c model.ListenerCounters) bool { return c.ActiveConnections == count })

	release, before := n.hold(), n.workers[0].loop.Calls()
	for _, c := range clients {
		c.Write([]byte("y"))
	}
	release()
	arrived()
	up := n.calls()
	if reads := up.Read - before.Read; reads > 2 {
		t.Errorf("%d calls to read %d datagrams", reads, count)
	}
	if writes := up.Write - before.Write; writes != count {
		t.Errorf("%d calls to pass on %d datagrams", writes, count)
	}

	release, before = n.hold(), n.workers[0].loop.Calls()
	for _, f := range flows {
		m.WriteToUDP([]byte("z"), f)
	}
	release()
	for i, c := range clients {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if k, err := c.Read(b); err != nil || string(b[:k]) != "z" {
			t.Fatalf("client %d: %q, %v", i, b[:k], err)
		}
	}
	down := n.calls()
	if writes := down.Write - before.Write; writes != 1 {
		t.Errorf("%d calls to send %d answers", writes, count)
	}
	if reads := down.Read - before.Read; reads != count {
		t.Errorf("%d calls to read %d answers", reads, count)
	}
}

// The second datagram of a batch learns from the call that sends it that the first
// one was refused: it goes elsewhere at once.
func TestUDPRefusalWithinABatch(t *testing.T) {
	needLoops(t)
	a, b := talk(t, "a", "127.0.0.1:0"), talk(t, "b", "127.0.0.1:0")
	addr := freeUDP(t)
	n := start(t, Config{Loops: 1}, udp(web(addr, a.addr, b.addr)))
	c := send(t, addr)
	left, want := a, "b:second"
	if c.answer("x")[0] == 'b' {
		left, want = b, "a:second"
	}
	release := n.hold()
	left.Close()
	c.Write([]byte("first"))
	c.Write([]byte("second"))
	release()
	buf := make([]byte, 100)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if k, err := c.Read(buf); string(buf[:k]) != want {
		t.Errorf("%q, %v, want %q", buf[:k], err, want)
	}
	if got := n.drops(live.Refused); got != 1 {
		t.Errorf("%d datagrams are counted as refused", got)
	}
}

// Flows that go on make no room for another one: what it sends is dropped and counted.
func TestUDPFullIsCounted(t *testing.T) {
	needLoops(t)
	m := talk(t, "a", "127.0.0.1:0")
	for name, tc := range map[string]struct {
		limit int
		fill  func(n *node)
	}{
		"limit":       {1, func(*node) {}},
		"descriptors": {-1, func(n *node) { n.clients.Force(n.clients.Max() - n.clients.Used()) }}, // as if others had them
	} {
		t.Run(name, func(t *testing.T) {
			addr := freeUDP(t)
			n := start(t, Config{}, edit(udp(web(addr, m.addr)), func(l *model.Listener) { l.ConnectionLimit = tc.limit }))
			first, second := send(t, addr), send(t, addr)
			first.answer("x")
			tc.fill(n)
			n.until("a datagram is counted as dropped", func() bool {
				first.Write([]byte("mute")) // not quiet for a moment
				second.Write([]byte("mute"))
				return n.drops(live.Full) > 0
			})
			if c := n.Report().Listeners["l"]; c.ActiveConnections != 1 || c.TotalConnections != 1 {
				t.Errorf("counters %+v", c)
			}
		})
	}
}

// Members of IPv6 may answer what no datagram of IPv4 can carry. That one is lost and
// counted, what is sent in the same call is not.
func TestUDPAnswerThatCannotBeSent(t *testing.T) {
	needLoops(t)
	m, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skipf("SKIP %s: no IPv6 on loopback: %v", t.Name(), err)
	}
	defer m.Close()
	addr := freeUDP(t)
	n := start(t, Config{Loops: 1}, udp(web(addr, m.LocalAddr().(*net.UDPAddr).AddrPort())))
	b := make([]byte, 1<<16)
	clients, flows := make([]*asker, 3), make([]*net.UDPAddr, 3)
	for i := range clients {
		clients[i] = send(t, addr)
		clients[i].Write([]byte("x"))
		_ = m.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, flows[i], err = m.ReadFromUDP(b); err != nil {
			t.Fatal(err)
		}
	}
	release := n.hold()
	for i, p := range [][]byte{[]byte("y"), make([]byte, 65527), []byte("y")} {
		if _, err := m.WriteToUDP(p, flows[i]); err != nil {
			t.Fatalf("%d bytes: %v", len(p), err)
		}
	}
	release()
	for _, i := range []int{0, 2} {
		_ = clients[i].SetReadDeadline(time.Now().Add(10 * time.Second))
		if k, err := clients[i].Read(b); err != nil || string(b[:k]) != "y" {
			t.Errorf("client %d: %.20q, %v", i, b[:k], err)
		}
	}
	n.until("one answer is counted as not taken", func() bool { return n.drops(live.ClientFull) == 1 })
}

// A burst waits in a queue that is larger than what sockets get unasked; what is beyond
// it is counted.
func TestUDPBurst(t *testing.T) {
	needLoops(t)
	addr := freeUDP(t)
	n := start(t, Config{Loops: 1}, udp(web(addr, talk(t, "a", "127.0.0.1:0").addr)))
	size := func(fd int) int {
		t.Helper()
		v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	usual, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(usual)
	open := n.mustOpen()
	if len(open) != 1 {
		t.Fatalf("%d sockets", len(open))
	}
	raw, err := open[0].Conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fd int
	_ = raw.Control(func(p uintptr) { fd = int(p) })
	if got := size(fd); got <= size(usual) {
		t.Errorf("%d bytes may wait, as in any socket", got)
	}
	release := n.hold()
	c := send(t, addr)
	for i := 0; kernelDrops(fd) == 0; i++ {
		if _, err := c.Write(make([]byte, 8000)); err != nil || i > 10_000 {
			t.Fatalf("datagram %d: %v", i, err)
		}
	}
	release()
	n.until("what the kernel dropped is counted", func() bool { return n.drops(live.QueueFull) > 0 })
}
