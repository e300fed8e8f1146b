package app

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"lbd/api/keystone"
	"lbd/dataplane/accesslog"
	"lbd/internal/flagenv"
	"lbd/internal/handover"
	"lbd/store/model"
	"lbd/vrrp"
)

// Config holds the node-local facts; all else is in the replicated store.
type Config struct {
	DataDir   string
	Name      string
	API       string // listen address, host:port
	Cluster   string // listen address, host:port
	Advertise string // address the peers use, no port; "" = find

	Join      []string
	Token     string
	TokenFile string
	Witness   bool
	Spare     bool
	// ReplaceAfter: see raft.Config.
	ReplaceAfter time.Duration

	Arbiters  []netip.Addr
	Interface string // "" = interface of the default route
	NoVIP     bool
	// VRRP is how foreign VRRP speakers are told who is active; nil: not at all.
	// Its VRID is 0 unless it was given. Also set, and silent, for a virtual hardware
	// address alone.
	VRRP *vrrp.VRRP

	Auth              string // password, none
	AdminPasswordFile string
	AdminPassword     string
	APIPlain          bool
	// KeystoneURL is an external Keystone that knows the callers; "" = lbd does.
	KeystoneURL string
	KeystoneCA  string // file; "" = the system's

	// NodeHeader is a response header that names the node; "" = off.
	NodeHeader string
	// Detect is how long a leader may be silent before another takes over; 0: as
	// the cluster's profile says.
	Detect time.Duration

	// DrainTimeout bounds how long this process serves the connections it has, after
	// another one has taken over.
	DrainTimeout time.Duration
	// Predecessor is the process of this node that this one takes over from; nil: none.
	Predecessor *handover.Conn

	LogFormat string
	LogLevel  slog.Level
	Access    AccessConfig
}

// Defaults and bounds of Config.Detect. Below the minimum a busy host loses its
// leadership for no reason; above the maximum nobody would call it failover.
const (
	minDetect = 60 * time.Millisecond
	maxDetect = 30 * time.Second
	// minReplace is longer than any failover; nobody waits maxReplace for a machine.
	minReplace = time.Second
	maxReplace = 30 * 24 * time.Hour
	// maxDrain is longer than anybody waits for an old version to go.
	maxDrain = 30 * 24 * time.Hour
)

