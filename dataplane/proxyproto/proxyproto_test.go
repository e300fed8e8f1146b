package proxyproto

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

func TestHeaders(t *testing.T) {
	const sig = "0d0a0d0a000d0a515549540a"
	for _, tc := range []struct{ src, dst, v1, v2 string }{
		{"192.0.2.7:4000", "198.51.100.1:80", "PROXY TCP4 192.0.2.7 198.51.100.1 4000 80\r\n", "2111000c" + "c0000207" + "c6336401" + "0fa0" + "0050"},
		{"[::ffff:192.0.2.7]:4000", "198.51.100.1:80", "PROXY TCP4 192.0.2.7 198.51.100.1 4000 80\r\n", "2111000c" + "c0000207" + "c6336401" + "0fa0" + "0050"},
		{
			"[2001:db8::1%eth0]:65535", "[2001:db8::2]:1", "PROXY TCP6 2001:db8::1 2001:db8::2 65535 1\r\n",
			"21210024" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "ffff" + "0001",
		},
		{"192.0.2.7:4000", "[2001:db8::2]:1", "PROXY UNKNOWN\r\n", "21000000"},
		{"", "198.51.100.1:80", "PROXY UNKNOWN\r\n", "21000000"},
	} {
		var src netip.AddrPort
		if tc.src != "" {
			src = netip.MustParseAddrPort(tc.src)
		}
		dst := netip.MustParseAddrPort(tc.dst)
		v1, v2 := AppendV1([]byte("x"), src, dst), AppendV2([]byte("x"), src, dst)
		if string(v1) != "x"+tc.v1 {
			t.Errorf("%s to %s: v1 %q", tc.src, tc.dst, v1)
		}
		if got := hex.EncodeToString(v2[1:]); got != sig+tc.v2 {
			t.Errorf("%s to %s: v2 %s, want %s", tc.src, tc.dst, got, sig+tc.v2)
		}
		buf := make([]byte, 0, MaxLen)
		if n := testing.AllocsPerRun(10, func() { AppendV1(buf, src, dst); AppendV2(buf, src, dst) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
	if got := hex.EncodeToString(AppendLocalV2(nil)); got != sig+"20000000" {
		t.Errorf("local: %s", got)
	}
	long := netip.MustParseAddrPort("[" + strings.Repeat("ffff:", 7) + "ffff]:65535")
	if n := len(AppendV1(nil, long, long)); n > MaxLen {
		t.Errorf("a header of %d bytes", n)
	}
}
