package vrrp

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCheckSaysWhatIsMissing(t *testing.T) {
	n := newNetwork(t)
	node := n.host(1)
	node.do(func() error { return Check("eth0") })
	without := func(bit uint) func() error {
		return func() error { // the thread ends with the function
			h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var d [2]unix.CapUserData
			if err := unix.Capget(&h, &d[0]); err != nil {
				return err
			}
			d[0].Effective &^= 1 << bit
			if err := unix.Capset(&h, &d[0]); err != nil {
				return err
			}
			return Check()
		}
	}
	ignore := func(path string) func() error {
		return func() error {
			if err := os.WriteFile(path, []byte("1"), 0); err != nil {
				return err
			}
			defer os.WriteFile(path, []byte("0"), 0)
			return Check("eth0")
		}
	}
	for want, f := range map[string]func() error{
		"missing capability CAP_NET_ADMIN: ":   without(unix.CAP_NET_ADMIN),
		"missing capability CAP_NET_RAW: ":     without(unix.CAP_NET_RAW),
		"net.ipv4.conf.eth0.arp_ignore is 1: ": ignore("/proc/sys/net/ipv4/conf/eth0/arp_ignore"),
		"net.ipv4.conf.all.arp_ignore is 1: ":  ignore("/proc/sys/net/ipv4/conf/all/arp_ignore"),
		"read arp_ignore of link eth7: ":       func() error { return Check("eth7") },
	} {
		err := node.try(f)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// The second lbd in a network namespace is told so when it starts.
func TestDeviceThatIsTaken(t *testing.T) {
	n := newNetwork(t)
	node := n.host(1)
	node.parent()
	second, fault := node.tryParent()
	second.killed = true // it leaves with an error, as it should
	if !strings.HasPrefix(fault, "start VIP holder: device lbd0 is taken") || strings.Contains(fault, "\n") {
		t.Errorf("%q", fault)
	}
}

func TestHolderByHandAndBadCommand(t *testing.T) {
	c := exec.Command(os.Args[0], HolderCommand)
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "not by hand") {
		t.Errorf("%q, %v", out, err)
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, command := range [][]string{{"/does/not/exist"}, {"/bin/false"}} {
		start := time.Now()
		if h, err := StartHolder(HolderConfig{Command: command}); err == nil {
			h.Close()
			t.Errorf("%v: no error", command)
		}
		if time.Since(start) > startWithin/2 {
			t.Errorf("%v: waited %v", command, time.Since(start))
		}
	}
}
