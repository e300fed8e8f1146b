package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

var update = flag.Bool("update", false, "write the golden log anew; only before a release, never after: logs in the field must replay")

// goldenLog is a log of every kind of command, some of them refused.
func goldenLog() []store.Command {
	none, ext := model.NetworkID(""), model.NetworkID("ext")
	var log []store.Command
	add := func(kind store.CommandKind, payload any) {
		log = append(log, store.Command{Kind: kind, At: at(uint64(len(log) + 1)), Actor: "u1", RequestID: "req-1", Payload: payload})
	}
	add(store.ClusterInit, initPayload())
	add(store.ClusterInit, initPayload())
	add(store.NodePut, &model.Node{ID: "n2", Name: "two", Kind: model.DataNode, API: "10.0.0.3:9876", Cluster: "10.0.0.3:9877", Addresses: prefixes("10.0.0.3/24")})
	add(store.NodePut, &model.Node{ID: "n3", Name: "three", Kind: model.Witness})
	add(store.NodeRemove, &store.NodeRef{ID: "n3"})
	add(store.NetworkCreate, &model.Network{ID: "net", Record: model.Record{Project: "p1", Name: "private"}, AdminStateUp: true, MTU: 1500})
	add(store.NetworkCreate, &model.Network{ID: "ext", External: true, ProviderType: "flat", PhysicalNetwork: "eth1"})
	add(store.NetworkCreate, &model.Network{ID: "gone"})
	add(store.NetworkUpdate, &store.NetworkPatch{ID: "net", RecordPatch: store.RecordPatch{Description: ptr("where the servers are"), Tags: ptr([]string{"a", "b"})}})
	add(store.NetworkUpdate, &store.NetworkPatch{ID: "net", RecordPatch: store.RecordPatch{AddTag: "c", Match: uint64(len(log))}})
	add(store.NetworkUpdate, &store.NetworkPatch{ID: "net", RecordPatch: store.RecordPatch{DropTag: "a", Match: 1}})
	add(store.NetworkUpdate, &store.NetworkPatch{ID: "net", RecordPatch: store.RecordPatch{DropTag: "a"}})
	add(store.SubnetCreate, subnet("sub", "net", "10.0.0.0/24", "10.0.0.1"))
	add(store.SubnetCreate, subnet("six", "net", "2001:db8::/64", "2001:db8::1"))
	add(store.SubnetCreate, subnet("pub", "ext", "192.0.2.0/24", "192.0.2.1"))
	add(store.SubnetCreate, subnet("overlap", "net", "10.0.0.0/25", ""))
	add(store.SubnetCreate, subnet("back", "net", "10.1.0.0/24", ""))
	add(store.SubnetUpdate, &store.SubnetPatch{ID: "back", Gateway: ptr(addr("10.1.0.0")), RecordPatch: store.RecordPatch{Name: ptr("refused")}})
	add(store.SubnetUpdate, &store.SubnetPatch{ID: "back", DNSNameservers: ptr(addrs("9.9.9.9"))})
	add(store.SubnetDelete, &store.SubnetRef{ID: "back"})
	add(store.NetworkDelete, &store.NetworkRef{ID: "gone"})
	add(store.PortCreate, &model.Port{ID: "port", Network: "net", MAC: "fa:16:3e:00:00:09", FixedIPs: []model.FixedIP{{Subnet: "sub"}, {Address: addr("2001:db8::9")}}})
	add(store.PortCreate, &model.Port{ID: "port2", Network: "net"})
	add(store.PortUpdate, &store.PortPatch{ID: "port", RecordPatch: store.RecordPatch{Name: ptr("mine")}})
	add(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{
		Group: model.SecurityGroup{ID: "g1", Record: model.Record{Project: "p1", Name: "default"}, Default: true},
		Rules: []model.SecurityGroupRule{{ID: "r1", Group: "g1", RemoteGroup: "g1"}, {ID: "r2", Group: "g1", Egress: true, IPv6: true}},
	})
	add(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{Group: model.SecurityGroup{ID: "g2", Record: model.Record{Project: "p1"}, Default: true}})
	add(store.SecurityGroupCreate, &store.SecurityGroupCreatePayload{Group: model.SecurityGroup{ID: "g3"}})
	add(store.SecurityGroupUpdate, &store.SecurityGroupPatch{ID: "g3", Stateless: ptr(true), RecordPatch: store.RecordPatch{Name: ptr("web")}})
	add(store.SecurityGroupRuleCreate, &model.SecurityGroupRule{ID: "r3", Group: "g3", Protocol: "tcp", PortMin: ptr(80), PortMax: ptr(90), RemotePrefix: prefixes("192.0.2.0/24")[0]})
	add(store.SecurityGroupRuleCreate, &model.SecurityGroupRule{ID: "r4", Group: "g3", RemoteGroup: "g1"})
	add(store.SecurityGroupRuleUpdate, &store.SecurityGroupRulePatch{ID: "r3", RecordPatch: store.RecordPatch{Description: ptr("d")}})
	add(store.SecurityGroupRuleDelete, &store.SecurityGroupRuleRef{ID: "r4"})
	add(store.PortUpdate, &store.PortPatch{
		ID: "port2", FixedIPs: &[]model.FixedIP{{Subnet: "sub", Address: addr("10.0.0.200")}}, SecurityGroups: &[]model.SecurityGroupID{"g1", "g3"},
		AddressPairs: &[]model.AddressPair{{Address: prefixes("10.0.0.7/32")[0], Text: "10.0.0.7"}}, DeviceID: ptr("vm"), DeviceOwner: ptr("compute:nova"), Profile: ptr("{}"),
	})
	add(store.SecurityGroupDelete, &store.SecurityGroupRef{ID: "g3"})
	add(store.PortDelete, &store.PortRef{ID: "port2"})
	add(store.SecurityGroupDelete, &store.SecurityGroupRef{ID: "g3"})
	add(store.SecretCreate, &model.Secret{ID: "cert", Record: model.Record{Project: "p1", Name: "certificate"}, Creator: "u1", Type: "certificate", ContentType: "text/plain", Sealed: []byte{1, 2, 3}})
	add(store.SecretCreate, &model.Secret{ID: "key", Record: model.Record{Project: "p1"}, Type: "private", Algorithm: "rsa", BitLength: 2048, Mode: "cbc", Expires: at(1000)})
	add(store.SecretUpdate, &store.SecretPatch{ID: "key", Sealed: []byte{4}, ContentType: "application/octet-stream"})
	add(store.SecretUpdate, &store.SecretPatch{ID: "key", Sealed: []byte{5}, ContentType: "text/plain"})
	add(store.SecretUpdate, &store.SecretPatch{ID: "key", AccessPatch: store.AccessPatch{ACL: &store.ACLPatch{Users: &[]model.UserID{"u2"}, ProjectAccess: ptr(false)}}})
	add(store.SecretUpdate, &store.SecretPatch{ID: "cert", AccessPatch: store.AccessPatch{AddConsumer: &model.Consumer{Service: "octavia", ResourceType: "listener", ResourceID: "l1"}}})
	add(store.ContainerCreate, &model.Container{ID: "tls", Record: model.Record{Project: "p1"}, Type: "certificate", Secrets: []model.SecretRef{{Name: "certificate", Secret: "cert"}, {Name: "private_key", Secret: "key"}}})
	add(store.ContainerCreate, &model.Container{ID: "bag", Record: model.Record{Project: "p1"}, Type: "generic"})
	add(store.ContainerUpdate, &store.ContainerPatch{ID: "bag", AddSecret: &model.SecretRef{Name: "k", Secret: "key"}})
	add(store.ContainerUpdate, &store.ContainerPatch{ID: "bag", AccessPatch: store.AccessPatch{AddConsumer: &model.Consumer{Project: "p1", Name: "n", URL: "http://x/"}}})
	add(store.SecretDelete, &store.SecretDeletePayload{ID: "cert"})
	add(store.SecretDelete, &store.SecretDeletePayload{ID: "key", Force: true})
	add(store.ContainerDelete, &store.ContainerRef{ID: "bag"})
	add(store.RouterCreate, &store.RouterCreatePayload{Router: model.Router{ID: "router", External: "ext"}, GatewayPort: model.Port{ID: "gw"}})
	add(store.RouterUpdate, &store.RouterPatch{ID: "router", External: &none})
	add(store.RouterUpdate, &store.RouterPatch{ID: "router", External: &ext, GatewayPort: model.Port{ID: "gw2"}})
	add(store.RouterAttach, &store.RouterAttachPayload{Router: "router", Subnet: "sub", Port: model.Port{ID: "if"}})
	add(store.RouterAttach, &store.RouterAttachPayload{Router: "router", Subnet: "six", Port: model.Port{ID: "if6"}})
	add(store.RouterDetach, &store.RouterDetachPayload{Router: "router", Subnet: "six"})
	add(store.RouterCreate, &store.RouterCreatePayload{Router: model.Router{ID: "router2"}})
	add(store.RouterDelete, &store.RouterRef{ID: "router2"})

	both := lb("lb1")
	both.LoadBalancer.AdditionalVIPs = []model.VIP{{Subnet: "six", Address: addr("2001:db8::7"), Text: "2001:DB8::7"}}
	add(store.LoadBalancerCreate, both)
	adopted := lb("lb2")
	adopted.LoadBalancer.VIP = model.VIP{Port: "port", Subnet: "sub"}
	add(store.LoadBalancerCreate, adopted)
	add(store.LoadBalancerUpdate, &store.LoadBalancerPatch{ID: "lb2", Name: ptr("second"), Tags: ptr([]string{"t"})})
	add(store.FloatingIPCreate, &store.FloatingIPCreatePayload{FloatingIP: model.FloatingIP{ID: "fip", Network: "ext", Port: "vip-lb1"}})
	add(store.FloatingIPCreate, &store.FloatingIPCreatePayload{FloatingIP: model.FloatingIP{ID: "fip2", Network: "ext", Address: addr("192.0.2.9")}})
	add(store.FloatingIPUpdate, &store.FloatingIPPatch{ID: "fip2", Port: ptr(model.PortID("port")), RecordPatch: store.RecordPatch{Description: ptr("d")}})
	add(store.FloatingIPDelete, &store.FloatingIPRef{ID: "fip2"})
	l := listener("l1", "lb1", 80)
	l.InsertHeaders = map[string]string{"X-Forwarded-For": "true"}
	l.AllowedCIDRs = prefixes("192.0.2.0/24", "2001:db8::/32")
	add(store.ListenerCreate, l)
	add(store.ListenerCreate, listener("l2", "lb1", 80))
	add(store.ListenerCreate, listener("l3", "lb1", 81))
	add(store.PoolCreate, pool("p1", "", "l1"))
	add(store.PoolCreate, pool("p2", "lb1", ""))
	add(store.MemberCreate, member("m1", "p1", "10.0.0.6"))
	add(store.MemberCreate, member("m2", "p1", "10.0.0.3"))
	add(store.MemberCreate, member("m3", "p1", "10.0.0.3"))
	add(store.MonitorCreate, monitor("h1", "p1"))
	add(store.MonitorCreate, monitor("h2", "p2"))
	add(store.SettleKind, &store.Settle{Index: uint64(len(log)) - 1, Failures: []model.Failure{{Object: "l3", Reason: "n1: bind: in use"}}})
	add(store.ListenerUpdate, &store.ListenerPatch{ID: "l3", DefaultPool: ptr(model.PoolID("p2")), ConnectionLimit: ptr(10)})
	add(store.PoolUpdate, &store.PoolPatch{ID: "p1", Algorithm: ptr(model.SourceIP), Persistence: &store.PersistenceOverride{Value: &model.Persistence{Type: "SOURCE_IP"}}})
	add(store.MemberUpdate, &store.MemberPatch{ID: "m2", Pool: "p1", Weight: ptr(0), MonitorAddress: ptr(addr("10.0.0.4")), MonitorPort: ptr(uint16(81))})
	add(store.MonitorUpdate, &store.MonitorPatch{ID: "h1", Delay: ptr(1), ExpectedCodes: ptr("200-204")})
	add(store.SettleKind, &store.Settle{Index: uint64(len(log))})
	add(store.QuotaUpdate, &store.QuotaPatch{Project: "p", Limits: map[model.QuotaClass]*int{model.QuotaMember: ptr(3), model.QuotaPool: nil}})
	add(store.MemberCreate, member("m4", "p1", "10.0.0.44"))
	add(store.QuotaReset, &store.QuotaRef{Project: "p"})
	add(store.TreeCreate, tree()) // refused: lb1 is there
	add(store.TreeCreate, treeNamed("g"))
	add(store.LoadBalancerRenew, &store.LoadBalancerRef{ID: "glb1"})
	batch := batchOf(false, member("b1", "", "10.0.0.6"), member("b2", "", "10.0.0.50"))
	batch.Pool = "gp1"
	add(store.MemberBatch, batch)
	web, ca := keyUUID("a"), keyUUID("b")
	for _, id := range []string{web, ca} {
		add(store.SecretCreate, &model.Secret{ID: model.SecretID(id), Type: "opaque", ContentType: "application/octet-stream", Sealed: []byte{9}})
	}
	tls := listener("tls", "lb1", 443)
	tls.Protocol = model.TerminatedHTTPS
	add(store.ListenerCreate, tls)
	tls.TLS = &model.ListenerTLS{
		Certificate: "http://n1/key-manager/v1/secrets/" + web, SNI: []string{web}, ClientAuth: "MANDATORY", ClientCA: ca,
		Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", Versions: []string{"TLSv1.3"}, ALPN: []string{"http/1.1"}, HSTSMaxAge: ptr(0), HSTSPreload: true,
	}
	add(store.ListenerCreate, tls)
	add(store.ListenerUpdate, &store.ListenerPatch{ID: "tls", TLS: &store.ListenerTLSPatch{ClientCA: ptr(""), ClientAuth: ptr("NONE"), HSTSMaxAge: &store.IntOverride{}}})
	add(store.PoolUpdate, &store.PoolPatch{ID: "p1", TLS: &store.PoolTLSPatch{Enabled: ptr(true), CA: &ca, CRL: ptr("")}})
	add(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(ca), Force: true})
	add(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "p1"})
	add(store.MonitorDelete, &store.MonitorRef{ID: "h1"})
	add(store.ListenerDelete, &store.ListenerRef{ID: "l1"})
	add(store.SettleKind, &store.Settle{Index: uint64(len(log))})
	add(store.PoolDelete, &store.PoolRef{ID: "p1"})
	add(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1"})
	add(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb2", Cascade: true})
	add(store.SettleKind, &store.Settle{Index: uint64(len(log)) - 1})
	add(store.SettingsPut, &model.Settings{Profile: model.ProfileFast})
	add(store.SettingsPut, &model.Settings{Profile: "hasty"})
	add(store.RoleChangeNote, &model.RoleChange{Term: 7, Node: "n2", Name: "two", At: at(7), Why: "n1 was silent", Previous: "n1", GapMS: 41})
	add(store.RoleChangeNote, &model.RoleChange{Term: 7, Node: "n3"})
	goldenIdentity(add)
	l7Log(add)
	flavorLog(add)
	spreadLog(add)
	add(store.NodePut, &model.Node{ID: "n4", Name: "four", Kind: model.Spare})
	add(store.NodeReplace, &store.NodeReplacement{Lost: "n2", By: "n4"})
	add(store.NodeReplace, &store.NodeReplacement{Lost: "n2", By: "n4"})
	add(store.SpreadNote, &store.SpreadNotePayload{Version: 1, Changes: []model.SpreadChange{{
		Version: 1, At: at(1), From: "n2", FromName: "two", To: "n1", ToName: "one", Count: 9, LoadBalancers: []model.LoadBalancerID{"lb7"}, Why: "silent",
	}}})
	for _, d := range []model.Dismissal{{Node: "n4", LoadBalancer: "lb7"}, {Node: "n1", LoadBalancer: "lb7"}, {Node: "n9", LoadBalancer: "lb7"}, {Node: "n1", LoadBalancer: "none"}} {
		add(store.AmphoraDismiss, &d)
	}
	add(store.AmphoraRestore, &store.NodeRef{ID: "n4"})
	add(store.AmphoraRestore, &store.NodeRef{ID: "n9"})
	metadataLog(add)
	extraLog(add)
	for _, n := range []int{1, -2} {
		add(store.NetworkQuotaUpdate, &store.QuotaPatch{Project: "pq", Limits: map[model.QuotaClass]*int{model.QuotaNetwork: &n, model.QuotaPort: nil}})
	}
	add(store.NetworkCreate, &model.Network{ID: "q1", Record: model.Record{Project: "pq"}})
	add(store.NetworkCreate, &model.Network{ID: "q2", Record: model.Record{Project: "pq"}})
	add(store.NetworkQuotaUpdate, &store.QuotaPatch{Project: "pr", Limits: map[model.QuotaClass]*int{model.QuotaRouter: ptr(5)}})
	add(store.NetworkQuotaReset, &store.QuotaRef{Project: "pr"})
	add(store.NetworkQuotaReset, &store.QuotaRef{Project: "pr"})
	return log
}

// metadataLog is about what is noted beside a secret.
func metadataLog(add func(kind store.CommandKind, payload any)) {
	add(store.SecretCreate, &model.Secret{ID: "noted", Record: model.Record{Project: "p1"}, Type: "opaque"})
	for _, p := range []store.SecretMetadataPatch{
		{Replace: true, All: map[string]string{"b": "2", "a": "1"}},
		{Key: "c", Value: ptr("3"), New: true},
		{Key: "c", Value: ptr("4"), New: true},
		{Key: "a", Value: ptr("5")},
		{Key: "b"},
		{Key: "none"},
	} {
		p.ID = "noted"
		add(store.SecretMetadata, &p)
	}
	add(store.SecretMetadata, &store.SecretMetadataPatch{ID: "none", Replace: true})
}

// extraLog is about attributes of a client's own.
func extraLog(add func(kind store.CommandKind, payload any)) {
	e := func(name, value string) model.Extra { return model.Extra{name: []byte(value)} }
	for _, p := range []store.DirectoryPut{
		{Domain: &model.Domain{ID: "dx", Record: model.Record{Name: "x"}, Enabled: true, Extra: e("a", `1`)}},
		{DomainPatch: &store.DomainPatch{ID: "dx", Extra: e("b", `null`)}},
		{Project: &model.Project{ID: "px", Record: model.Record{Name: "x"}, Domain: "dx", Extra: e("a", `{"b":[1]}`)}},
		{ProjectPatch: &store.ProjectPatch{ID: "px", Name: ptr("y"), Extra: e("a", `2`)}},
		{User: &model.User{ID: "ux", Record: model.Record{Name: "x"}, Domain: "dx", Extra: e("a", `"b"`)}},
		{UserPatch: &store.UserPatch{ID: "ux", Email: ptr("x@example.com"), Extra: e("c", `true`)}},
		{Group: &model.Group{ID: "gx", Record: model.Record{Name: "x"}, Extra: e("a", `1.5`)}},
		{GroupPatch: &store.GroupPatch{ID: "gx", Extra: e("a", `"`+strings.Repeat("x", model.MaxExtraBytes)+`"`)}},
		{},
	} {
		add(store.DirectoryWrite, &p)
	}
}

// spreadLog is about the table of Spread.
func spreadLog(add func(kind store.CommandKind, payload any)) {
	add(store.LoadBalancerCreate, &store.LoadBalancerCreatePayload{LoadBalancer: model.LoadBalancer{ID: "lb7", VIP: model.VIP{Subnet: "sub"}}, NewPort: model.Port{ID: "vip7"}})
	add(store.SpreadPut, &store.SpreadPayload{On: true, Holder: "n1"})
	add(store.SpreadPut, &store.SpreadPayload{Base: 1, Moves: []store.SpreadMove{{LoadBalancer: "lb7", Node: "n2"}}})
}

// flavorLog is about flavors, availability zones and their profiles.
func flavorLog(add func(kind store.CommandKind, payload any)) {
	add(store.FlavorProfileCreate, &model.FlavorProfile{ID: "fp", Name: "n", Provider: "octavia", FlavorData: model.FlavorData{Text: "{}"}})
	add(store.FlavorProfileUpdate, &store.FlavorProfilePatch{ID: "fp", Data: &model.FlavorData{Text: `{"loadbalancer_topology":"SINGLE"}`, Topology: model.TopologySingle}})
	add(store.FlavorCreate, &model.Flavor{ID: "f1", Name: "small", Enabled: true, Profile: "fp"})
	add(store.FlavorCreate, &model.Flavor{ID: "f2", Name: "small", Profile: "fp"})
	add(store.FlavorCreate, &model.Flavor{ID: "f2", Name: "big", Profile: "fp"})
	add(store.FlavorUpdate, &store.FlavorPatch{ID: "f2", Description: ptr("d")})
	add(store.FlavorProfileDelete, &store.FlavorProfileRef{ID: "fp"})
	add(store.ZoneProfileCreate, &model.ZoneProfile{ID: "zp", Name: "n", Provider: "lbd", ZoneData: model.ZoneData{Text: "{}"}})
	add(store.ZoneProfileUpdate, &store.ZoneProfilePatch{ID: "zp", Name: ptr("m"), Data: &model.ZoneData{Text: "{}", VIPNetworks: []model.NetworkID{"net"}}})
	add(store.ZoneCreate, &model.AvailabilityZone{Name: "z1", Enabled: true, Profile: "zp"})
	add(store.ZoneCreate, &model.AvailabilityZone{Name: "z2", Profile: "zp"})
	add(store.ZoneUpdate, &store.ZonePatch{Name: "z2", Description: ptr("d")})
	for _, x := range []struct {
		flavor model.FlavorID
		zone   model.ZoneName
	}{{"f2", ""}, {"none", ""}, {"f1", "none"}, {"f1", "z2"}, {"f1", "z1"}} {
		n := lb("lb8")
		n.LoadBalancer.Provider, n.LoadBalancer.Flavor, n.LoadBalancer.AvailabilityZone = "", x.flavor, x.zone
		add(store.LoadBalancerCreate, n)
	}
	add(store.FlavorDelete, &store.FlavorRef{ID: "f1"})
	add(store.FlavorDelete, &store.FlavorRef{ID: "f2"})
	add(store.ZoneDelete, &store.ZoneRef{Name: "z1"})
	add(store.ZoneDelete, &store.ZoneRef{Name: "z2"})
	add(store.ZoneProfileDelete, &store.ZoneProfileRef{ID: "zp"})
}

// l7Log is about policies and rules.
func l7Log(add func(kind store.CommandKind, payload any)) {
	add(store.LoadBalancerCreate, lb("lb7"))
	add(store.ListenerCreate, listener("l7", "lb7", 80))
	add(store.PoolCreate, pool("p7", "lb7", ""))
	add(store.L7PolicyCreate, policy("reject", "l7"))
	add(store.L7PolicyCreate, toPool("to", "l7", "p7"))
	url := policy("url", "l7")
	url.Action, url.RedirectURL, url.RedirectCode, url.Position = model.L7RedirectURL, "https://example.com/", 301, 1
	add(store.L7PolicyCreate, url)
	add(store.L7PolicyCreate, toPool("nowhere", "l7", "none"))
	add(store.L7RuleCreate, rule("r1", "to"))
	header := rule("r2", "to")
	header.Type, header.Compare, header.Key, header.Value, header.Invert = model.L7Header, model.L7Regex, "X-A", "^b", true
	add(store.L7RuleCreate, header)
	add(store.L7RuleUpdate, &store.L7RulePatch{ID: "r1", Policy: "to", Match: &store.L7Match{Type: model.L7HostName, Compare: model.L7EqualTo, Value: "a"}, Tags: ptr([]string{"t"})})
	add(store.L7RuleDelete, &store.L7RuleRef{ID: "r2", Policy: "to"})
	add(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "to", Position: ptr(1), Name: ptr("first")})
	add(store.L7PolicyUpdate, &store.L7PolicyPatch{ID: "reject", Action: ptr(model.L7RedirectPrefix), RedirectPrefix: ptr("http://example.com")})
	add(store.PoolDelete, &store.PoolRef{ID: "p7"})
	add(store.L7PolicyDelete, &store.L7PolicyRef{ID: "url"})
	add(store.SettleKind, &store.Settle{Index: 1 << 40})
}

