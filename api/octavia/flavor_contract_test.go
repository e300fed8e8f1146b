package octavia_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// quoted makes a JSON string of a JSON text.
func quoted(s string) string { b, _ := json.Marshal(s); return string(b) }

// flavorWorld has a profile, a flavor of it, and the same of zones.
type flavorWorld struct {
	*contractWorld
	profile, flavor, zoneProfile string
}

func newFlavorWorld(t *testing.T) *flavorWorld {
	w := &flavorWorld{contractWorld: newContractWorld(t)}
	w.profile = idOf(w.make("flavorprofiles", "flavorprofile", `{"name":"fp","provider_name":"amphora","flavor_data":`+quoted(`{"loadbalancer_topology": "SINGLE"}`)+`}`))
	w.flavor = idOf(w.make("flavors", "flavor", `{"name":"small","flavor_profile_id":"`+w.profile+`"}`))
	w.zoneProfile = idOf(w.make("availabilityzoneprofiles", "availability_zone_profile", `{"name":"zp","provider_name":"lbd","availability_zone_data":`+quoted(`{"compute_zone":"nova"}`)+`}`))
	w.make("availabilityzones", "availability_zone", `{"name":"here","description":"d","availability_zone_profile_id":"`+w.zoneProfile+`"}`)
	return w
}

func (w *flavorWorld) fill(s string) string {
	return strings.NewReplacer("$fp", w.profile, "$flavor", w.flavor, "$zp", w.zoneProfile, "$nobody", nobody, "$subnet", theSubnet, "$network", theNetwork).Replace(s)
}

// shows asks as admin and wants the whole answer.
func (w *flavorWorld) shows(method, path, body string, status int, want string) {
	w.t.Helper()
	got, out := w.ask("admin", method, base+w.fill(path), w.fill(body))
	exp := object{}
	if err := json.Unmarshal([]byte(w.fill(want)), &exp); want != "" && err != nil {
		w.t.Fatal(err)
	}
	if d := cmp.Diff(exp, out); got != status || d != "" {
		w.t.Errorf("%s %s %s: %d, want %d; -want +got:\n%s", method, path, w.fill(body), got, status, d)
	}
}

// faults asks as admin and wants a fault.
func (w *flavorWorld) faults(method, path, body string, status int, want string) {
	w.t.Helper()
	got, out := w.ask("admin", method, base+w.fill(path), w.fill(body))
	if text, _ := out["faultstring"].(string); got != status || text != w.fill(want) {
		w.t.Errorf("%s %s %s: %d %v, want %d %s", method, path, body, got, out, status, w.fill(want))
	}
}

