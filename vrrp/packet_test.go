package vrrp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	advertSrc = netip.MustParseAddr("10.77.0.1")
	advertAd  = Advert{VRID: 51, Priority: 250, Interval: 100, Addrs: []netip.Addr{
		netip.MustParseAddr("10.77.0.10"), netip.MustParseAddr("10.77.0.11"),
	}}
)

// The bytes were added up by hand: version and type 31, VRID 33, priority fa, two
// addresses, 0064 centiseconds, checksum, addresses.
func TestAdvertBytes(t *testing.T) {
	for _, c := range []struct {
		pseudo bool
		want   string
	}{
		{false, "3133fa020064" + "bfb6" + "0a4d000a" + "0a4d000b"}, // ^(14048 folded)
		{true, "3133fa020064" + "d4d5" + "0a4d000a" + "0a4d000b"},  // ^(14048 + 0a4e + e012 + 70 + 10 folded)
	} {
		b, err := advertAd.Marshal(advertSrc, Group, c.pseudo)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(b); got != c.want {
			t.Errorf("pseudo-header %v:\n got %s\nwant %s", c.pseudo, got, c.want)
		}
		got, err := ParseAdvert(b, advertSrc, Group)
		if err != nil {
			t.Errorf("parse: %v", err)
		}
		if d := cmp.Diff(advertAd, got, cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Error(d)
		}
	}
}

func TestAdvertThatIsRefused(t *testing.T) {
	good, err := advertAd.Marshal(advertSrc, Group, true)
	if err != nil {
		t.Fatal(err)
	}
	// seal makes the checksum right after a change.
	seal := func(b []byte) []byte {
		b[6], b[7] = 0, 0
		s := ^fold(sum16(b))
		b[6], b[7] = byte(s>>8), byte(s)
		return b
	}
	change := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":         {nil, ErrTruncated},
		"header cut":    {good[:7], ErrTruncated},
		"address cut":   {good[:len(good)-1], ErrTruncated},
		"version 2":     {change(func(b []byte) []byte { b[0] = 0x21; return seal(b) }), ErrVersion},
		"type 2":        {change(func(b []byte) []byte { b[0] = 0x32; return seal(b) }), ErrVersion},
		"one bit wrong": {change(func(b []byte) []byte { b[9] ^= 4; return b }), ErrChecksum},
		"VRID 0":        {change(func(b []byte) []byte { b[1] = 0; return seal(b) }), ErrField},
		"interval 0":    {change(func(b []byte) []byte { b[4], b[5] = 0xf0, 0; return seal(b) }), ErrField},
		"no address":    {change(func(b []byte) []byte { b[3] = 0; return seal(b) }), ErrField},
		"21 addresses":  {change(func(b []byte) []byte { b[3] = 21; return seal(append(b, make([]byte, 19*4)...)) }), ErrField},
	} {
		if a, err := ParseAdvert(c.b, advertSrc, Group); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	// Reserved bits and bytes after the last address are no reason.
	if _, err := ParseAdvert(change(func(b []byte) []byte { b[4] |= 0xf0; return seal(append(b, 1, 2, 3)) }), advertSrc, Group); err != nil {
		t.Errorf("reserved bits: %v", err)
	}
	for _, a := range []Advert{
		{},
		{VRID: 1, Interval: 1},
		{VRID: 1, Addrs: advertAd.Addrs},
		{Interval: 1, Addrs: advertAd.Addrs},
		{VRID: 1, Interval: 4096, Addrs: advertAd.Addrs},
		{VRID: 1, Interval: 1, Addrs: make([]netip.Addr, 21)},
		{VRID: 1, Interval: 1, Addrs: []netip.Addr{netip.IPv6Loopback()}},
	} {
		if _, err := a.Marshal(advertSrc, Group, true); !errors.Is(err, ErrField) {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// In IPv6 the checksum always covers the pseudo-header (RFC 9568 section 5.2.8).
func TestAdvertIPv6(t *testing.T) {
	src := netip.MustParseAddr("fe80::1")
	want := Advert{VRID: 51, Priority: 250, Interval: 100, Addrs: []netip.Addr{netip.MustParseAddr("fd77::10"), netip.MustParseAddr("fd77::11")}}
	b, err := want.Marshal(src, Group6, false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAdvert(b, src, Group6)
	if err != nil || !cmp.Equal(want, got, cmpopts.EquateComparable(netip.Addr{})) {
		t.Errorf("%+v, %v", got, err)
	}
	if len(b) != advertHeader+2*16 {
		t.Errorf("%d bytes", len(b))
	}
	if _, err := ParseAdvert(b, netip.MustParseAddr("fe80::2"), Group6); !errors.Is(err, ErrChecksum) {
		t.Errorf("from another source: %v", err)
	}
	if _, err := ParseAdvert(b[:len(b)-1], src, Group6); !errors.Is(err, ErrTruncated) {
		t.Errorf("cut: %v", err)
	}
	if _, err := advertAd.Marshal(src, Group6, true); !errors.Is(err, ErrField) {
		t.Errorf("IPv4 addresses over IPv6: %v", err)
	}
}

func TestTimers(t *testing.T) {
	ms := func(f float64) time.Duration { return time.Duration(f * float64(time.Millisecond)) }
	for _, c := range []struct {
		priority   uint8
		interval   uint16
		skew, down time.Duration
	}{
		{100, 100, ms(609.375), ms(3609.375)}, // the RFC's defaults
		{100, 10, ms(60.9375), ms(360.9375)},
		{254, 100, ms(7.8125), ms(3007.8125)},
		{255, 4095, ms(159.9609375), ms(123009.9609375)},
		{1, 1, ms(9.9609375), ms(39.9609375)},
	} {
		if got := Skew(c.priority, c.interval); got != c.skew {
			t.Errorf("Skew(%d, %d) = %v, want %v", c.priority, c.interval, got, c.skew)
		}
		if got := ActiveDown(c.priority, c.interval); got != c.down {
			t.Errorf("ActiveDown(%d, %d) = %v, want %v", c.priority, c.interval, got, c.down)
		}
	}
}

func FuzzParseAdvert(f *testing.F) {
	for _, pseudo := range []bool{false, true} {
		b, err := advertAd.Marshal(advertSrc, Group, pseudo)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x21, 1, 100, 1, 0, 1, 0xba, 0x52, 192, 168, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}) // version 2
	f.Add([]byte{0x31, 1, 0, 255, 0, 1, 0, 0})                                               // count beyond the end
	f.Fuzz(func(t *testing.T, b []byte) {
		vridOf(b)
		a, err := ParseAdvert(b, advertSrc, Group)
		if err != nil {
			return
		}
		again, err := a.Marshal(advertSrc, Group, true)
		if err != nil {
			t.Fatalf("%+v cannot be sent: %v", a, err)
		}
		if !bytes.Equal(again[8:], b[8:len(again)]) || !bytes.Equal(again[:4], b[:4]) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