// ParseFlags reads the command line and the LBD_* variables.
func ParseFlags(args []string, lookup func(string) (string, bool), usage func(*flag.FlagSet)) (*Config, error) {
	c := &Config{}
	fs := flag.NewFlagSet("lbd", flag.ContinueOnError)
	fs.Usage = func() { usage(fs) }
	host, _ := os.Hostname()
	fs.StringVar(&c.DataDir, "data-dir", flagenv.DefaultDataDir(), "identity, Raft log and last good config live in `DIR`; one per node")
	fs.StringVar(&c.Name, "name", host, "node `NAME`, unique in the cluster; change it when host names repeat")
	fs.StringVar(&c.API, "api", ":9876", "`ADDR` of REST API, web UI and metrics, TLS and plain HTTP on one port")
	fs.StringVar(&c.Cluster, "cluster", ":9877", "`ADDR` for the other nodes: Raft and peer calls, mutual TLS only")
	fs.StringVar(&c.Advertise, "advertise", "", "`ADDR` the peers use for this node (default: the --cluster host, else the address of the default route's interface)")
	join := fs.String("join", "", "`PEER[,PEER]`: host, host:port or DNS name of any node's API; first start only")
	fs.StringVar(&c.Token, "token", "", "join `TOKEN` made by `lbd token`; prefer --token-file or LBD_TOKEN, which the process list does not show")
	fs.StringVar(&c.TokenFile, "token-file", "", "`FILE` that holds the join token")
	fs.BoolVar(&c.Witness, "witness", false, "vote, but never serve traffic nor hold a VIP: gives two data nodes a real quorum")
	fs.BoolVar(&c.Spare, "spare", false, "do not vote; data plane kept ready; takes the place of a data node that is lost, see --replace-after")
	fs.DurationVar(&c.ReplaceAfter, "replace-after", 2*time.Minute, "while this node leads, let a spare take the place of a data node that was silent for this `TIME`, 1s or more; 0: never")
	arbiters := fs.String("arbiter", "", "`IP[,IP]` on the data network, asked when the peer is silent and there is no witness (default: the default gateway)")
	fs.StringVar(&c.Interface, "interface", "", "`IF` for VIPs of subnets that no interface belongs to (default: interface of the default route)")
	fs.BoolVar(&c.NoVIP, "no-vip", false, "do not move addresses: for a single node on loopback, or where something else holds the VIP")
	tellVRRP := fs.String("vrrp", "off", "tell foreign VRRPv3 speakers who is active: off, multicast, or the `IP[,IP]` of speakers on a VIP's network for unicast")
	virtual := fs.Bool("virtual-mac", false, "VIPs are at the virtual MAC of a VRID, 00:00:5e:00:01:VRID for IPv4 and 02 for 01 for IPv6, not at the interface's: for clients and routers that ignore gratuitous ARP; the same on all nodes. The interface's is used with two nodes without a witness, with Spread, and where another router has the VRID")
	vrid := fs.Int("vrid", 0, "`VRID` shared with foreign speakers on purpose, 1 to 255, with --vrrp or --virtual-mac (default: one of the cluster that nobody else on the link uses)")
	fs.StringVar(&c.Auth, "auth", "password", "`MODE` password, or none: everybody is admin, only with a loopback --api")
	fs.StringVar(&c.AdminPasswordFile, "admin-password-file", "", "`FILE` with the admin's first password, read at the first start only (default: generated, printed once)")
	fs.BoolVar(&c.APIPlain, "api-plain", false, "take plain HTTP from other hosts too: passwords cross the network in clear")
	fs.StringVar(&c.KeystoneURL, "keystone-url", "", "let the Keystone at `URL` say who is asking: its tokens are taken, lbd's own users cannot log in; the same on all nodes")
	fs.StringVar(&c.KeystoneCA, "keystone-ca", "", "`FILE` with the CA certificates for --keystone-url (default: the system's)")
	fs.StringVar(&c.NodeHeader, "node-header", "", "name this node in HTTP answers through the VIP by header `NAME`, to see who answered; off by default")
	fs.DurationVar(&c.Detect, "detect", 0, "take over after the leader was silent for this `TIME`, whatever the cluster's profile (lbd profile) says; 0: as the profile says")
	fs.DurationVar(&c.DrainTimeout, "drain-timeout", time.Hour, "after a restart or an upgrade without a stop, let the old process serve its connections for at most this `TIME`, then cut them")
	fs.StringVar(&c.LogFormat, "log-format", "text", "`FORMAT` of the log on standard error: text or json")
	level := fs.String("log-level", "info", "least `LEVEL` logged: debug, info, warn or error")
	fs.StringVar(&c.Access.Dest, "access-log", "", "write a line for each request and TCP connection to `DEST`: stdout, a path (with {listener} or {loadbalancer} in it: a file for each), syslog:udp://HOST:PORT, syslog:unix:///dev/log or otlp:http://HOST:4318/v1/logs; off by default")
	fs.StringVar(&c.Access.Format, "access-log-format", "json", "`FORMAT` of these lines: json, or a template such as '{time} {client} \"{method} {path}\" {status} {end} {total_us}'")
	sample := fs.String("access-log-sample", "1", "`SHARE` of the lines that is written, 0 to 1; failures always are. A listener's tag access-log=on, =off or =SHARE counts more")
	if err := flagenv.Parse(fs, args, lookup, 0); err != nil {
		return nil, err
	}
	c.AdminPassword, _ = lookup("LBD_ADMIN_PASSWORD")
	if *join != "" {
		c.Join = strings.Split(*join, ",")
	}
	for _, a := range strings.FieldsFunc(*arbiters, func(r rune) bool { return r == ',' }) {
		ip, err := netip.ParseAddr(a)
		if err != nil {
			return nil, fmt.Errorf("--arbiter: %q is no IP address", a)
		}
		c.Arbiters = append(c.Arbiters, ip)
	}
	share, err := accesslog.ParseSample(*sample)
	if err != nil {
		return nil, fmt.Errorf("--access-log-sample: %w", err)
	}
	c.Access.Sample = share
	if c.VRRP, err = parseVRRP(*tellVRRP, *vrid, *virtual); err != nil {
		return nil, err
	}
	if err := c.LogLevel.UnmarshalText([]byte(*level)); err != nil {
		return nil, fmt.Errorf("--log-level: %q is none of debug, info, warn, error", *level)
	}
	return c, c.check()
}

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// check refuses what can't work, before anything is touched.
func (c *Config) check() error {
	if !nodeName.MatchString(c.Name) {
		return fmt.Errorf("--name: %q is not a node name: 1 to 63 letters, digits, dots, dashes or underscores", c.Name)
	}
	for name, addr := range map[string]string{"api": c.API, "cluster": c.Cluster} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("--%s: %q is not host:port", name, addr)
		}
	}
	if c.Witness && c.Spare {
		return errors.New("--witness and --spare exclude each other")
	}
	if c.Detect != 0 && c.Detect < minDetect || c.Detect > maxDetect {
		return fmt.Errorf("--detect: %s is outside %s to %s", c.Detect, minDetect, maxDetect)
	}
	if c.ReplaceAfter != 0 && c.ReplaceAfter < minReplace || c.ReplaceAfter > maxReplace {
		return fmt.Errorf("--replace-after: %s is neither 0 nor between %s and %s", c.ReplaceAfter, minReplace, maxReplace)
	}
	if c.DrainTimeout <= 0 || c.DrainTimeout > maxDrain {
		return fmt.Errorf("--drain-timeout: %s is not between 0 and %s", c.DrainTimeout, maxDrain)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return fmt.Errorf("--log-format: %q is neither text nor json", c.LogFormat)
	}
	if err := c.Access.check(); err != nil {
		return err
	}
	switch c.Auth {
	case "password":
	case "none":
		if !loopback(c.API) {
			return fmt.Errorf("--auth none needs a loopback --api, not %s: it would make everybody on the network an admin", c.API)
		}
	default:
		return fmt.Errorf("--auth: %q is neither password nor none", c.Auth)
	}
	if err := c.checkKeystone(); err != nil {
		return err
	}
	if len(c.Join) == 0 && (c.Token != "" || c.TokenFile != "") {
		return errors.New("a join token was given without --join")
	}
	return nil
}