func TestContractFlavorsAndZones(t *testing.T) {
	w := newFlavorWorld(t)
	flavor := `{"id":"$flavor","name":"small","description":"","enabled":true,"flavor_profile_id":"$fp"}`
	w.shows("GET", "flavors/$flavor", "", 200, `{"flavor":`+flavor+`}`)
	w.shows("GET", "flavors?enabled=yes&flavor_profile_id=$fp&sort=name", "", 200, `{"flavors":[`+flavor+`],"flavors_links":[]}`)
	w.shows("GET", "flavors?name=big", "", 200, `{"flavors":[],"flavors_links":[]}`)
	w.shows("GET", "flavors?fields=name", "", 200, `{"flavors":[{"name":"small"}],"flavors_links":[]}`)
	w.faults("GET", "flavors?project_id=x", "", 400, "One or more arguments are either duplicate or invalid")
	w.shows("PUT", "flavors/$flavor", `{"flavor":{"name":null,"description":"d","enabled":"off"}}`, 200,
		`{"flavor":{"id":"$flavor","name":"","description":"d","enabled":false,"flavor_profile_id":"$fp"}}`)

	profile := `{"id":"$fp","name":"fp","provider_name":"amphora","flavor_data":"{\"loadbalancer_topology\": \"SINGLE\"}"}`
	w.shows("GET", "flavorprofiles/$fp", "", 200, `{"flavorprofile":`+profile+`}`)
	w.shows("GET", "flavorprofiles?provider_name=amphora", "", 200, `{"flavorprofiles":[`+profile+`],"flavorprofile_links":[]}`)
	w.shows("PUT", "flavorprofiles/$fp", `{"flavorprofile":{"name":"n"}}`, 200, `{"flavorprofile":`+strings.Replace(profile, `"name":"fp"`, `"name":"n"`, 1)+`}`)

	zone := `{"name":"here","description":"d","enabled":true,"availability_zone_profile_id":"$zp"}`
	w.shows("GET", "availabilityzones/here", "", 200, `{"availability_zone":`+zone+`}`)
	w.shows("GET", "availabilityzones?limit=5", "", 200, `{"availability_zones":[`+zone+`],"availability_zones_links":[]}`)
	w.shows("PUT", "availabilityzones/here", `{"availability_zone":{"enabled":0}}`, 200, `{"availability_zone":`+strings.Replace(zone, "true", "false", 1)+`}`)

	zp := `{"id":"$zp","name":"zp","provider_name":"lbd","availability_zone_data":"{\"compute_zone\":\"nova\"}"}`
	w.shows("GET", "availabilityzoneprofiles/$zp", "", 200, `{"availability_zone_profile":`+zp+`}`)
	w.shows("GET", "availabilityzoneprofiles", "", 200, `{"availability_zone_profiles":[`+zp+`],"availability_zone_profile_links":[]}`)

	for _, path := range []string{"flavors/$flavor", "flavorprofiles/$fp", "availabilityzones/here", "availabilityzoneprofiles/$zp"} {
		w.shows("DELETE", path, "", 204, "")
		if status, _ := w.ask("admin", "GET", base+w.fill(path), ""); status != http.StatusNotFound {
			t.Errorf("%s after its deletion: %d", path, status)
		}
	}
}

