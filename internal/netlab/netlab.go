// Package netlab builds small networks out of network namespaces: switches,
// hosts, links. The demo and the end-to-end tests use it; the product does not.
//
// Everything is made with the `ip` command, so that each step can be shown and
// repeated by hand. Nothing outside the namespaces is touched, and Close ends
// the processes in them and removes them.
package netlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Lab is one network. Its namespaces are named PREFIX-NAME.
type Lab struct {
	prefix string
	trace  func(command string)
	hosts  map[string]*Host
	links  int
}

// Host is one namespace.
type Host struct {
	lab  *Lab
	Name string
}

// New makes an empty network: one namespace that holds the switches. trace, when
// not nil, is told each command before it runs. A leftover of an interrupted
// run with the same prefix is removed first.
func New(prefix string, trace func(string)) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, errors.New("the ip command is missing (Debian: iproute2)")
	}
	l := &Lab{prefix: prefix, trace: trace, hosts: map[string]*Host{}}
	l.sweep()
	if _, err := l.Host("sw"); err != nil {
		return nil, err
	}
	return l, nil
}

// Host makes a namespace with loopback up.
func (l *Lab) Host(name string) (*Host, error) {
	h := &Host{l, name}
	if err := l.ip("netns", "add", h.NS()); err != nil {
		return nil, err
	}
	l.hosts[name] = h
	return h, h.ip("link", "set", "lo", "up")
}

// NS is the namespace's name as `ip netns` knows it.
func (h *Host) NS() string { return h.lab.prefix + "-" + h.Name }

// Switch makes a bridge. gateway, when not empty, is an address (with prefix
// length) that the bridge itself answers for: a stand-in for the router.
func (l *Lab) Switch(name, gateway string) error {
	sw := l.hosts["sw"]
	if err := sw.ip("link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"); err != nil {
		return err
	}
	if gateway != "" {
		if err := sw.ip("addr", "add", gateway, "dev", name); err != nil {
			return err
		}
	}
	return sw.ip("link", "set", name, "up")
}

// Plug connects the host to a switch with a device of that name.
func (h *Host) Plug(sw, addr, dev string) error {
	l := h.lab
	l.links++
	port := "p" + strconv.Itoa(l.links) + "-" + h.Name
	if err := l.ip("link", "add", port, "netns", l.hosts["sw"].NS(), "type", "veth", "peer", "name", dev, "netns", h.NS()); err != nil {
		return err
	}
	if err := l.hosts["sw"].ip("link", "set", port, "master", sw, "up"); err != nil {
		return err
	}
	if err := h.ip("link", "set", dev, "up"); err != nil {
		return err
	}
	return h.ip("addr", "add", addr, "dev", dev)
}

// Address adds an address (with prefix length) to a device, usable at once.
func (h *Host) Address(addr, dev string) error {
	args := []string{"addr", "add", addr, "dev", dev}
	if strings.Contains(addr, ":") {
		args = append(args, "nodad")
	}
	return h.ip(args...)
}

// Route adds a route: Route("default", "10.0.0.1").
func (h *Host) Route(dst, via string) error { return h.ip("route", "add", dst, "via", via) }

// Command prepares a command inside the host's namespace, in a process group of
// its own. The process dies with this one.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.NS(), name}, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	return c
}

// Run runs a command inside the host and returns what it printed; an error
// holds the output too.
func (h *Host) Run(ctx context.Context, name string, args ...string) (string, error) {
	var out, errs strings.Builder
	c := h.Command(ctx, name, args...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%s on %s: %w: %s%s", name, h.Name, err, errs.String(), out.String())
	}
	return out.String(), nil
}

// Pids lists the processes that live in the host's namespace: all of them were
// started there by us, as the lab made the namespace.
func (h *Host) Pids() []int { return pidsIn(h.NS()) }

// Close ends what runs in the lab's namespaces and removes them.
func (l *Lab) Close() error { return l.sweep() }

func (l *Lab) sweep() error {
	paths, _ := filepath.Glob("/run/netns/" + l.prefix + "-*")
	var errs []error
	for _, p := range paths {
		ns := filepath.Base(p)
		for range 50 { // a process that just forked may need a second look
			pids := pidsIn(ns)
			if len(pids) == 0 {
				break
			}
			for _, pid := range pids {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("remove namespace %s: %w: %s", ns, err, out))
		}
	}
	return errors.Join(errs...)
}

func (h *Host) ip(args ...string) error { return h.lab.ip(append([]string{"-n", h.NS()}, args...)...) }

func (l *Lab) ip(args ...string) error {
	if l.trace != nil {
		l.trace("ip " + strings.Join(args, " "))
	}
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// pidsIn lists the processes whose network namespace is ns.
func pidsIn(ns string) []int {
	var want syscall.Stat_t
	if syscall.Stat("/run/netns/"+ns, &want) != nil {
		return nil
	}
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	var pids []int
	for {
		names, err := dir.Readdirnames(256)
		for _, n := range names {
			pid, err := strconv.Atoi(n)
			if err != nil {
				continue
			}
			var st syscall.Stat_t
			if syscall.Stat("/proc/"+n+"/ns/net", &st) == nil && st.Ino == want.Ino && st.Dev == want.Dev {
				pids = append(pids, pid)
			}
		}
		if err == io.EOF || err != nil {
			return pids
		}
	}
}