func (c *Config) checkKeystone() error {
	if c.KeystoneURL == "" {
		if c.KeystoneCA != "" {
			return errors.New("--keystone-ca was given without --keystone-url")
		}
		return nil
	}
	u, err := keystone.ParseURL(c.KeystoneURL)
	if err != nil {
		return fmt.Errorf("--keystone-url: %w", err)
	}
	if c.Auth == "none" {
		return errors.New("--auth none and --keystone-url exclude each other")
	}
	if u.Scheme == "http" && !loopback(net.JoinHostPort(u.Hostname(), "0")) && !c.APIPlain {
		return fmt.Errorf("--keystone-url: %s would carry tokens in clear: use https, or say --api-plain", c.KeystoneURL)
	}
	return nil
}

// parseVRRP reads --vrrp, --vrid and --virtual-mac.
func parseVRRP(mode string, vrid int, virtual bool) (*vrrp.VRRP, error) {
	if vrid < 0 || vrid > 255 {
		return nil, fmt.Errorf("--vrid: %d is outside 1 to 255", vrid)
	}
	v := &vrrp.VRRP{VRID: uint8(vrid), Fixed: vrid != 0, VirtualMAC: virtual}
	switch mode {
	case "off":
		if virtual {
			v.Silent = true
			return v, nil
		}
		if vrid != 0 {
			return nil, errors.New("--vrid was given without --vrrp or --virtual-mac")
		}
		return nil, nil
	case "multicast":
		return v, nil
	}
	for _, p := range strings.Split(mode, ",") {
		ip, err := netip.ParseAddr(p)
		if err != nil || ip.IsMulticast() || ip.IsUnspecified() || ip.Zone() != "" {
			return nil, fmt.Errorf("--vrrp: %q is none of off, multicast, and addresses of VRRP speakers", mode)
		}
		v.Peers = append(v.Peers, ip)
	}
	if len(v.Peers) > vrrp.MaxVRRPPeers {
		return nil, fmt.Errorf("--vrrp: %d speakers are more than %d", len(v.Peers), vrrp.MaxVRRPPeers)
	}
	return v, nil
}

// Kind is what the node is for.
func (c *Config) Kind() model.NodeKind {
	switch {
	case c.Witness:
		return model.Witness
	case c.Spare:
		return model.Spare
	default:
		return model.DataNode
	}
}

// JoinToken is the token from wherever it was given, or "".
func (c *Config) JoinToken() (string, error) {
	if c.TokenFile == "" {
		return strings.TrimSpace(c.Token), nil
	}
	b, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read join token: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
