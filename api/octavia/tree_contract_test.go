package octavia_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wholeTree = `{"name":"full","vip_subnet_id":"` + theSubnet + `","tags":["t"],
	"listeners":[
		{"name":"l1","protocol":"HTTP","protocol_port":80,"default_pool":{"name":"p1"},"insert_headers":{"X-Forwarded-For":"true"}},
		{"name":"l2","protocol":"HTTP","protocol_port":81,"default_pool":{"name":"p2","protocol":"HTTP","lb_algorithm":"SOURCE_IP",
			"members":[{"address":"198.51.100.20","protocol_port":80,"weight":7}]}},
		{"name":"l3","protocol":"TCP","protocol_port":82}],
	"pools":[
		{"name":"p1","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","healthmonitor":{"type":"HTTP","delay":5,"timeout":3,"max_retries":2,"url_path":"/up"},
			"members":[{"address":"198.51.100.10","protocol_port":80},{"address":"198.51.100.11","protocol_port":80}]},
		{"protocol":"TCP","lb_algorithm":"LEAST_CONNECTIONS"}]}`

func TestContractTree(t *testing.T) {
	w := newContractWorld(t)
	made := w.make("loadbalancers", "loadbalancer", wholeTree)
	id := idOf(made)
	byName := func(list any) map[string]object {
		out := map[string]object{}
		for _, x := range list.([]any) {
			name, _ := x.(object)["name"].(string)
			out[name] = x.(object)
		}
		return out
	}
	listeners, pools := byName(made["listeners"]), byName(made["pools"])
	if len(listeners) != 3 || len(pools) != 3 {
		t.Fatalf("%d listeners, %d pools in %v", len(listeners), len(pools), made)
	}
	shows(t, listeners["l1"], `{"protocol":"HTTP","protocol_port":80,"l7policies":[],"connection_limit":-1,"insert_headers":{"X-Forwarded-For":"true"},
		"default_pool_id":"`+idOf(pools["p1"])+`"}`)
	shows(t, listeners["l2"], `{"default_pool_id":"`+idOf(pools["p2"])+`"}`)
	shows(t, listeners["l3"], `{"default_pool_id":null}`)
	monitor := pools["p1"]["healthmonitor"].(object)
	shows(t, monitor, `{"type":"HTTP","url_path":"/up","max_retries_down":3}`)
	members := pools["p1"]["members"].([]any)
	if len(members) != 2 || pools[""]["healthmonitor"] != nil || len(pools[""]["members"].([]any)) != 0 {
		t.Errorf("pools are %v", pools)
	}

	// The graph is what the objects themselves show, less the way back.
	for _, x := range []struct {
		path, one string
		in        object
		less      []string
		differ    []string
	}{
		{"loadbalancers/" + id, "loadbalancer", made, nil, []string{"listeners", "pools"}},
		{"listeners/" + idOf(listeners["l1"]), "listener", listeners["l1"], []string{"loadbalancers"}, nil},
		{"pools/" + idOf(pools["p1"]), "pool", pools["p1"], []string{"loadbalancers", "healthmonitor_id"}, []string{"members", "healthmonitor"}},
		{"healthmonitors/" + idOf(monitor), "healthmonitor", monitor, []string{"pools"}, nil},
		{"pools/" + idOf(pools["p1"]) + "/members/" + idOf(members[0].(object)), "member", members[0].(object), nil, nil},
	} {
		alone := w.does(http.StatusOK, "GET", x.path, x.one, "")
		want, got := maps.Clone(alone), maps.Clone(x.in)
		for _, k := range x.less {
			if _, has := got[k]; has {
				t.Errorf("%s in the graph has %s", x.one, k)
			}
			delete(want, k)
		}
		for _, k := range x.differ {
			delete(want, k)
			delete(got, k)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s in the graph differs from GET:\n%s", x.one, diff)
		}
	}
	alone := w.does(http.StatusOK, "GET", "loadbalancers/"+id, "loadbalancer", "")
	if got := alone["listeners"].([]any)[0].(object); len(got) != 1 {
		t.Errorf("a later GET shows %v in place of a reference", got)
	}
	w.does(http.StatusNoContent, "DELETE", "loadbalancers/"+id+"?cascade=true", "", "")
}

