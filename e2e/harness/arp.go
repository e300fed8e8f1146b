package harness

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/netlab"
)

// ARPWatch asks every 5 ms who has an address and notes every answer.
type ARPWatch struct{ h *helper }

// ARPEvent is a question of the watch or what it heard about the address.
type ARPEvent struct {
	At   time.Duration // CLOCK_MONOTONIC
	Kind string        // "ask", "answer", "announce" (gratuitous)
	MAC  string
}

// WatchARP starts a watch for vip on a host's device, with src (an address of
// the host) as the one who asks.
func (w *World) WatchARP(on *netlab.Host, dev, src, vip string) *ARPWatch {
	w.T.Helper()
	return &ARPWatch{w.spawn(on, "_arp", dev, src, vip)}
}

// Stop ends the watch and returns all events in order.
func (a *ARPWatch) Stop() []ARPEvent {
	var evs []ARPEvent
	for _, l := range a.h.stop() {
		var at int64
		var kind, mac string
		if n, _ := fmt.Sscan(l, &at, &kind, &mac); n == 3 {
			evs = append(evs, ARPEvent{time.Duration(at), kind, mac})
		}
	}
	return evs
}

// TwoOwners is how long two hardware addresses answered in the same round of
// questions: the sum of the rounds in which it was so.
func TwoOwners(evs []ARPEvent) time.Duration {
	var total time.Duration
	var asked time.Duration
	macs := map[string]bool{}
	for _, e := range evs {
		switch e.Kind {
		case "ask":
			if len(macs) > 1 {
				total += e.At - asked
			}
			asked = e.At
			clear(macs)
		case "answer":
			macs[e.MAC] = true
		}
	}
	return total
}

// LastOwner is who answered last, or "".
func LastOwner(evs []ARPEvent) string {
	for i := len(evs) - 1; i >= 0; i-- {
		if evs[i].Kind == "answer" {
			return evs[i].MAC
		}
	}
	return ""
}

// MAC is the hardware address of a host's device.
func (w *World) MAC(h *netlab.Host, dev string) string {
	w.T.Helper()
	var mac string
	w.must(h.Do(func() error {
		ifi, err := net.InterfaceByName(dev)
		if err == nil {
			mac = ifi.HardwareAddr.String()
		}
		return err
	}))
	return mac
}

const arpFrameLen = 42

func arpMain(args []string) error {
	dev, src, vip := args[0], netip.MustParseAddr(args[1]).As4(), netip.MustParseAddr(args[2]).As4()
	ifi, err := net.InterfaceByName(dev)
	if err != nil {
		return err
	}
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ARP))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(proto))
	if err != nil {
		return err
	}
	to := &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifi.Index, Halen: 6}
	if err := unix.Bind(fd, to); err != nil {
		return err
	}
	o := newOutput()
	question := arpQuestion(ifi.HardwareAddr, src, vip)
	go func() {
		for range time.Tick(probeEvery) {
			o.printf("%d ask -\n", Now())
			unix.Sendto(fd, question, 0, to)
		}
	}()
	buf := make([]byte, 1600)
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		sl, ok := from.(*unix.SockaddrLinklayer)
		if !ok || sl.Pkttype == unix.PACKET_OUTGOING || n < arpFrameLen || !bytes.Equal(buf[28:32], vip[:]) {
			continue
		}
		kind, mac := "", net.HardwareAddr(buf[22:28]).String()
		switch {
		case bytes.Equal(buf[38:42], vip[:]):
			kind = "announce"
		case buf[21] == 2:
			kind = "answer"
		}
		if kind != "" {
			o.printf("%d %s %s\n", Now(), kind, strings.ToLower(mac))
		}
	}
}

// arpQuestion is the Ethernet frame "who has vip, tell src" (RFC 826).
func arpQuestion(mac net.HardwareAddr, src, vip [4]byte) []byte {
	f := make([]byte, 0, arpFrameLen)
	f = append(f, 255, 255, 255, 255, 255, 255)
	f = append(f, mac...)
	f = append(f, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	f = append(f, mac...)
	f = append(f, src[:]...)
	f = append(f, 0, 0, 0, 0, 0, 0)
	return append(f, vip[:]...)
}

// Answered is nil once somebody has answered.
func (a *ARPWatch) Answered() error {
	for _, l := range a.h.snapshot() {
		if strings.Contains(l, " answer ") {
			return nil
		}
	}
	return errors.New("no answer yet")
}
