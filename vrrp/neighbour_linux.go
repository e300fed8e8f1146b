package vrrp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
)

// neighbours is how addresses of one family are asked for and told of on one
// link: ARP or Neighbour Discovery. Writing and one reader may run at the same
// time.
type neighbours interface {
	on() ethernetLink
	// about is whose messages are to be heard from now on, where telling them apart
	// spares work.
	about(interest) error
	// join prepares for questions that ask for addr; leave ends it.
	join(addr netip.Addr) error
	leave(addr netip.Addr)
	// ask who has addr, without an address of our own: nobody's cache changes to
	// our disadvantage by it.
	ask(addr netip.Addr) error
	// askAs asks with an address of our own, to everybody or, with a known
	// hardware address, to its owner alone.
	askAs(sender, addr netip.Addr, owner net.HardwareAddr) error
	// speakAs is where announce and answer say that addresses are from now on; the
	// link passes frames for it meanwhile. By one goroutine at a time.
	speakAs(hwAddr) error
	// announce that addr is here, in as many frames as it returns.
	announce(addr netip.Addr) (frames int, err error)
	// answer a question that was heard, where the kernel does not.
	answer(heard) error
	// read returns the next well-formed message, or the error of the socket, such
	// as os.ErrDeadlineExceeded.
	read() (heard, error)
	readUntil(time.Time) error
	// waiting returns the next well-formed message that was received, if there is
	// one, without waiting for it; also beside read, by one goroutine.
	waiting() (heard, bool)
	close() error
}

// heard is a message about who has an address.
type heard struct {
	claims netip.Addr       // the sender says that it is his; unspecified: none
	mac    net.HardwareAddr // where he says it is
	reply  bool             // he tells, rather than asks
	toAll  bool             // a reply of Neighbour Discovery to all nodes
	// question is a solicitation of Neighbour Discovery, which is to be answered
	// here; ARP's are the kernel's to answer, and leave it zero.
	question ndMessage
}

// interest is in messages of who claims one of addrs, or in their answers alone. More
// than maxAbout are as good as all there are.
type interest struct {
	addrs   []netip.Addr
	answers bool
}

// openNeighbours for the family of the addresses, one at least, to hear of them.
func openNeighbours(link string, in interest) (c neighbours, err error) {
	if in.addrs[0].Is4() {
		c, err = asNeighbours(openARP(link))
	} else {
		c, err = asNeighbours(openND(link))
	}
	if err != nil {
		return nil, err
	}
	if err := c.about(in); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// asNeighbours keeps a nil pointer from becoming a non-nil interface.
func asNeighbours[T neighbours](c T, err error) (neighbours, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ethernetLink is an interface with a hardware address.
type ethernetLink struct {
	link  string
	index int
	mac   net.HardwareAddr
	ifi   *net.Interface
}

func (l ethernetLink) on() ethernetLink { return l }

func ethernetLinkOf(link string) (ethernetLink, error) {
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return ethernetLink{}, err
	}
	if len(ifi.HardwareAddr) != 6 {
		return ethernetLink{}, fmt.Errorf("it is no Ethernet interface")
	}
	return ethernetLink{link, ifi.Index, ifi.HardwareAddr, ifi}, nil
}

// attachFilter lets through what rest does, but no frames of a VLAN: they arrive
// here with the tag taken off, and are another link's.
func attachFilter(c *packet.Conn, rest []bpf.Instruction) error {
	f, err := bpf.Assemble(append([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}, rest...))
	if err != nil {
		return err
	}
	return c.SetBPF(f)
}