func TestContractFlavorRefusals(t *testing.T) {
	w := newFlavorWorld(t)
	const fp, zp = `{"flavorprofile":{"name":"n","provider_name":"lbd","flavor_data":%}}`, `{"availability_zone_profile":{"name":"n","provider_name":"lbd","availability_zone_data":%}}`
	data := func(frame, text string) string { return strings.Replace(frame, "%", quoted(text), 1) }
	const lacks = "Provider 'lbd' does not support a requested option: "
	for _, x := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "flavors/$nobody", "", 404, "Flavor $nobody not found."},
		{"GET", "flavors/00000000-0000-0000-0000-000000000000", "", 404, "Flavor 00000000-0000-0000-0000-000000000000 not found."},
		{"PUT", "flavors/$nobody", `{"flavor":{}}`, 404, "Flavor $nobody not found."},
		{"DELETE", "flavors/$nobody", "", 404, "Flavor $nobody not found."},
		{"GET", "flavorprofiles/$nobody", "", 404, "Flavor Profile $nobody not found."},
		{"DELETE", "flavorprofiles/$nobody", "", 404, "Flavor profile $nobody not found."},
		{"PUT", "availabilityzones/x", `{"availability_zone":{}}`, 404, "Availability Zone x not found."},
		{"DELETE", "availabilityzones/x", "", 404, "Availability Zone x not found."},
		{"DELETE", "availabilityzoneprofiles/$nobody", "", 404, "Availability Zone Profile $nobody not found."},
		{"POST", "flavors", `{"flavor":{"name":"x"}}`, 400, "Invalid input for field/attribute flavor_profile_id. Value: 'None'. Mandatory field missing."},
		{"POST", "flavors", `{"flavor":{"name":"x","flavor_profile_id":"$nobody"}}`, 400, "Flavor Profile $nobody not found."},
		{"POST", "flavors", `{"flavor":{"name":"small","flavor_profile_id":"$fp"}}`, 409, "A flavor of small already exists."},
		{"PUT", "flavors/$flavor", `{"flavor":{"flavor_profile_id":"$fp"}}`, 400, "Unknown attribute for argument flavor_.flavor: flavor_profile_id"},
		{"POST", "availabilityzones", `{"availability_zone":{"name":"here","availability_zone_profile_id":"$zp"}}`, 409, "A availability zone of here already exists."},
		{"POST", "availabilityzones", `{"availability_zone":{"name":"","availability_zone_profile_id":"$zp"}}`, 400, "Invalid input for field/attribute name. Value: ''. Value should have a minimum character requirement of 1"},
		{"PUT", "availabilityzones/here", `{"availability_zone":{"name":"x"}}`, 400, "Unknown attribute for argument availability_zone_.availability_zone: name"},
		{"POST", "flavorprofiles", data(fp, `{"a"`), 400, `{"a" is not a valid option for flavor_data`},
		{"POST", "flavorprofiles", strings.Replace(data(fp, `{}`), "lbd", "f5", 1), 400, "Provider 'f5' is not enabled."},
		{"POST", "flavorprofiles", data(fp, `[]`), 501, lacks + "flavor_data is not an object"},
		{"POST", "flavorprofiles", data(fp, `{"loadbalancer_topology":"TRIPLE"}`), 501, lacks + "Invalid input for field/attribute loadbalancer_topology. Value: 'TRIPLE'. Value should be one of: ACTIVE_STANDBY, SINGLE"},
		{"POST", "flavorprofiles", data(fp, `{"compute_flavor":"m1"}`), 501, lacks + "Unknown attribute for argument flavor_data: compute_flavor"},
		{"POST", "flavorprofiles", data(fp, `{"sriov_vip":true}`), 501, lacks + "sriov_vip: there is no SR-IOV here."},
		{"POST", "availabilityzoneprofiles", data(zp, `{"management_network":"x"}`), 501, lacks + "Unknown attribute for argument availability_zone_data: management_network"},
		{"POST", "availabilityzoneprofiles", data(zp, `no`), 400, "no is not a valid option for availability_zone_data"},
		{"PUT", "availabilityzoneprofiles/$zp", `{"availability_zone_profile":{"availability_zone_data":"no"}}`, 400, "no is not a valid option for flavor_data"},
		{"PUT", "flavorprofiles/$fp", `{"flavorprofile":{"name":null}}`, 400, "None is not a valid option for name"},
		{"PUT", "flavorprofiles/$fp", `{"flavorprofile":{"flavor_data":"{}"}}`, 409, "Flavor profile $fp is in use and cannot be modified."},
		{"DELETE", "flavorprofiles/$fp", "", 409, "Flavor profile $fp is in use and cannot be modified."},
		{"PUT", "availabilityzoneprofiles/$zp", `{"availability_zone_profile":{"provider_name":"octavia"}}`, 409, "Availability Zone Profile $zp is in use and cannot be modified."},
		{"DELETE", "availabilityzoneprofiles/$zp", "", 409, "Availability Zone Profile $zp is in use and cannot be modified."},
		{"DELETE", "flavors", "", 400, `Missing argument: "id"`},
	} {
		w.faults(x.method, x.path, x.body, x.status, x.want)
	}
	for _, path := range []string{"flavors", "flavorprofiles", "availabilityzones", "availabilityzoneprofiles"} {
		for _, m := range []string{"POST", "PUT", "DELETE"} { // the right is asked for before the form
			target := base + path
			if m != "POST" {
				target += "/" + nobody
			}
			if status, _ := w.ask("p:member", m, target, `{"x":`); status != http.StatusForbidden {
				t.Errorf("%s %s as a member: %d", m, target, status)
			}
		}
	}
	w.shows("GET", "providers/amphora/flavor_capabilities?name=loadbalancer_topology&fields=name", "", 200, `{"flavor_capabilities":[{"name":"loadbalancer_topology"}]}`)
	w.shows("GET", "providers/octavia/availability_zone_capabilities?fields=name", "", 200,
		`{"availability_zone_capabilities":[{"name":"compute_zone"},{"name":"valid_vip_networks"}]}`)
	w.shows("GET", "providers/lbd/flavor_capabilities?description=none", "", 200, `{"flavor_capabilities":[]}`)
	w.faults("GET", "providers/lbd/flavor_capabilities?x=y", "", 400, "One or more arguments are either duplicate or invalid")
}