// Any error anywhere leaves nothing behind.
func TestContractTreeRefusals(t *testing.T) {
	w := newContractWorld(t)
	w.does(http.StatusAccepted, "PUT", "quotas/"+string(w.admin.Project), "quota", `{"quota":{"member":2}}`)
	pool := func(name, more string) string {
		return fmt.Sprintf(`{"name":"%s","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"%s}`, name, more)
	}
	listener := func(port int, more string) string {
		return fmt.Sprintf(`{"protocol":"HTTP","protocol_port":%d%s}`, port, more)
	}
	member := `{"address":"198.51.100.10","protocol_port":80}`
	at := "Unknown attribute for argument load_balancer.loadbalancer"
	for _, tc := range []struct {
		listeners, pools string
		status           int
		text             string
	}{
		{listener(80, `,"default_pool":{"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}`), "", 400, invalidly + "Pools must be named when creating a fully populated loadbalancer."},
		{listener(80, `,"default_pool":{}`), "", 400, invalidly + "Pools must be named when creating a fully populated loadbalancer."},
		{"", pool("", "") + "," + pool("", ""), 400, invalidly + "Pool names must be unique when creating a fully populated loadbalancer."},
		{listener(80, `,"default_pool":`+pool("a", "")), pool("a", ""), 400, invalidly + "Pool names must be unique when creating a fully populated loadbalancer."},
		{listener(80, `,"default_pool":{"name":"b"}`), pool("a", ""), 400, invalidly + "Pool 'b' was referenced but no full definition was found."},
		{"", `{"name":"a"}`, 400, invalidly + "Pool definition for 'a' missing required attribute: protocol"},
		{listener(80, `,"default_pool":{"name":"a","protocol":"HTTP"}`), "", 400, invalidly + "Pool definition for 'a' missing required attribute: lb_algorithm"},
		{listener(80, `,"default_pool_id":"`+nobody+`"`), pool("a", ""), 404, "Pool " + nobody + " not found."},
		{listener(80, "") + "," + listener(80, ""), "", 409, "Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80"},
		{listener(80, `,"default_pool":{"name":"a"}`), `{"name":"a","protocol":"TCP","lb_algorithm":"ROUND_ROBIN"}`, 400, invalidly + "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'."},
		{"", pool("a", `,"members":[`+member+","+member+`]`), 409, "Another member on this pool is already using ip 198.51.100.10 on protocol_port 80"},
		{"", pool("a", `,"members":[`+member+"]") + "," + pool("b", `,"members":[`+member+`,{"address":"198.51.100.11","protocol_port":80}]`), 403, "Quota has been met for resources: Member"},
		{"", pool("a", `,"healthmonitor":{"type":"SCTP","delay":5,"timeout":3,"max_retries":2}`), 400, invalidly + "The SCTP type is only supported for pools of type UDP/SCTP."},
		{"", pool("a", `,"healthmonitor":{"type":"TCP","delay":5,"timeout":3}`), 400, inputText("max_retries", "None", mandatory)},
		{"", pool("a", `,"session_persistence":{"type":"APP_COOKIE"}`), 400, invalidly + `Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`},
		{"", pool("a", `,"members":[{"address":"198.51.100.10"}]`), 400, inputText("protocol_port", "None", mandatory)},
		{"", pool("a", `,"members":[{"address":"169.254.169.254","protocol_port":80}]`), 400, "169.254.169.254 is not a valid option for member address"},
		{listener(80, `,"project_id":"p"`), "", 400, at + ".listeners: project_id"},
		{listener(80, `,"loadbalancer_id":"`+nobody+`"`), "", 400, at + ".listeners: loadbalancer_id"},
		{"", pool("a", `,"listener_id":"`+nobody+`"`), 400, at + ".pools: listener_id"},
		{"", pool("a", `,"members":[{"address":"198.51.100.10","protocol_port":80,"colour":1}]`), 400, at + ".pools.members: colour"},
		{"", pool("a", `,"healthmonitor":{"type":"TCP","delay":5,"timeout":3,"max_retries":2,"pool_id":"`+nobody+`"}`), 400, at + ".pools.healthmonitor: pool_id"},
		{listener(80, `,"default_pool":{"name":"a","colour":1}`), "", 400, at + ".listeners.default_pool: colour"},
		{listener(80, `,"default_pool":7`), "", 400, inputText("default_pool", "7", "Value should be an object")},
		{"7", "", 400, inputText("listeners", "7", "Value should be an object")},
		{listener(0, ""), "", 400, inputText("protocol_port", "0", "Value should be greater or equal to 1")},
	} {
		body := fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":"%s","listeners":[%s],"pools":[%s]}}`, theSubnet, tc.listeners, tc.pools)
		status, out := w.ask("admin", "POST", base+"loadbalancers", body)
		if status != tc.status || out["faultstring"] != tc.text {
			t.Errorf("%s:\n got %d %v\nwant %d %s", body, status, out, tc.status, tc.text)
		}
	}
	for _, many := range []string{"loadbalancers", "listeners", "pools", "healthmonitors"} {
		if _, out := w.ask("admin", "GET", base+many, ""); len(out[many].([]any)) != 0 {
			t.Errorf("%s are left: %v", many, out)
		}
	}
}

