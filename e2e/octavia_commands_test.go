package e2e

import (
	"encoding/json"
	"testing"

	"lbd/e2e/harness"
)

// octaviaSteps run every sub-command of the client once at least, on one life of
// a load balancer. What was set is looked at with show.
var octaviaSteps = []step{
	{run: "provider list -f value -c name", want: "lbd amphora octavia"},
	{run: "provider capability list --flavor lbd"},
	{run: "provider capability list --availability-zone lbd"},
	{run: "quota defaults show -f value -c load_balancer"},
	{run: "quota set --loadbalancer 3 --listener 4 --pool 5 --member 6 --healthmonitor 7 --l7policy 8 --l7rule 9 {project}"},
	{run: "quota show {project} -f value -c load_balancer -c l7rule -c member", want: "3 6 9"},
	{run: "quota list -f value -c project_id -c pool", want: "{project} 5"},
	{run: "quota unset --loadbalancer --pool {project}"},
	{run: "quota reset {project}"},
	{run: "quota list -f value", want: "{project} -1 -1 -1 -1 -1 -1 -1"},

	{run: "create --name lb1 --description one --vip-subnet-id {subnet} --vip-address 10.0.0.77 --provider amphora --tag t1 --wait", keep: "lb"},
	{run: "create --name lb2 --vip-network-id {network} --disable --wait", keep: "lb2"},
	{run: "list --tags t1 -f value -c name -c vip_address -c provisioning_status -c provider", want: "lb1 10.0.0.77 ACTIVE amphora"},
	{run: "list --disable -f value -c id", want: "{lb2}"},
	{run: "set --name lb1b --description two --tag t2 --wait lb1"},
	{run: "show lb1b -f value -c name -c description -c admin_state_up", want: "True two lb1b"},
	{run: "list --tags t1,t2 -f value -c name", want: "lb1b"},
	{run: "unset --description --tag t1 --wait lb1b"},
	{run: "show {lb} -f value -c description -c tags", want: "t2"},

	{run: "listener create --name l1 --protocol HTTP --protocol-port 8080 --connection-limit 7 --insert-headers X-Forwarded-For=true --timeout-client-data 1000 --allowed-cidr 10.0.0.0/8 --tag t1 --wait {lb}", keep: "listener"},
	{run: "listener list --loadbalancer lb1b -f value -c name -c protocol -c protocol_port", want: "l1 HTTP 8080"},
	{run: "listener set --name l1b --description d --connection-limit 9 --timeout-member-data 2000 --allowed-cidr 10.0.0.0/24 --tag t2 --wait l1"},
	{run: "listener show l1b -f value -c name -c connection_limit -c timeout_client_data -c timeout_member_data -c allowed_cidrs", want: "9 l1b 1000 2000 10.0.0.0/24"},
	{run: "listener unset --description --connection-limit --timeout-client-data --insert-headers --allowed-cidrs --all-tag --wait l1b"},
	{run: "listener show {listener} -f value -c connection_limit -c timeout_client_data -c allowed_cidrs -c tags", want: "-1 50000 None"},
	{run: "listener stats show l1b -f value", want: "0 0 0 0 0"},

	{run: "pool create --name p1 --protocol HTTP --lb-algorithm ROUND_ROBIN --listener l1b --session-persistence type=SOURCE_IP --tag t1 --wait", keep: "pool"},
	{run: "pool create --name p2 --protocol HTTP --lb-algorithm LEAST_CONNECTIONS --loadbalancer {lb} --wait", keep: "pool2"},
	{run: "pool list --loadbalancer lb1b -f value -c name -c lb_algorithm", want: "p1 ROUND_ROBIN p2 LEAST_CONNECTIONS"},
	{run: "pool set --name p1b --description d --lb-algorithm SOURCE_IP --session-persistence type=HTTP_COOKIE --tag t2 --wait p1"},
	{run: "pool show p1b -f value -c name -c lb_algorithm -c session_persistence", want: "SOURCE_IP p1b type=HTTP_COOKIE cookie_name=None persistence_timeout=None persistence_granularity=None"},
	{run: "pool unset --description --session-persistence --tag t1 --wait p1b"},
	{run: "pool show {pool} -f value -c session_persistence -c tags", want: "None t2"},

	{run: "member create --name m1 --address 10.0.0.20 --subnet-id vips --protocol-port 80 --weight 5 --monitor-port 81 --tag t1 --wait p1b", keep: "member"},
	{run: "member list p1b -f value -c name -c address -c protocol_port -c weight -c operating_status", want: "m1 10.0.0.20 80 NO_MONITOR 5"},
	{run: "member set --name m1b --weight 9 --enable-backup --monitor-address 10.0.0.21 --tag t2 --wait p1b m1"},
	{run: "member show p1b m1b -f value -c name -c weight -c backup -c monitor_address -c monitor_port", want: "m1b 9 81 10.0.0.21 True"},
	{run: "member unset --weight --backup --monitor-address --monitor-port --all-tag --wait p1b m1b"},
	{run: "member show {pool} {member} -f value -c weight -c backup -c monitor_address -c monitor_port", want: "1 None None False"},

	{run: "pool create --name p3 --protocol UDP --lb-algorithm SOURCE_IP_PORT --loadbalancer {lb} --session-persistence type=SOURCE_IP,persistence_timeout=9,persistence_granularity=255.255.0.0 --wait", keep: "pool3"},
	{run: "pool show p3 -f value -c session_persistence", want: "type=SOURCE_IP cookie_name=None persistence_timeout=9 persistence_granularity=255.255.0.0"},
	{run: "listener create --name l3 --protocol UDP --protocol-port 8080 --default-pool p3 --wait {lb}", keep: "listener3"},
	{run: "healthmonitor create --name h3 --type UDP-CONNECT --delay 60 --timeout 10 --max-retries 3 --wait p3"},
	{run: "healthmonitor delete --wait h3"},
	{run: "listener delete --wait l3"},
	{run: "pool delete --wait p3"},

	{run: "healthmonitor create --name h1 --type HTTP --delay 60 --timeout 10 --max-retries 3 --http-method HEAD --url-path /up --expected-codes 200-204 --tag t1 --wait p1b", keep: "monitor"},
	{run: "healthmonitor list -f value -c name -c type", want: "h1 HTTP"},
	{run: "healthmonitor set --name h1b --delay 90 --http-method GET --max-retries-down 2 --tag t2 --wait h1"},
	{run: "healthmonitor show h1b -f value -c name -c delay -c http_method -c url_path -c expected_codes -c max_retries_down", want: "h1b 90 200-204 GET 2 /up"},
	{run: "healthmonitor unset --url-path --expected-codes --http-method --max-retries-down --tag t1 --wait h1b"},
	{run: "healthmonitor show {monitor} -f value -c url_path -c expected_codes -c http_method -c max_retries_down", want: "200 GET 3 /"},

	{run: "l7policy create --name po1 --action REDIRECT_TO_URL --redirect-url http://example.com/a --redirect-http-code 307 --tag t1 --wait l1b", keep: "policy"},
	{run: "l7policy create --name po2 --action REDIRECT_TO_POOL --redirect-pool p2 --position 1 --wait l1b"},
	{run: "l7policy list -f value -c name -c action -c position", want: "po1 REDIRECT_TO_URL 2 po2 REDIRECT_TO_POOL 1"},
	{run: "l7policy set --name po1b --description d --redirect-prefix https://example.com --action REDIRECT_PREFIX --position 1 --tag t2 --wait po1"},
	{run: "l7policy show po1b -f value -c name -c action -c redirect_prefix -c redirect_http_code -c position", want: "https://example.com REDIRECT_PREFIX 1 po1b 307"},
	{run: "l7policy unset --description --redirect-http-code --tag t1 --wait po1b"},
	{run: "l7policy show {policy} -f value -c redirect_http_code -c tags", want: "302 t2"},
	// With --wait this client looks for the rule below the wrong policy.
	{run: "l7rule create --type HEADER --key X-A --compare-type EQUAL_TO --value 1 --invert --tag t1 po1b", keep: "rule"},
	{run: "l7rule list po1b -f value -c type -c key -c value -c invert", want: "HEADER X-A 1 True"},
	{run: "l7rule set --type COOKIE --key b --value 2 --tag t2 --wait po1b {rule}"},
	{run: "l7rule show po1b {rule} -f value -c type -c key -c value", want: "2 b COOKIE"},
	{run: "l7rule unset --invert --all-tag --wait po1b {rule}"},
	{run: "l7rule show {policy} {rule} -f value -c invert -c tags", want: "False"},

	{run: "status show lb1b"},
	{run: "stats show lb1b -f value", want: "0 0 0 0 0"},
	{run: "failover --wait lb1b"},
	{run: "amphora list --loadbalancer {lb} -f value -c loadbalancer_id -c status", want: "{lb} ALLOCATED {lb} ALLOCATED"},
	{run: "amphora list --loadbalancer {lb} -f value", keep: "amphora"},
	{run: "amphora show {amphora} -f value -c loadbalancer_id", want: "{lb}"},
	{run: "amphora stats show {amphora} -f value"},
	{run: "amphora stats show --listener {listener} {amphora} -f value -c total_connections", want: "0"},
	{run: "amphora configure --wait {amphora}"},
	{run: "amphora failover --wait {amphora}"},
	{run: "amphora delete {amphora}", fail: "409"},

	{run: "delete lb1b", fail: "it has children"},
	{run: "l7rule delete --wait po1b {rule}"},
	{run: "l7policy delete --wait po1b"},
	{run: "healthmonitor delete --wait h1b"},
	{run: "member delete --wait p1b m1b"},
	{run: "pool delete --wait p1b"},
	{run: "listener delete --wait l1b"},
	{run: "delete --cascade --wait lb1b"},
	{run: "delete --wait lb2"},
	{run: "list -f value", want: ""},
}

