package harness

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lbd/internal/netlab"
)

// ARPWatch asks every 5 ms, by ARP or Neighbour Discovery, who has an address and
// notes every answer.
type ARPWatch struct{ h *helper }

// ARPEvent is a question of the watch or what it heard about the address.
type ARPEvent struct {
	At   time.Duration // CLOCK_MONOTONIC; of answers when the kernel got them, not when a busy watch read them
	Kind string        // "ask", "answer", "announce" (gratuitous or unsolicited)
	MAC  string
}

// WatchARP starts a watch for vip on a host's device, with src (an address of
// the host) as the one who asks.
func (w *World) WatchARP(on *netlab.Host, dev, src, vip string) *ARPWatch {
	w.T.Helper()
	how := "_arp"
	if strings.Contains(vip, ":") {
		how = "_nd"
	}
	return &ARPWatch{w.spawn(on, how, dev, src, vip)}
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
	slices.SortStableFunc(evs, func(x, y ARPEvent) int { return cmp.Compare(x.At, y.At) })
	return evs
}

// TwoOwners is how long two hardware addresses answered in the same round of
// questions: the sum of the rounds in which it was so. One owner may follow another in a
// round, which is long where a starved machine asks late: who does not answer again, in
// that round or the next, and not within 5 ms of the other, was the owner before.
func TwoOwners(evs []ARPEvent) time.Duration {
	type round struct {
		long time.Duration
		macs []string // who answered, in turn
		last time.Duration
		near bool // two answered within sameAnswer
	}
	const sameAnswer = 5 * time.Millisecond
	rounds := []round{{}}
	var asked time.Duration
	for _, e := range evs {
		r := &rounds[len(rounds)-1]
		switch e.Kind {
		case "ask":
			r.long = e.At - asked
			asked = e.At
			rounds = append(rounds, round{})
		case "answer":
			if n := len(r.macs); n == 0 || r.macs[n-1] != e.MAC {
				r.near = r.near || n > 0 && e.At-r.last < sameAnswer
				r.macs = append(r.macs, e.MAC)
			}
			r.last = e.At
		}
	}
	var total time.Duration
	for i, r := range rounds[:len(rounds)-1] { // the last has no end
		if r.near || len(r.macs) > 2 || len(r.macs) == 2 && slices.Contains(rounds[i+1].macs, r.macs[0]) {
			total += r.long
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
	fd, to, err := packetSocket(ifi, unix.ETH_P_ARP)
	if err != nil {
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
	return eachFrame(fd, func(b []byte, at time.Duration) {
		if len(b) < arpFrameLen || !bytes.Equal(b[28:32], vip[:]) {
			return
		}
		mac := net.HardwareAddr(b[22:28])
		switch {
		case bytes.Equal(b[38:42], vip[:]):
			o.printf("%d announce %s\n", at, mac)
		case b[21] == 2:
			o.printf("%d answer %s\n", at, mac)
		}
	})
}

// packetSocket gets frames of one protocol with the times of their arrival.
func packetSocket(ifi *net.Interface, protocol uint16) (fd int, to *unix.SockaddrLinklayer, err error) {
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, protocol))
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(proto)); err != nil {
		return 0, nil, err
	}
	to = &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifi.Index, Halen: 6}
	return fd, to, errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), unix.Bind(fd, to))
}

// eachFrame calls f for every frame that comes in, until an error.
func eachFrame(fd int, f func(frame []byte, at time.Duration)) error {
	buf, oob := make([]byte, 1600), make([]byte, 128)
	for {
		n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if sl, ok := from.(*unix.SockaddrLinklayer); !ok || sl.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		at, err := receivedAt(oob[:oobn])
		if err != nil {
			return err
		}
		f(buf[:n], at)
	}
}

// receivedAt is the kernel's time stamp of a frame as CLOCK_MONOTONIC; the kernel
// stamps by the wall clock.
func receivedAt(oob []byte) (time.Duration, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0, err
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			stamp := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			return Now() - time.Since(stamp), nil
		}
	}
	return 0, errors.New("a frame without a time stamp")
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