func TestContractBatch(t *testing.T) {
	w := newPopulated(t) // with one member at 198.51.100.9:8080
	path := "pools/" + w.pool + "/members"
	w.does(http.StatusOK, "PUT", path+"/"+w.member, "member", `{"member":{"name":"kept","tags":["k"],"weight":5,"backup":true,"monitor_port":9}}`)
	batch := func(query, members string) {
		t.Helper()
		rec := w.raw("admin", "PUT", base+path+query, `{"members":[`+members+`]}`)
		if rec.Code != http.StatusAccepted || rec.Body.Len() != 0 {
			t.Fatalf("batch %s: %d %s", members, rec.Code, rec.Body)
		}
	}
	there := func() map[string]object {
		out := map[string]object{}
		_, all := w.ask("admin", "GET", base+path, "")
		for _, x := range all["members"].([]any) {
			m := x.(object)
			out[fmt.Sprintf("%v:%v", m["address"], m["protocol_port"])] = m
		}
		return out
	}
	batch("?additive_only=True", `{"address":"198.51.100.9","protocol_port":8080},{"address":"198.51.100.10","protocol_port":80,"weight":3,"name":"n"}`)
	got := there()
	if len(got) != 2 || idOf(got["198.51.100.9:8080"]) != w.member {
		t.Fatalf("members are %v", got)
	}
	shows(t, got["198.51.100.9:8080"], `{"name":"kept","tags":["k"],"weight":1,"backup":false,"monitor_port":null,"admin_state_up":true}`)
	shows(t, got["198.51.100.10:80"], `{"name":"n","weight":3}`)
	batch("", `{"address":"198.51.100.10","protocol_port":80,"name":"m","tags":[]}`)
	if got := there(); len(got) != 1 || got["198.51.100.10:80"]["name"] != "m" {
		t.Errorf("members are %v", got)
	}
	batch("?additive_only=1", "")
	batch("?additive_only=no", "")
	if got := there(); len(got) != 0 {
		t.Errorf("members are %v", got)
	}
	before := w.content()
	batch("", "") // no effect at all
	if w.content() != before {
		t.Error("an empty batch on an empty pool changed something")
	}

	batch("", `{"address":"198.51.100.10","protocol_port":80}`)
	before = w.content()
	twice := `{"address":"198.51.100.10","protocol_port":80},{"address":"198.51.100.10","protocol_port":80}`
	for _, r := range []refusal{
		{"PUT", path, `{"members":[` + twice + `]}`, 400, invalidly + "Member must be updated only once in the same request."},
		{"PUT", path, `{"members":[` + strings.ReplaceAll(twice, ":80", ":81") + `]}`, 409, "Another member on this pool is already using ip 198.51.100.10 on protocol_port 81"},
		{"PUT", path, `{"members":[{"address":"198.51.100.10"}]}`, 400, inputText("protocol_port", "None", mandatory)},
		{"PUT", path, `{"members":[{"address":"198.51.100.10","protocol_port":80,"colour":1}]}`, 400, "Unknown attribute for argument members_.members: colour"},
		{"PUT", path, `{"members":[7]}`, 400, inputText("members", "7", "Value should be an object")},
		{"PUT", path, `{"members":{}}`, 400, inputText("members_", "{'members': {}}", "Value not a valid list: {}")},
		{"PUT", path, `{"members":null}`, 400, inputText("members", "None", mandatory)},
		{"PUT", path, `{"member":[]}`, 400, "Unknown attribute for argument members_: member"},
		{"PUT", path, `[]`, 400, inputText("members_", "[]", "Value should be an object")},
		{"PUT", path, ``, 400, `Missing argument: "members_"`},
		{"PUT", path + "?x=1", `{"members":[]}`, 400, `Unknown argument: "x"`},
	} {
		if status, out := w.ask("admin", r.method, base+r.path, r.body); status != r.status || out["faultstring"] != r.text {
			t.Errorf("%s: %d %v, want %d %s", r.body, status, out, r.status, r.text)
		}
	}
	if w.content() != before {
		t.Error("a refused batch changed the state")
	}
	if status, _ := w.ask(string(w.admin.Project)+":reader", "PUT", base+path, `{"members":[]}`); status != http.StatusForbidden {
		t.Errorf("a reader: %d", status)
	}
	if status, out := w.ask("admin", "PUT", base+"pools/"+nobody+"/members", `{"members":[]}`); status != http.StatusNotFound || out["description"] != "Pool "+nobody+" not found." {
		t.Errorf("unknown pool: %d %v", status, out)
	}
}

