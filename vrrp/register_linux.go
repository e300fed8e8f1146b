package vrrp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Echo tells whether a neighbour answers echo requests.
type Echo int

const (
	EchoUnknown Echo = iota
	EchoNone         // it answers ARP, and no echo request
	EchoAnswers
)

const (
	// echoEvery is the pause between the questions that find out.
	echoEvery = 50 * time.Millisecond
	// echoTries without an answer, while ARP is answered, mean that none will come.
	echoTries = 20
	// echoID marks our echo requests; what is asked is in their payload.
	echoID = 0x6c62
	// maxEchoes bounds the answers that wait to be read.
	maxEchoes = 256
)

// register is what one arbiter believes about a VIP: its ARP entry. It is read by
// an echo request in the VIP's name, whose answer goes to whom the arbiter takes
// for the owner, and written by an ARP question in the VIP's name (RFC 826: the
// receiver merges the sender's address first). Both go to the arbiter alone, so
// that nobody else's cache changes.
type register struct {
	t       *target
	replies chan<- uint64
	log     *slog.Logger
	random  uint64        // distinguishes our own test questions
	tried   atomic.Int32  // test questions without an answer
	echo    atomic.Int32  // Echo
	mu      sync.Mutex    // of conn and of the order of what is sent
	conn    *registerConn // guarded by mu; nil while the link cannot be used
}

// registerConn sends ARP and IPv4 and receives echo replies of one link.
type registerConn struct {
	arp  *arpConn
	conn *packet.Conn
}

// openRegister does not pass by the gate: the questions in the VIP's name are
// also asked by who does not hold it.
func openRegister(link string) (*registerConn, error) {
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return nil, fmt.Errorf("open echo on %s: %w", link, err)
	}
	c, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_IP, nil)
	if err != nil {
		return nil, fmt.Errorf("open echo on %s: %w", link, err)
	}
	replies, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 7},
		bpf.LoadAbsolute{Off: 14, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x45, SkipTrue: 5},
		bpf.LoadAbsolute{Off: 23, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_ICMP, SkipTrue: 3},
		bpf.LoadAbsolute{Off: 34, Size: 4}, // type, code and checksum
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: 0xffff, SkipTrue: 1},
		bpf.RetConstant{Val: 1514},
		bpf.RetConstant{Val: 0},
	})
	if err == nil {
		err = c.SetBPF(replies)
	}
	var a *arpConn
	if err == nil {
		if a, err = openARP(link); err == nil {
			err = errors.Join(a.about(interest{}), bypass(c), bypass(a.conn))
		}
	}
	if err != nil {
		if a != nil {
			err = errors.Join(err, a.close())
		}
		return nil, errors.Join(fmt.Errorf("open echo on %s: %w", link, err), c.Close())
	}
	return &registerConn{arp: a, conn: c}, nil
}

// bypass makes what is sent on c pass by traffic control.
func bypass(c *packet.Conn) error {
	rc, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = rc.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	})
	return errors.Join(err, serr)
}

func (c *registerConn) close() error { return errors.Join(c.arp.close(), c.conn.Close()) }

// echo asks to in the name of from; value comes back in the answer.
func (c *registerConn) echo(mac net.HardwareAddr, from, to netip.Addr, value uint64) error {
	f := ethernet.Frame{Destination: mac, Source: c.arp.mac, EtherType: ethernet.EtherTypeIPv4, Payload: echoRequest(from, to, value)}
	frame, err := f.MarshalBinary()
	if err != nil {
		return fmt.Errorf("make echo for %s: %w", to, err)
	}
	if _, err := c.conn.WriteTo(frame, &packet.Addr{HardwareAddr: mac}); err != nil {
		return fmt.Errorf("send echo on %s: %w", c.arp.link, err)
	}
	return nil
}

const (
	ip4Header  = 20
	echoHeader = 8
	echoSize   = ip4Header + echoHeader + 8
)

// echoRequest is an IPv4 packet (RFC 791) with an echo request (RFC 792) whose
// data is value.
func echoRequest(from, to netip.Addr, value uint64) []byte {
	b := make([]byte, echoSize)
	b[0] = 0x45
	binary.BigEndian.PutUint16(b[2:], echoSize)
	b[6] = 0x40 // don't fragment
	b[8] = 64   // TTL
	b[9] = unix.IPPROTO_ICMP
	copy(b[12:], from.AsSlice())
	copy(b[16:], to.AsSlice())
	binary.BigEndian.PutUint16(b[10:], onesSum(b[:ip4Header]))
	icmp := b[ip4Header:]
	icmp[0] = 8
	binary.BigEndian.PutUint16(icmp[4:], echoID)
	binary.BigEndian.PutUint64(icmp[echoHeader:], value)
	binary.BigEndian.PutUint16(icmp[2:], onesSum(icmp))
	return b
}