// Entries written by version 1 replay to the snapshot they made then: old
// logs in the field must give the same state on every later version.
func TestGoldenLog(t *testing.T) {
	dir := filepath.Join("testdata", "log", "v1")
	entriesFile, sumFile := filepath.Join(dir, "entries"), filepath.Join(dir, "snapshot.sha256")
	if *update {
		var b bytes.Buffer
		for _, cmd := range goldenLog() {
			e, err := cmd.Encode()
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(e, '\n')) // JSON has no line breaks of its own
		}
		write(t, entriesFile, b.Bytes())
	}
	raw, err := os.ReadFile(entriesFile)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New()
	entries := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	kinds := map[store.CommandKind]bool{}
	var outcomes strings.Builder
	for i, e := range entries {
		cmd, err := store.Decode(e)
		if err != nil {
			t.Fatalf("entry %d: %v", i+1, err)
		}
		kinds[cmd.Kind] = true
		if err := s.Apply(uint64(i+1), cmd); err != nil {
			outcomes.WriteString(string(cmd.Kind) + ": " + err.Error() + "\n")
		}
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	for kind := range generators {
		if !kinds[kind] {
			t.Errorf("no entry of kind %s", kind)
		}
	}
	sum := sha256.Sum256(snapshotOf(t, s))
	got := hex.EncodeToString(sum[:]) + "\n" + outcomes.String()
	if *update {
		write(t, sumFile, []byte(got))
	}
	want, err := os.ReadFile(sumFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the log replays to\n%s\nwant\n%s", got, want)
	}
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
