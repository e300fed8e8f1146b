package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

func manyVIPs(n int) []VIP {
	vips := make([]VIP, n)
	for i := range vips {
		vips[i] = VIP{netip.AddrFrom4([4]byte{10, 78, byte(i / 250), byte(1 + i%250)}), "eth0"}
	}
	return vips
}

func manyVIPs6(n int) []VIP {
	vips := manyVIPs(n)
	for i := range vips {
		b := netip.MustParseAddr("fd77::").As16()
		copy(b[12:], vips[i].Addr.AsSlice())
		vips[i].Addr = netip.AddrFrom16(b)
	}
	return vips
}

// A thousand addresses are claimed in 300 ms on an idle machine, and renewals are
// not late meanwhile.
func TestThousandVIPs(t *testing.T) {
	t.Run("IPv4", func(t *testing.T) { testMany(t, manyVIPs(1000)) })
	t.Run("IPv6", func(t *testing.T) { testMany(t, manyVIPs6(1000)) })
}

func testMany(t *testing.T, vips []VIP) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	w := client.watch(100*time.Microsecond, vips[999].Addr)
	at := p.hold(1, lease, renew, vips...).At
	first := w.await("the last one answers", answered)
	took := time.Duration(first.at - at)
	t.Logf("claim of 1000: the last one answers after %v", took)
	if took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	r := p.untilHolding(vips...)
	since := r.Since
	p.hold(1, lease, renew, vips[:999]...) // one less: the others stay
	r = p.until("one is gone", func(r Report) bool { return len(r.Holding) == 999 })
	if !r.Since.Equal(since) {
		t.Error("the others were released meanwhile")
	}
	start := Monotonic()
	p.tell(command{Do: "release"})
	t.Logf("release of 999 confirmed after %v", time.Duration(Monotonic()-start))
}
