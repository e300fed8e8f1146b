package app

import (
	"flag"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"lbd/store/model"
	"lbd/vrrp"
)

func parse(args ...string) (*Config, error) {
	return ParseFlags(args, func(string) (string, bool) { return "", false }, func(*flag.FlagSet) {})
}

func TestFlagsThatCannotWorkAreRefused(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--name=a/b", `"a/b" is not a node name`},
		{"--name=", `"" is not a node name`},
		{"--api=9876", `--api: "9876" is not host:port`},
		{"--witness --spare", "exclude each other"},
		{"--auth=none", "needs a loopback --api"},
		{"--auth=maybe", "neither password nor none"},
		{"--keystone-url=keystone:5000", "--keystone-url"},
		{"--keystone-url=http://keystone.example:5000", "tokens in clear"},
		{"--keystone-url=https://keystone.example --auth=none --api=127.0.0.1:0", "exclude each other"},
		{"--keystone-ca=x", "without --keystone-url"},
		{"--token=x", "without --join"},
		{"--arbiter=gateway", "no IP address"},
		{"--detect=1ms", "outside"},
		{"--vrrp=keepalived", "none of off, multicast"},
		{"--vrrp=224.0.0.18", "none of off, multicast"},
		{"--vrrp=10.0.0.1,", "none of off, multicast"},
		{"--vrrp=multicast --vrid=256", "outside 1 to 255"},
		{"--vrid=5", "without --vrrp"},
		{"--log-level=loud", "none of debug"},
		{"--log-format=xml", "neither text nor json"},
		{"--access-log-format={nothing}", `there is no field "nothing"`},
		{"--access-log-sample=2", `"2" is not a share between 0 and 1`},
		{"stray", `unexpected argument "stray"`},
	} {
		_, err := parse(append([]string{"--name=n1"}, strings.Fields(tc.args)...)...)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("lbd %s: error %v, want one with %q", tc.args, err, tc.want)
		}
	}
}

func TestKindFollowsTheFlags(t *testing.T) {
	for args, want := range map[string]model.NodeKind{"": model.DataNode, "--witness": model.Witness, "--spare": model.Spare} {
		c, err := parse(append([]string{"--name=n1"}, strings.Fields(args)...)...)
		if err != nil || c.Kind() != want {
			t.Errorf("lbd %s: kind %v, error %v; want %s", args, c, err, want)
		}
	}
}

func TestVRRPFlags(t *testing.T) {
	for args, want := range map[string]*vrrp.VRRP{
		"":                               nil,
		"--vrrp=multicast":               {},
		"--vrrp=multicast --vrid=51":     {VRID: 51, Fixed: true},
		"--virtual-mac":                  {VirtualMAC: true, Silent: true},
		"--virtual-mac --vrid=51":        {VRID: 51, Fixed: true, VirtualMAC: true, Silent: true},
		"--virtual-mac --vrrp=multicast": {VirtualMAC: true},
		"--vrrp=10.0.0.9,fd00::9":        {Peers: []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("fd00::9")}},
	} {
		c, err := parse(append([]string{"--name=n1"}, strings.Fields(args)...)...)
		if err != nil || !reflect.DeepEqual(c.VRRP, want) {
			t.Errorf("lbd %s: %+v, error %v; want %+v", args, c.VRRP, err, want)
		}
	}
}

func TestNoAuthOnLoopbackIsAllowed(t *testing.T) {
	for _, api := range []string{"127.0.0.1:0", "[::1]:9876", "localhost:9876"} {
		if _, err := parse("--name=n1", "--auth=none", "--api="+api); err != nil {
			t.Errorf("--api %s: %v", api, err)
		}
	}
}
