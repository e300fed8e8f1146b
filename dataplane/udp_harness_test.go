package dataplane

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

func (n *node) mustOpen() []Open {
	open, err := n.Open(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return open
}
