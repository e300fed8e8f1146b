package vrrp

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var ndEqual = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// A solicitation and the kernel's answer as captured on a Linux bridge.
const (
	capturedQuestion = "6000000000203afffd770000000000000000000000000002ff0200000000000000000001ff000001" +
		"870042ec00000000fd7700000000000000000000000000010101964b7f3b2638"
	capturedAnswer = "6000000000203afffd770000000000000000000000000001fd770000000000000000000000000002" +
		"8800334560000000fd77000000000000000000000000000102015aa565162a37"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNeighbourDiscoveryAsTheKernelSpeaksIt(t *testing.T) {
	one, two := netip.MustParseAddr("fd77::1"), netip.MustParseAddr("fd77::2")
	asker, owner := net.HardwareAddr{0x96, 0x4b, 0x7f, 0x3b, 0x26, 0x38}, net.HardwareAddr{0x5a, 0xa5, 0x65, 0x16, 0x2a, 0x37}
	question := ndMessage{Src: two, Dst: netip.MustParseAddr("ff02::1:ff00:1"), Target: one, Link: asker}
	answer := ndMessage{Advert: true, Src: one, Dst: two, Target: one, Link: owner, Solicited: true, Override: true}
	for hexed, want := range map[string]ndMessage{capturedQuestion: question, capturedAnswer: answer} {
		got, err := parseND(append(unhex(t, hexed), 0, 0, 0)) // with padding
		if err != nil || !cmp.Equal(got, want, ndEqual) {
			t.Errorf("%v\n%s", err, cmp.Diff(want, got, ndEqual))
		}
		if again := hex.EncodeToString(want.marshal()); again != hexed {
			t.Errorf("marshalled as %s, want %s", again, hexed)
		}
	}
	if got := question.answer(owner); !cmp.Equal(got, answer, ndEqual) {
		t.Errorf("the answer: %s", cmp.Diff(answer, got, ndEqual))
	}
	question.Src, question.Link = netip.IPv6Unspecified(), nil
	answer.Dst, answer.Solicited = allNodes, false
	if got := question.answer(owner); !cmp.Equal(got, answer, ndEqual) {
		t.Errorf("the answer to one without an address: %s", cmp.Diff(answer, got, ndEqual))
	}
	if got := groupMAC(solicitedNode(netip.MustParseAddr("fd77::a:bcde:f012"))).String(); got != "33:33:ff:de:f0:12" {
		t.Errorf("group address %s", got)
	}
}

// RFC 4861 sections 7.1.1 and 7.1.2.
func TestInvalidNeighbourDiscoveryIsIgnored(t *testing.T) {
	set := func(message string, at int, v ...byte) []byte {
		b := unhex(t, message)
		copy(b[at:], v)
		// The checksum is made right again, so that it is not what is refused.
		src, dst := netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		p := b[ip6Header:]
		p[2], p[3] = 0, 0
		sum := ^fold(sum16(p) + pseudoSum6(src, dst, icmpV6, len(p)))
		p[2], p[3] = byte(sum>>8), byte(sum)
		return b
	}
	checksum := unhex(t, capturedQuestion)
	checksum[ip6Header+2]++
	unspecified := make([]byte, 16)
	for name, b := range map[string][]byte{
		"empty":                     nil,
		"too short":                 unhex(t, capturedQuestion)[:ip6Header+ndBody-1],
		"shorter than it says":      unhex(t, capturedQuestion)[:ip6Header+ndBody],
		"checksum":                  checksum,
		"hop limit":                 set(capturedQuestion, 7, 254),
		"code":                      set(capturedQuestion, ip6Header+1, 1),
		"another type":              set(capturedQuestion, ip6Header, 133),
		"multicast target":          set(capturedQuestion, ip6Header+8, 0xff),
		"option without length":     set(capturedQuestion, ip6Header+ndBody+1, 0),
		"option too long":           set(capturedQuestion, ip6Header+ndBody+1, 2),
		"no source but an option":   set(capturedQuestion, 8, unspecified...),
		"solicited, but to a group": set(capturedAnswer, 24, 0xff),
	} {
		if m, err := parseND(b); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if _, err := parseND(set(capturedQuestion, 7, 255)); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func FuzzParseND(f *testing.F) {
	for _, s := range []string{capturedQuestion, capturedAnswer, strings.Repeat("60", 64)} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseND(b)
		if err != nil {
			return
		}
		again, err := parseND(m.marshal())
		if err != nil || !cmp.Equal(m, again, ndEqual) {
			t.Errorf("%v %s", err, cmp.Diff(m, again, ndEqual))
		}
	})
}