// flavorSteps are those of flavors and availability zones. The client finds a
// zone by its name, everything else by name or id.
var flavorSteps = []step{
	{run: `flavorprofile create --name fp1 --provider lbd --flavor-data {}`, keep: "flavorprofile"},
	{run: "flavorprofile set --name fp1b fp1"},
	{run: "flavorprofile show fp1b -f value -c name -c provider_name", want: "fp1b lbd"},
	{run: "flavorprofile list -f value -c id", want: "{flavorprofile}"},
	{run: "flavor create --name f1 --flavorprofile fp1b --description d", keep: "flavor"},
	{run: "flavor set --name f1b --disable f1"},
	{run: "flavor show f1b -f value -c name -c enabled -c description", want: "f1b False d"},
	{run: "flavor unset --description f1b"},
	{run: "flavor list -f value -c id -c name", want: "{flavor} f1b"},
	{run: "flavor delete f1b"},
	{run: "flavorprofile delete fp1b"},

	{run: `availabilityzoneprofile create --name ap1 --provider lbd --availability-zone-data {}`, keep: "azprofile"},
	{run: "availabilityzoneprofile set --name ap1b ap1"},
	{run: "availabilityzoneprofile show ap1b -f value -c name -c provider_name", want: "ap1b lbd"},
	{run: "availabilityzoneprofile list -f value -c id", want: "{azprofile}"},
	{run: "availabilityzone create --name z1 --availabilityzoneprofile ap1b --description d"},
	{run: "availabilityzone set --disable --description e z1"},
	{run: "availabilityzone show z1 -f value -c name -c enabled -c description", want: "z1 False e"},
	{run: "availabilityzone unset --description z1"},
	{run: "availabilityzone list -f value -c name -c enabled", want: "z1 False"},
	{run: "availabilityzone delete z1"},
	{run: "availabilityzoneprofile delete ap1b"},
}

// TestEveryLoadBalancerCommand runs each sub-command that the stock client has,
// with each of its kinds of options, and fails when it has one that is not run.
func TestEveryLoadBalancerCommand(t *testing.T) {
	needOpenstack(t)
	t.Parallel()
	w := harness.New(t, harness.Options{Nodes: 2}) // a failover needs somewhere to go
	w.StartCluster()
	admin := onNode(t, w.Nodes[0], w.Nodes[0])
	var groups []struct{ Commands []string }
	if err := json.Unmarshal([]byte(admin.ok("command list --group openstack.load_balancer -f json")), &groups); err != nil || len(groups) != 1 {
		t.Fatalf("the client's commands: %v %v", groups, err)
	}
	s := &script{commands: groups[0].Commands, kept: map[string]string{
		"network": admin.ok("network create vips -f value -c id"),
		"subnet":  admin.ok("subnet create --network vips --subnet-range 10.0.0.0/24 vips -f value -c id"),
		"project": admin.ok("project show admin -f value -c id"),
	}}
	s.run(admin, "loadbalancer ", flavorSteps)
	s.run(admin, "loadbalancer ", octaviaSteps)
	s.allRan(t)
}
