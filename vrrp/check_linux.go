package vrrp

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Check tells what this machine lacks for holding addresses, in one sentence,
// or nil: CAP_NET_ADMIN, CAP_NET_RAW, the eBPF gate, /dev/net/tun, a clock that
// is the kernel's own, and arp_ignore 0 on the given links (an address on another
// device is answered only then). It changes nothing.
func Check(links ...string) error {
	for _, c := range []struct {
		bit  uint
		name string
		why  string
	}{
		{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "adding addresses"},
		{unix.CAP_NET_RAW, "CAP_NET_RAW", "sending ARP"},
	} {
		ok, err := capable(c.bit)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("missing capability %s: %s needs it; run as root, or grant it to the process", c.name, c.why)
		}
	}
	if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
		return fmt.Errorf("VIPs need a TUN device (modprobe tun; in a container, --device /dev/net/tun): %w", err)
	} else if err := f.Close(); err != nil {
		return fmt.Errorf("close /dev/net/tun: %w", err)
	}
	if err := ownClock(); err != nil {
		return err
	}
	g, err := newGate(&bestHook{})
	if err != nil {
		return fmt.Errorf("the kernel's deadline for VIPs (eBPF; needs Linux 5.8, CAP_BPF or CAP_SYS_ADMIN) is not to be had: %w", err)
	}
	if err := g.Close(); err != nil {
		return fmt.Errorf("unload eBPF: %w", err)
	}
	for _, l := range links {
		if err := answersARP(l); err != nil {
			return err
		}
	}
	return nil
}

func capable(bit uint) (bool, error) {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return false, fmt.Errorf("read own capabilities: %w", err)
	}
	return d[bit/32].Effective>>(bit%32)&1 == 1, nil
}

// ownClock refuses a time namespace with offsets: the gate compares with the
// kernel's clocks, which are not the ones this process would see.
func ownClock() error {
	b, err := os.ReadFile("/proc/self/timens_offsets")
	if err != nil {
		return nil // no such namespaces in this kernel
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 3 && (f[1] != "0" || f[2] != "0") {
			return errors.New("lbd does not run in a time namespace with shifted clocks: the lease of a VIP is kept by the kernel's clock")
		}
	}
	return nil
}

// answersARP reads what the kernel uses: the greater of the link's value and that
// of all links.
func answersARP(link string) error {
	for _, conf := range []string{"all", link} {
		b, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + conf + "/arp_ignore")
		if err != nil {
			return fmt.Errorf("read arp_ignore of link %s: %w", link, err)
		}
		if v, err := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || v != 0 {
			return fmt.Errorf("net.ipv4.conf.%s.arp_ignore is %s: the kernel would not answer for VIPs on %s; set it to 0", conf, strings.TrimSpace(string(b)), link)
		}
	}
	return nil
}
