package octavia_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// many has 25 load balancers, lb00 to lb24; every fifth has tag "five", every
// second "two".
func many(t *testing.T) *contractWorld {
	t.Helper()
	w := newContractWorld(t)
	for i := range 25 {
		var tags []string
		if i%5 == 0 {
			tags = append(tags, `"five"`)
		}
		if i%2 == 0 {
			tags = append(tags, `"two"`)
		}
		w.make("loadbalancers", "loadbalancer", fmt.Sprintf(`{"name":"lb%02d","vip_subnet_id":"%s","tags":[%s],"admin_state_up":%t}`,
			i, theSubnet, strings.Join(tags, ","), i < 20))
	}
	return w
}

// page is the names on a page, and its links by their rel.
func (w *contractWorld) page(url string) (names []string, links map[string]string, rels []string) {
	w.t.Helper()
	status, out := w.ask("admin", "GET", url, "")
	if status != http.StatusOK {
		w.t.Fatalf("GET %s: %d %v", url, status, out)
	}
	for _, x := range out["loadbalancers"].([]any) {
		names = append(names, x.(object)["name"].(string))
	}
	links = map[string]string{}
	for _, x := range out["loadbalancers_links"].([]any) {
		rel, href := x.(object)["rel"].(string), x.(object)["href"].(string)
		path, ok := strings.CutPrefix(href, "http://lbd.example:9876")
		if !ok {
			w.t.Errorf("href %s is not absolute", href)
		}
		links[rel] = path
		rels = append(rels, rel)
	}
	return names, links, rels
}

func TestContractPaging(t *testing.T) {
	w := many(t)
	for _, query := range []string{"limit=10&sort=name", "limit=10&sort=name:desc", "limit=5&sort=name&admin_state_up=true", "limit=7&sort=name&tags=two"} {
		t.Run(query, func(t *testing.T) {
			all, links, _ := w.page(base + "loadbalancers?" + strings.Join(strings.Split(query, "&")[1:], "&"))
			if len(links) != 0 {
				t.Errorf("links without a limit: %v", links)
			}
			var walked []string
			var previous []string
			for url, first := base+"loadbalancers?"+query, true; url != ""; first = false {
				names, links, rels := w.page(url)
				if len(names) > 0 && (links["previous"] != "") == first {
					t.Errorf("%s: links %v", url, links)
				}
				if len(rels) == 2 && rels[0] != "previous" {
					t.Errorf("%s: order of links %v", url, rels)
				}
				if back := links["previous"]; back != "" {
					if got, _, _ := w.page(back); !slices.Equal(got, previous) {
						t.Errorf("the page before %v is %v, want %v", names, got, previous)
					}
				}
				walked, previous, url = append(walked, names...), names, links["next"]
			}
			if diff := cmp.Diff(all, walked); diff != "" {
				t.Errorf("pages one after the other (-all +pages):\n%s", diff)
			}
		})
	}
}

func TestContractFullLastPage(t *testing.T) {
	w := many(t)
	names, links, _ := w.page(base + "loadbalancers?limit=25")
	if len(names) != 25 || links["next"] == "" {
		t.Fatalf("%d names, links %v", len(names), links)
	}
	if names, links, _ := w.page(links["next"]); len(names) != 0 || len(links) != 0 {
		t.Errorf("behind the last page: %v %v", names, links)
	}
	for _, limit := range []string{"0", "-1", "infinite"} {
		if names, links, _ := w.page(base + "loadbalancers?limit=" + limit); len(names) != 25 || len(links) != 0 {
			t.Errorf("limit=%s: %d names, links %v", limit, len(names), links)
		}
	}
	if names, links, _ := w.page(base + "loadbalancers?limit=5000"); len(names) != 25 || len(links) != 0 {
		t.Errorf("limit=5000: %d names, links %v", len(names), links)
	}
}

func TestContractFilters(t *testing.T) {
	w := many(t)
	for query, want := range map[string]string{
		"name=lb07":                             "lb07",
		"name=":                                 "",
		"name=nobody":                           "",
		"tags=five":                             "lb00 lb05 lb10 lb15 lb20",
		"tags=five,two":                         "lb00 lb10 lb20",
		"tags=five&tags=two":                    "lb00 lb10 lb20",
		"tags-any=five,two&not-tags=two":        "lb05 lb15",
		"not-tags=five,two&tags=five":           "lb05 lb15",
		"not-tags-any=five,two&name=lb03":       "lb03",
		"not-tags-any=five,two&name=lb04":       "",
		"admin_state_up=no":                     "lb20 lb21 lb22 lb23 lb24",
		"enabled=False":                         "lb20 lb21 lb22 lb23 lb24",
		"provisioning_status=ERROR":             "",
		"provisioning_status=junk":              "",
		"name=lb01&vip_subnet_id=" + theSubnet:  "lb01",
		"name=lb01&tenant_id=$project":          "lb01",
		"name=lb01&project_id=another":          "",
		"tags=five&sort=name:desc":              "lb20 lb15 lb10 lb05 lb00",
		"tags=five&sort_key=name&sort_dir=desc": "lb20 lb15 lb10 lb05 lb00",
		"tags=five&sort=admin_state_up,name":    "lb20 lb00 lb05 lb10 lb15",
	} {
		names, _, _ := w.page(base + "loadbalancers?" + strings.ReplaceAll(query, "$project", string(w.admin.Project)))
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", query, got, want)
		}
	}
	_, out := w.ask("admin", "GET", base+"loadbalancers?name=lb01&fields=name&fields=provider", "")
	if diff := cmp.Diff([]any{object{"name": "lb01", "provider": "lbd"}}, out["loadbalancers"]); diff != "" {
		t.Errorf("fields:\n%s", diff)
	}
	if _, out := w.ask("admin", "GET", base+"loadbalancers?name=lb01&fields=id,name", ""); !cmp.Equal(out["loadbalancers"], any([]any{object{}})) {
		t.Errorf("fields=id,name: %v", out)
	}
}
