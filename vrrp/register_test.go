package vrrp

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

func FuzzEchoReply(f *testing.F) {
	a, b := netip.MustParseAddr("10.77.0.1"), netip.MustParseAddr("10.77.0.10")
	asked := echoRequest(a, b, 7)
	f.Add(asked)
	f.Add(answerTo(asked))
	f.Add(append(answerTo(asked), make([]byte, 10)...))
	f.Fuzz(func(t *testing.T, p []byte) {
		from, to, value, ok := echoReply(p)
		if !ok {
			return
		}
		if !from.Is4() || !to.Is4() {
			t.Errorf("from %v to %v, %d", from, to, value)
		}
	})
}

// answerTo turns a request into its answer, as a neighbour would.
func answerTo(request []byte) []byte {
	p := append([]byte(nil), request...)
	copy(p[12:16], request[16:20])
	copy(p[16:20], request[12:16])
	p[ip4Header], p[ip4Header+2], p[ip4Header+3] = 0, 0, 0
	sum := onesSum(p[ip4Header:])
	p[ip4Header+2], p[ip4Header+3] = byte(sum>>8), byte(sum)
	return p
}

func TestEchoReply(t *testing.T) {
	a, b := netip.MustParseAddr("10.77.0.1"), netip.MustParseAddr("10.77.0.10")
	asked := echoRequest(a, b, 1<<63+5)
	if _, _, _, ok := echoReply(asked); ok {
		t.Error("a request passes for an answer")
	}
	good := answerTo(asked)
	from, to, value, ok := echoReply(append(good, 0, 0, 0)) // short frames are padded
	if !ok || from != b || to != a || value != 1<<63+5 {
		t.Errorf("from %v to %v, value %d, %v", from, to, value, ok)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		if _, _, _, ok := echoReply(bad); ok {
			t.Errorf("byte %d does not matter", i)
		}
	}
	if _, _, _, ok := echoReply(good[:len(good)-1]); ok {
		t.Error("a cut answer is taken")
	}
}

// registerOn opens the register of a VIP at router as seen by a host.
func registerOn(t *testing.T, h, router *host) (*register, chan uint64) {
	t.Helper()
	mac, err := net.ParseMAC(router.mac)
	if err != nil {
		t.Fatal(err)
	}
	replies := make(chan uint64, maxEchoes)
	r := &register{t: &target{addr: router.ip, link: "eth0", source: h.ip}, replies: replies, log: slog.New(slog.DiscardHandler), random: uint64(h.ip.As4()[3])}
	r.t.mac.Store(&mac)
	r.t.last.Store(Monotonic() + int64(time.Hour)) // it answers ARP
	var c *registerConn
	h.do(func() (err error) { c, err = openRegister("eth0"); return err })
	r.conn = c
	done := make(chan struct{})
	go func() { defer close(done); _ = r.listen(c) }()
	t.Cleanup(func() { c.close(); <-done })
	return r, replies
}

// The last one that wrote is the one that is answered, and nobody else is; the
// addresses need not be on any machine, and a shut gate is no hindrance.
func TestRegisterBelongsToTheLastWriter(t *testing.T) {
	n := newNetwork(t)
	nodes, router := []*host{n.host(1), n.host(2)}, n.host(254)
	vip := netip.MustParseAddr("10.77.0.10")
	p := nodes[0].parent()
	p.hold(1, time.Minute, 0, vipOf(vip.String()))
	p.untilHolding(vipOf(vip.String()))
	p.tell(command{Do: "order", Raw: Order{Term: 2}})
	p.until("released", func(r Report) bool { return len(r.Holding) == 0 })
	var regs [2]*register
	var replies [2]chan uint64
	for i, h := range nodes {
		regs[i], replies[i] = registerOn(t, h, router)
	}
	round := uint64(0) // of reads; each carries its number, doubled, and who asked
	// owned asks as both, and tells who was answered.
	owned := func(before int) (owner int) {
		t.Helper()
		owner = -1
		if before >= 0 {
			regs[before].ask(vip, 0, true, false)
		}
		round++
		for i := range regs {
			regs[i].ask(vip, 2*round+uint64(i), false, false)
		}
		for i := range regs { // each node's test question comes after it on the same leg
			regs[i].echo.Store(int32(EchoUnknown))
			eventually(t, "the arbiter answers", func() bool {
				regs[i].test()
				return Echo(regs[i].echo.Load()) == EchoAnswers
			}, func() string { return "" })
			for len(replies[i]) > 0 {
				if <-replies[i] == 2*round+uint64(i) { // the other's questions are answered here, too
					if owner >= 0 {
						t.Error("both are answered")
					}
					owner = i
				}
			}
		}
		return owner
	}
	for _, writer := range []int{0, 1, 0, 0, 1} {
		for _, before := range []int{writer, -1} {
			if got := owned(before); got != writer {
				t.Fatalf("node %d wrote last, %d is answered", writer, got)
			}
		}
	}
}

func TestArbiterWithoutEchoHasNoRegister(t *testing.T) {
	n := newNetwork(t)
	node, router := n.host(1), n.host(254)
	router.do(func() error { return os.WriteFile("/proc/sys/net/ipv4/icmp_echo_ignore_all", []byte("1"), 0) })
	r, _ := registerOn(t, node, router)
	eventually(t, "it is known that it has none", func() bool {
		r.test()
		return Echo(r.echo.Load()) == EchoNone
	}, func() string { return "" })
	router.do(func() error { return os.WriteFile("/proc/sys/net/ipv4/icmp_echo_ignore_all", []byte("0"), 0) })
	eventually(t, "it has one after all", func() bool {
		r.test()
		return Echo(r.echo.Load()) == EchoAnswers
	}, func() string { return "" })
}
