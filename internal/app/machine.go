package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"lbd/api/keystone"
	"lbd/store/model"
	"lbd/vrrp"
)

// claimMachine takes the API port and checks what holding VIPs needs. A process that
// takes over from another one waits here until it may.
func (n *node) claimMachine(ctx context.Context) error {
	if n.managesVIPs() {
		if err := n.openVIPParts(); err != nil {
			return err
		}
	}
	if err := n.openKeystone(); err != nil {
		return err
	}
	if n.pred != nil {
		if err := n.pred.await(ctx); err != nil {
			return err
		}
		l, err := n.pred.listener(useAdmin)
		if err != nil {
			return err
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(true)
			n.adminListener = u
		}
	}
	if n.holder == nil && n.managesVIPs() {
		var err error
		if n.holder, err = n.openHolder(); err != nil {
			return fmt.Errorf("cannot hold VIPs: %w; or start with --no-vip", err)
		}
	}
	return n.listenAPI()
}

// openHolder starts a VIP holder, or makes ready for that of the process before.
func (n *node) openHolder() (*vrrp.Holder, error) {
	cfg := vrrp.HolderConfig{Log: n.log.With("part", "holder")}
	if n.pred != nil && n.pred.begin.Holder != 0 {
		return vrrp.NewHolder(cfg)
	}
	return vrrp.StartHolder(cfg)
}

func (n *node) listenAPI() error {
	var l net.Listener
	var err error
	if n.pred != nil {
		if l, err = n.pred.listener(useAPI); err != nil {
			return err
		}
	}
	if l == nil {
		l, err = net.Listen("tcp", n.cfg.API)
	}
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("API port %s is taken by another process: stop it, or choose another port with --api", n.cfg.API)
		}
		return fmt.Errorf("API port %s: %w", n.cfg.API, cause(err))
	}
	n.apiListener, n.apiAddr = l, l.Addr().String()
	return nil
}

func (n *node) openKeystone() error {
	if n.cfg.KeystoneURL == "" {
		return nil
	}
	cfg := keystone.Config{URL: n.cfg.KeystoneURL, Log: n.log, Registry: n.reg}
	var err error
	if n.cfg.KeystoneCA != "" {
		if cfg.CA, err = os.ReadFile(n.cfg.KeystoneCA); err != nil {
			return fmt.Errorf("--keystone-ca: %w", err)
		}
	}
	if n.keystone, err = keystone.New(cfg); err != nil {
		return fmt.Errorf("--keystone-url: %w", err)
	}
	return nil
}

func (n *node) managesVIPs() bool { return !n.cfg.NoVIP && n.cfg.Kind() != model.Witness }

func (n *node) openVIPParts() (err error) {
	n.iface = n.cfg.Interface
	if n.iface == "" {
		if n.iface, err = vrrp.DefaultInterface(); err != nil {
			return fmt.Errorf("no interface for VIPs: %w; name one with --interface, or start with --no-vip", err)
		}
	}
	if err := vrrp.Check(n.iface); err != nil {
		return fmt.Errorf("cannot hold VIPs: %w; or start with --no-vip", err)
	}
	if n.links, err = vrrp.NewLinkWatch(n.log); err != nil {
		return fmt.Errorf("watch links: %w", err)
	}
	n.arbiter = newArbiter(n.cfg.Arbiters, n.links, n.log)
	return nil
}

// apiAdvertise is where clients and joining nodes reach this node's API.
func (n *node) apiAdvertise() string {
	host := n.cfg.Advertise
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, port, err := net.SplitHostPort(n.apiAddr)
	if err != nil || host == "" {
		return n.apiAddr
	}
	return net.JoinHostPort(host, port)
}

// cause strips the "listen tcp :9876" of the net package down to the reason.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if sys, ok := errors.AsType[*os.SyscallError](op.Err); ok {
			return sys.Err
		}
		return op.Err
	}
	return err
}

// ownAddresses are the machine's addresses: never handed out as VIPs.
func (n *node) ownAddresses() []netip.Prefix {
	addrs, err := vrrp.InterfaceAddrs(vrrp.DefaultDevice)
	if err != nil {
		n.log.Warn("read own addresses", "err", err)
	}
	return addrs
}
