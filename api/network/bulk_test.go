package network_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestBulkCreate(t *testing.T) {
	w := newWorld(t)
	const net2 = "/networking/v2.0/"
	bulk := func(token, many, items string) (int, obj) {
		t.Helper()
		return w.call(token, "POST", net2+strings.ReplaceAll(many, "_", "-"), `{"`+many+`":[`+items+`]}`)
	}
	names := func(out obj, many string) (got []string) {
		for _, x := range out[many].([]any) {
			got = append(got, x.(obj)["name"].(string))
		}
		return got
	}
	ids := func(out obj, many string) (got []string) {
		for _, x := range out[many].([]any) {
			got = append(got, id(x.(obj)))
		}
		return got
	}

	status, out := bulk("admin", "networks", `{"name":"b"},{"name":"a"}`)
	if status != http.StatusCreated || !slices.Equal(names(out, "networks"), []string{"b", "a"}) {
		t.Fatalf("networks: %d %v", status, out)
	}
	nets := ids(out, "networks")
	status, out = bulk("admin", "subnets", fmt.Sprintf(`{"network_id":%q,"cidr":"192.0.2.0/25","ip_version":4},{"network_id":%q,"cidr":"192.0.2.128/25","ip_version":4}`, nets[0], nets[1]))
	if status != http.StatusCreated || len(ids(out, "subnets")) != 2 {
		t.Fatalf("subnets: %d %v", status, out)
	}
	status, out = bulk("admin", "ports", fmt.Sprintf(`{"network_id":%q},{"network_id":%q}`, nets[0], nets[1]))
	if status != http.StatusCreated || out["ports"].([]any)[1].(obj)["network_id"] != nets[1] {
		t.Fatalf("ports: %d %v", status, out)
	}
	if status, out = bulk("admin", "security_groups", `{"name":"x"},{"name":"y"}`); status != http.StatusCreated {
		t.Fatalf("security groups: %d %v", status, out)
	}

	t.Run("all or nothing", func(t *testing.T) {
		before := w.list("admin", net2+"ports", "ports", "id")
		taken := fmt.Sprintf(`{"network_id":%q,"fixed_ips":[{"ip_address":"192.0.2.77"}]}`, nets[0])
		if status, out := bulk("admin", "ports", taken+","+fmt.Sprintf(`{"network_id":%q}`, nets[1])+","+taken); status != http.StatusConflict {
			t.Errorf("the same address twice: %d %v", status, out)
		}
		if status, out := bulk("admin", "ports", taken+`,{"network_id":"nowhere"}`); status != http.StatusNotFound {
			t.Errorf("no such network: %d %v", status, out)
		}
		if after := w.list("admin", net2+"ports", "ports", "id"); !slices.Equal(after, before) {
			t.Errorf("%d ports before, %d after", len(before), len(after))
		}
	})
	t.Run("refused", func(t *testing.T) {
		many := strings.TrimSuffix(strings.Repeat(`{"name":"n"},`, 257), ",")
		w.refused("admin", "POST", net2+"networks", `{"networks":[]}`, 400, "HTTPBadRequest", "Resources required")
		w.refused("admin", "POST", net2+"networks", `{"networks":{}}`, 400, "HTTPBadRequest", "Resources required")
		w.refused("admin", "POST", net2+"networks", `{"networks":[1]}`, 400, "HTTPBadRequest", "A JSON object is expected.")
		w.refused("admin", "POST", net2+"networks", `{"networks":[`+many+`]}`, 400, "HTTPBadRequest", "257 networks in one request are more than 256.")
		w.refused("admin", "POST", net2+"networks", `{"networks":[{"name":"n"}],"network":{}}`, 400, "HTTPBadRequest", "Unable to find 'network' in request body")
		w.refused("p1:reader", "POST", net2+"networks", `{"networks":[{"name":"n"}]}`, 403, "PolicyNotAuthorized", "Policy does not allow this caller to create a network.")
	})
}

func TestNameOfTheDefaultGroup(t *testing.T) {
	w := newWorld(t)
	const groups = "/networking/v2.0/security-groups"
	g := w.make("security_group", "security-groups", `{"name":"web"}`)
	w.refused("admin", "PUT", groups+"/"+id(g), `{"security_group":{"name":"default"}}`, 409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
	def := w.list("admin", groups+"?name=default", "security_groups", "id")
	if len(def) != 1 {
		t.Fatalf("default groups: %v", def)
	}
	w.refused("admin", "PUT", groups+"/"+def[0], `{"security_group":{"name":"mine"}}`, 409, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
	if status, out := w.call("admin", "PUT", groups+"/"+def[0], `{"security_group":{"name":"default","description":"d"}}`); status != 200 {
		t.Errorf("description of the default group: %d %v", status, out)
	}
}
