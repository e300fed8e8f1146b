package vrrp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lbd/internal/tether"
)

var equal = cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()}

func sampleReport() Report {
	a := netip.MustParseAddr("10.0.0.1")
	return Report{
		Seq: 9, Term: 3, Deadline: 123456789, Since: time.Unix(5, 7), Announced: 44,
		Holding:  []netip.Addr{a},
		Problems: []Problem{{a, "no room"}, {netip.Addr{}, "of all"}},
		Foreign:  []Foreign{{Kind: "arp", Addr: a, MAC: "02:00:00:00:00:01", Link: "eth0", VRID: 4, Seen: time.Unix(8, 0), Count: 2}},
		Routers:  []VirtualRouter{{"eth0", false, 51, true}, {"eth1", true, 52, false}}, Virtual: []VirtualMAC{{"eth0", true, "00:00:5e:00:02:33"}}, ForeignAdverts: 5, ForeignClaims: 6,
		LinksDown: []string{"eth0", "eth1"}, Tied: []string{"a", "b"},
	}
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	o := orderMessage{Offset: -5, Order: Order{Seq: 1, Term: 2, Deadline: 3, Announce: 4, VRRP: VRRP{VRID: 5, Fixed: true, VirtualMAC: true, Silent: true, Peers: []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fe80::2")}}, VIPs: append(manyVIPs(3), manyVIPs6(2)...)}}
	o.VIPs[1].Link = "eth1"
	if got, err := decodeOrder(o.encode()[1:]); err != nil || !cmp.Equal(o, got, equal) {
		t.Errorf("order: %v %s", err, cmp.Diff(o, got, equal))
	}
	for _, r := range []Report{{}, sampleReport()} {
		if got, err := decodeReport(r.encode()[1:]); err != nil || !cmp.Equal(r, got, equal) {
			t.Errorf("report: %v %s", err, cmp.Diff(r, got, equal))
		}
	}
	tie := tieMessage{"n1", tether.Target{Addr: netip.MustParseAddrPort("[fd00::1]:7"), Key: tether.Key{1, 31: 2}, Token: tether.Token{3, 15: 4}}}
	if got, err := decodeTie(tie.encode()[1:]); err != nil || got != tie {
		t.Errorf("tie: %+v, %v", got, err)
	}
	s := setupMessage{"lbd0", true}
	if got, err := decodeSetup(s.encode()[1:]); err != nil || got != s {
		t.Errorf("setup: %+v, %v", got, err)
	}
}

// TestTheWireHasAVersion: what changes the bytes of a message changes HolderWire,
// or a parent and a child of different builds would misunderstand each other.
func TestTheWireHasAVersion(t *testing.T) {
	o := orderMessage{Offset: -5, Order: Order{Seq: 1, Term: 2, Deadline: 3, Announce: 4, VRRP: VRRP{VRID: 5, Fixed: true, VirtualMAC: true, Silent: true, Peers: []netip.Addr{netip.MustParseAddr("fe80::2")}}, VIPs: manyVIPs6(2)}}
	tie := tieMessage{"n1", tether.Target{Addr: netip.MustParseAddrPort("[fd00::1]:7"), Key: tether.Key{1, 31: 2}, Token: tether.Token{3, 15: 4}}}
	var all []byte
	for _, b := range [][]byte{o.encode(), sampleReport().encode(), tie.encode(), setupMessage{"lbd0", true}.encode()} {
		all = append(all, b...)
	}
	const wire, version = "a35e6f41e69a891414e9e079d021e098cf0663be42e8e2db4c7fb514e7315a19", 2
	if got := fmt.Sprintf("%x", sha256.Sum256(all)); got != wire || HolderWire != version {
		t.Errorf("the messages are %s in version %d, the test knows %s of version %d: raise HolderWire and put both here", got, HolderWire, wire, version)
	}
}

func TestLargestMessagesFit(t *testing.T) {
	o := orderMessage{Order: Order{VIPs: manyVIPs6(MaxVIPs)}}
	for i := range o.VIPs[:maxLinks] {
		o.VIPs[i].Link = strings.Repeat("x", 10) + o.VIPs[i].Addr.String()
	}
	r := sampleReport()
	for _, v := range o.VIPs {
		r.Holding = append(r.Holding, v.Addr)
	}
	r.Holding = r.Holding[:MaxVIPs]
	r.Problems = make([]Problem, maxProblems)
	for i := range r.Problems {
		r.Problems[i].Reason = strings.Repeat("y", 600) // cut to maxText
	}
	for name, b := range map[string][]byte{"order": o.encode(), "report": r.encode()} {
		if len(b) > maxMessage {
			t.Errorf("%s has %d bytes", name, len(b))
		}
	}
	if got, err := decodeReport(r.encode()[1:]); err != nil || len(got.Problems[0].Reason) != maxText {
		t.Errorf("long reasons: %v", err)
	}
}

func TestChildsLogComesOutOfTheParentsLogger(t *testing.T) {
	var out strings.Builder
	parent := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	child := slog.New(&logHandler{level: slog.LevelInfo, send: func(b []byte) {
		m, err := decodeLog(b[1:])
		if err != nil {
			t.Error(err)
		}
		m.emit(parent)
	}})
	log := child.With("part", "vrrp").WithGroup("g")
	log.Debug("not wanted")
	log.Warn("something", "n", 3, "err", errors.New("why"))
	if got, want := out.String(), "level=WARN msg=something part=vrrp g.n=3 g.err=why\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if child.Enabled(context.Background(), slog.LevelDebug) {
		t.Error("debug is on")
	}
}

func FuzzMessages(f *testing.F) {
	r := sampleReport()
	f.Add(r.encode()[1:])
	f.Add(orderMessage{Order: Order{VIPs: manyVIPs(2)}}.encode()[1:])
	f.Add(logMessage{Message: "m", Attrs: [][2]string{{"a", "b"}}}.encode()[1:])
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := decodeOrder(b); err == nil {
			if again, err := decodeOrder(o.encode()[1:]); err != nil || !cmp.Equal(o, again, equal) {
				t.Errorf("order: %v %s", err, cmp.Diff(o, again, equal))
			}
		}
		if r, err := decodeReport(b); err == nil {
			if again, err := decodeReport(r.encode()[1:]); err != nil || !cmp.Equal(r, again, equal) {
				t.Errorf("report: %v %s", err, cmp.Diff(r, again, equal))
			}
		}
		_, _ = decodeLog(b)
		_, _ = decodeSetup(b)
	})
}