func TestContractAdditionalVIPs(t *testing.T) {
	w := newContractWorld(t)
	w.subnet("33333333-3333-4333-8333-333333333333", "2001:db8::/64", "2001:db8::1")
	w.subnet("44444444-4444-4444-8444-444444444444", "203.0.113.0/24", "203.0.113.1")
	lb := w.make("loadbalancers", "loadbalancer", `{"vip_subnet_id":"`+theSubnet+`","additional_vips":[
		{"subnet_id":"33333333-3333-4333-8333-333333333333","ip_address":"2001:DB8::7"},{"subnet_id":"44444444-4444-4444-8444-444444444444"}]}`)
	extra := lb["additional_vips"].([]any)
	if len(extra) != 2 {
		t.Fatalf("additional_vips: %v", extra)
	}
	shows(t, extra[0].(object), `{"subnet_id":"33333333-3333-4333-8333-333333333333","ip_address":"2001:DB8::7","port_id":"`+lb["vip_port_id"].(string)+`"}`)
	shows(t, extra[1].(object), `{"ip_address":"203.0.113.254"}`)
	var served []string
	for _, a := range w.st.Config().Services[0].Addresses {
		served = append(served, a.String())
	}
	if want := []string{lb["vip_address"].(string), "2001:db8::7", "203.0.113.254"}; !slices.Equal(served, want) {
		t.Errorf("the data plane serves %v, want %v", served, want)
	}
	for attrs, text := range map[string]string{
		`[{"subnet_id":"` + theSubnet + `"}]`:            invalidly + "Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.",
		`[{"subnet_id":"` + nobody + `"}]`:               "Subnet " + nobody + " not found.",
		`[{}]`:                                           inputText("subnet_id", "None", mandatory),
		`[{"subnet_id":"` + theSubnet + `","colour":1}]`: "Unknown attribute for argument load_balancer.loadbalancer.additional_vips: colour",
		`[7]`: inputText("additional_vips", "7", "Value should be an object"),
		`7`:   inputText("load_balancer", "{'loadbalancer': {'vip_subnet_id': '"+theSubnet+"', 'additional_vips': 7}}", "Value not a valid list: 7"),
	} {
		status, out := w.ask("admin", "POST", base+"loadbalancers", `{"loadbalancer":{"vip_subnet_id":"`+theSubnet+`","additional_vips":`+attrs+`}}`)
		if status != http.StatusBadRequest || out["faultstring"] != text {
			t.Errorf("%s: %d %v, want %s", attrs, status, out, text)
		}
	}
	w.does(http.StatusNoContent, "DELETE", "loadbalancers/"+idOf(lb), "", "")
}
