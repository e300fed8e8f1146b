package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// neutronWalkthrough is the walkthrough of 2017 up to its floating IP.
var neutronWalkthrough = []step{
	{run: "net-create --provider:network_type vxlan private"},
	{run: "subnet-create --name private-subnet private 10.0.0.0/24"},
	{run: "net-create --router:external public"},
	{run: "subnet-create --name public-subnet --disable-dhcp public 203.0.113.0/24"},
	{run: "router-create router1"},
	{run: "router-gateway-set router1 public"},
	{run: "router-interface-add router1 private-subnet"},
	{run: "lbaas-loadbalancer-create --name lb1 private-subnet", keep: "lb"},
	{run: "lbaas-listener-create --loadbalancer lb1 --protocol HTTP --protocol-port 80 --name listener1", keep: "listener"},
	{run: "lbaas-pool-create --lb-algorithm ROUND_ROBIN --listener listener1 --protocol HTTP --name pool1", keep: "pool"},
	{run: "lbaas-member-create --subnet private-subnet --address 10.0.0.6 --protocol-port 80 pool1", keep: "member"},
	{run: "lbaas-member-create --subnet private-subnet --address 10.0.0.3 --protocol-port 80 pool1"},
	{run: "lbaas-healthmonitor-create --delay 5 --max-retries 4 --timeout 10 --type HTTP --url_path / --pool pool1", keep: "monitor"},
	{run: "lbaas-loadbalancer-show lb1 -f value -c provisioning_status", want: "ACTIVE"},
}

// neutronSteps are what else the client can ask, down to the last network.
var neutronSteps = []step{
	{run: "lbaas-loadbalancer-list -f value -c id -c name -c provisioning_status", want: "{lb} lb1 ACTIVE"},
	{run: "lbaas-loadbalancer-update --name lb1b --description d lb1"},
	{run: "lbaas-loadbalancer-show lb1b -f value -c name -c description -c tenant_id", want: "d lb1b {project}"},
	{run: "lbaas-loadbalancer-status lb1b"},
	{run: "lbaas-loadbalancer-stats lb1b -f value -c active_connections", want: "0"},
	{run: "lbaas-listener-list -f value -c id -c name -c protocol_port", want: "{listener} listener1 80"},
	{run: "lbaas-listener-update --name listener1b --connection-limit 50 listener1"},
	{run: "lbaas-listener-show listener1b -f value -c name -c connection_limit", want: "50 listener1b"},
	{run: "lbaas-pool-list -f value -c id -c lb_algorithm", want: "{pool} ROUND_ROBIN"},
	{run: "lbaas-pool-update --name pool1b --lb-algorithm LEAST_CONNECTIONS pool1"},
	{run: "lbaas-pool-show pool1b -f value -c name -c lb_algorithm", want: "LEAST_CONNECTIONS pool1b"},
	{run: "lbaas-member-list pool1b -f value -c address -c weight", want: "10.0.0.6 1 10.0.0.3 1"},
	{run: "lbaas-member-update --weight 3 {member} pool1b"},
	{run: "lbaas-member-show {member} pool1b -f value -c address -c weight", want: "10.0.0.6 3"},
	{run: "lbaas-healthmonitor-list -f value -c id -c type", want: "{monitor} HTTP"},
	{run: "lbaas-healthmonitor-update --delay 6 {monitor}"},
	{run: "lbaas-healthmonitor-show {monitor} -f value -c delay -c max_retries", want: "6 4"},
	{run: "lbaas-l7policy-create --action REDIRECT_TO_URL --redirect-url http://example.com/ --listener listener1b --name policy1", keep: "policy"},
	{run: "lbaas-l7policy-list -f value -c id -c action", want: "{policy} REDIRECT_TO_URL"},
	{run: "lbaas-l7policy-update --name policy1b policy1"},
	{run: "lbaas-l7policy-show policy1b -f value -c redirect_url", want: "http://example.com/"},
	{run: "lbaas-l7rule-create --type PATH --compare-type STARTS_WITH --value /old policy1b", keep: "rule"},
	{run: "lbaas-l7rule-list policy1b -f value -c id -c value", want: "{rule} /old"},
	{run: "lbaas-l7rule-update --value /older {rule} policy1b"},
	{run: "lbaas-l7rule-show {rule} policy1b -f value -c value", want: "/older"},
	{run: "lbaas-loadbalancer-delete lb1b", fail: "it has children"},
	{run: "lbaas-l7rule-delete {rule} policy1b"},
	{run: "lbaas-l7policy-delete policy1b"},
	{run: "lbaas-healthmonitor-delete {monitor}"},
	{run: "lbaas-member-delete {member} pool1b"},
	{run: "lbaas-pool-delete pool1b"},
	{run: "lbaas-listener-delete listener1b"},
	{run: "floatingip-disassociate {fip}"},
	{run: "floatingip-delete {fip}"},
	{run: "lbaas-loadbalancer-delete lb1b"},
	{run: "lbaas-loadbalancer-list -f value", want: ""},
	{run: "router-interface-delete router1 private-subnet"},
	{run: "router-gateway-clear router1"},
	{run: "router-update --name router1b router1"},
	{run: "router-list -f value -c name", want: "router1b"},
	{run: "router-delete router1b"},
	{run: "subnet-update --name private-subnet2 private-subnet"},
	{run: "subnet-list -f value -c name -c cidr", want: "private-subnet2 10.0.0.0/24 public-subnet 203.0.113.0/24"},
	{run: "subnet-delete private-subnet2"},
	{run: "net-update --name private2 private"},
	{run: "net-list -f value -c name", want: "private2 public"},
	{run: "net-show private2 -f value -c name", want: "private2"},
	{run: "net-delete private2"},
}

// Commands of agents, which lbd has none of.
var ofAgents = regexp.MustCompile(`-(on|hosting)-`)

// TestWalkthroughWithTheNeutronClient is the walkthrough of the 2017 talk with
// the client of its day, pasted in one go, and then every lbaas command that the
// client has.
func TestWalkthroughWithTheNeutronClient(t *testing.T) {
	needOpenstack(t)
	need(t, "neutron", "python3-neutronclient")
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2})
	w.StartCluster()
	w.StartWeb(w.Web1, "page 1")
	w.StartWeb(w.Web2, "page 2")
	admin := onNode(t, w.Nodes[0], w.Nodes[0])
	s := &script{kept: map[string]string{"project": admin.ok("project show admin -f value -c id")}}
	admin.tool = "neutron"
	for l := range strings.Lines(admin.ok("help")) {
		if f := strings.Fields(l); len(f) > 1 && strings.HasPrefix(f[0], "lbaas-") && !ofAgents.MatchString(f[0]) {
			s.commands = append(s.commands, f[0])
		}
	}
	s.run(admin, "", neutronWalkthrough)

	vip := admin.ok("lbaas-loadbalancer-show lb1 -f value -c vip_port_id")
	created := strings.Fields(admin.ok("floatingip-create public -f value -c id -c floating_ip_address"))
	fip, address := created[len(created)-1], created[len(created)-2]
	s.kept["fip"] = fip
	admin.ok("floatingip-associate " + fip + " " + vip)
	w.Until(5*time.Second, "both pages by the floating IP", func() error {
		first, err := w.Curl("--fail", "http://"+address+"/")
		if err != nil {
			return err
		}
		if second, err := w.Curl("--fail", "http://"+address+"/"); err != nil || first == second {
			return errorf("%q, then %q %v", first, second, err)
		}
		return nil
	})
	s.run(admin, "", neutronSteps)
	s.allRan(t)
}
