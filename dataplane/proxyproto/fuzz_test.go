package proxyproto

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"
)

// FuzzHeaders: another implementation reads what is written, to its end and no
// further, as the addresses that were meant.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte{192, 0, 2, 7}, uint16(4000), []byte{198, 51, 100, 1}, uint16(80))
	f.Add(bytes.Repeat([]byte{0xff}, 16), uint16(65535), bytes.Repeat([]byte{0}, 16), uint16(0))
	f.Add([]byte{192, 0, 2, 7}, uint16(1), bytes.Repeat([]byte{1}, 16), uint16(2))
	f.Fuzz(func(t *testing.T, src []byte, sport uint16, dst []byte, dport uint16) {
		from, _ := netip.AddrFromSlice(src)
		to, _ := netip.AddrFromSlice(dst)
		client, local := netip.AddrPortFrom(from, sport), netip.AddrPortFrom(to, dport)
		known := from.IsValid() && to.IsValid() && from.Unmap().Is4() == to.Unmap().Is4()
		for version, header := range map[int][]byte{1: AppendV1(nil, client, local), 2: AppendV2(nil, client, local)} {
			if len(header) > MaxLen {
				t.Fatalf("v%d: %d bytes", version, len(header))
			}
			if version == 2 && !known {
				continue // UNSPEC: the other implementation has it for LOCAL alone
			}
			r := bufio.NewReader(bytes.NewReader(append(header, "GET /"...)))
			h, err := proxyproto.Read(r)
			if err != nil {
				t.Fatalf("v%d of %s to %s: %v: %q", version, client, local, err, header)
			}
			if rest, _ := r.Peek(5); string(rest) != "GET /" {
				t.Fatalf("v%d: %q behind the header", version, rest)
			}
			if !known {
				continue
			}
			if got, ok := h.SourceAddr.(*net.TCPAddr); !ok || got.AddrPort().Addr().Unmap() != from.Unmap() || got.Port != int(sport) {
				t.Fatalf("v%d: source %v, want %s", version, h.SourceAddr, client)
			}
		}
	})
}