// TestContractFlavorInUse: what a load balancer of a flavor and zone gets, what
// it may not have, and what it keeps from being deleted.
func TestContractFlavorInUse(t *testing.T) {
	w := newFlavorWorld(t)
	other := "33333333-3333-4333-8333-333333333333"
	elsewhere := idOf(w.make("availabilityzoneprofiles", "availability_zone_profile",
		`{"name":"zp2","provider_name":"lbd","availability_zone_data":`+quoted(`{"valid_vip_networks":["`+other+`"]}`)+`}`))
	w.make("availabilityzones", "availability_zone", `{"name":"there","availability_zone_profile_id":"`+elsewhere+`"}`)

	tree := `,"listeners":[{"name":"l","protocol":"HTTP","protocol_port":80}]}`
	for _, end := range []string{"}", tree} {
		lb := `"vip_subnet_id":"` + theSubnet + `"`
		w.faults("POST", "loadbalancers", `{"loadbalancer":{`+lb+`,"flavor_id":"$nobody"`+end+`}`, 400, "Validation failure: Invalid flavor_id.")
		w.faults("POST", "loadbalancers", `{"loadbalancer":{`+lb+`,"flavor_id":"$flavor","provider":"lbd"`+end+`}`, 400, "Flavor '$flavor' is not compatible with provider 'lbd'")
		w.faults("POST", "loadbalancers", `{"loadbalancer":{`+lb+`,"availability_zone":"nowhere"`+end+`}`, 400, "Validation failure: Invalid availability zone.")
		w.faults("POST", "loadbalancers", `{"loadbalancer":{`+lb+`,"availability_zone":"there"`+end+`}`, 400,
			"Validation failure: Supplied VIP network_id is not allowed by the configuration of this deployment.")
		o := w.make("loadbalancers", "loadbalancer", w.fill(`{`+lb+`,"flavor_id":"$flavor","availability_zone":"here"`+end))
		if o["provider"] != "amphora" || o["flavor_id"] != w.flavor || o["availability_zone"] != "here" {
			t.Errorf("%v", o)
		}
	}
	for filter, n := range map[string]int{"flavor_id=$flavor": 2, "availability_zone=here": 2, "availability_zone=there": 0, "topology=SINGLE": 2, "topology=ACTIVE_STANDBY": 0} {
		_, out := w.ask("admin", "GET", base+"loadbalancers?"+w.fill(filter), "")
		if list, _ := out["loadbalancers"].([]any); len(list) != n {
			t.Errorf("%s: %d", filter, len(list))
		}
	}
	w.faults("DELETE", "flavors/$flavor", "", 409, "Flavor $flavor is in use and cannot be modified.")
	w.faults("DELETE", "availabilityzones/here", "", 409, "Availability Zone here is in use and cannot be modified.")

	// Disabled is for new ones only.
	w.does(200, "PUT", w.fill("flavors/$flavor"), "flavor", `{"flavor":{"enabled":false}}`)
	w.does(200, "PUT", "availabilityzones/here", "availability_zone", `{"availability_zone":{"enabled":false}}`)
	w.faults("POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","flavor_id":"$flavor"}}`, 400, "The selected flavor is not allowed in this deployment: $flavor")
	w.faults("POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"$subnet","availability_zone":"here"}}`, 400, "The selected availability_zone is not allowed in this deployment: here")

	_, out := w.ask("admin", "GET", base+"loadbalancers", "")
	for _, lb := range out["loadbalancers"].([]any) {
		w.does(204, "DELETE", "loadbalancers/"+idOf(lb.(object))+"?cascade=true", "", "")
	}
	w.shows("DELETE", "flavors/$flavor", "", 204, "")
	w.shows("DELETE", "availabilityzones/here", "", 204, "")
}