// echoReply takes an answer to echoRequest apart; ok is false for anything else.
func echoReply(b []byte) (from, to netip.Addr, value uint64, ok bool) {
	if len(b) < echoSize || b[0] != 0x45 || b[9] != unix.IPPROTO_ICMP || binary.BigEndian.Uint16(b[2:]) != echoSize {
		return from, to, 0, false
	}
	b = b[:echoSize] // the rest is Ethernet's padding
	icmp := b[ip4Header:]
	if icmp[0] != 0 || icmp[1] != 0 || binary.BigEndian.Uint16(icmp[4:]) != echoID || onesSum(icmp) != 0 || onesSum(b[:ip4Header]) != 0 {
		return from, to, 0, false
	}
	return netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), binary.BigEndian.Uint64(icmp[echoHeader:]), true
}

// onesSum is the Internet checksum (RFC 1071) of b, whose length is even.
func onesSum(b []byte) uint16 {
	var s uint32
	for ; len(b) > 1; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// ask reads the register, and writes it before or after.
func (r *register) ask(vip netip.Addr, read uint64, before, after bool) {
	mac := r.t.mac.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.conn
	if c == nil || mac == nil {
		return
	}
	write := func(yes bool) error {
		if !yes {
			return nil
		}
		return c.arp.send(c.arp.mac, *mac, arp.OperationRequest, vip, zeroMAC, r.t.addr)
	}
	// A message that is lost here is as good as one that is lost later; but after
	// one that was not sent none of the same round may be.
	err := write(before)
	if err == nil {
		err = c.echo(*mac, vip, r.t.addr, read)
	}
	if err == nil {
		_ = write(after)
	}
}

// test finds out whether the arbiter answers echo requests at all.
func (r *register) test() {
	if !r.t.addr.Is4() {
		r.echo.Store(int32(EchoNone)) // an IPv6 neighbour's table is not used
		return
	}
	if Echo(r.echo.Load()) == EchoAnswers || !r.t.answers(arbiterWithin) {
		return
	}
	mac := r.t.mac.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil || mac == nil || r.conn.echo(*mac, r.t.source, r.t.addr, r.random) != nil {
		return
	}
	if r.tried.Add(1) > echoTries && r.echo.CompareAndSwap(int32(EchoUnknown), int32(EchoNone)) {
		r.log.Warn("the arbiter answers no echo requests: without a witness, two nodes that lose every path to each other may both hold the VIPs", "arbiter", r.t.addr)
	}
}

// serve uses c until it fails or ctx ends, and closes it.
func (r *register) serve(ctx context.Context, c *registerConn) error {
	r.mu.Lock()
	r.conn = c
	r.mu.Unlock()
	failed := make(chan error, 1)
	go func() { failed <- r.listen(c) }() // ends with c
	tick := time.NewTicker(echoEvery)
	defer tick.Stop()
	var err error
	for err == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
			failed <- err
		case <-tick.C:
			r.test()
		}
	}
	r.mu.Lock()
	r.conn = nil
	r.mu.Unlock()
	err = errors.Join(err, c.close())
	<-failed
	return err
}

// listen reads answers until the connection fails or is closed.
func (r *register) listen(c *registerConn) error {
	var buf [1514]byte
	for {
		n, _, err := c.conn.ReadFrom(buf[:])
		if err != nil {
			return err
		}
		var f ethernet.Frame
		if f.UnmarshalBinary(buf[:n]) != nil || !slices.Equal(f.Destination, c.arp.mac) {
			continue // another host's, on a link that is listened to as a whole
		}
		from, to, value, ok := echoReply(f.Payload)
		switch {
		case !ok || from != r.t.addr:
		case to == r.t.source:
			if value == r.random {
				r.echo.Store(int32(EchoAnswers))
			}
		default:
			select {
			case r.replies <- value:
			default: // nobody reads; an answer is a message that may get lost
			}
		}
	}
}
