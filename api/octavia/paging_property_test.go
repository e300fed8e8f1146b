package octavia_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// listFilter is one filter of a list and what it means.
type listFilter struct {
	key, value string
	keep       func(lb object) bool
}

// drawFilters draws at most one filter of each key.
func drawFilters(t *rapid.T, all []object) (out []listFilter) {
	some := rapid.SampledFrom(all).Draw(t, "an object")
	names := rapid.SampledFrom([]string{"a", "b", "", "nobody"})
	tags := func(key string, keep func(has func(string) bool, want []string) bool) {
		want := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z", "none"}), 1, 3, rapid.ID).Draw(t, key)
		out = append(out, listFilter{key, strings.Join(want, ","), func(lb object) bool {
			return keep(func(tag string) bool { return slices.Contains(lb["tags"].([]any), any(tag)) }, want)
		}})
	}
	all4 := func(has func(string) bool, want []string) bool {
		return !slices.ContainsFunc(want, func(w string) bool { return !has(w) })
	}
	any4 := func(has func(string) bool, want []string) bool { return slices.ContainsFunc(want, has) }
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"name", "description", "admin_state_up", "vip_address", "id", "tags", "tags-any", "not-tags", "not-tags-any", "provisioning_status",
	}), 0, 3, rapid.ID).Draw(t, "filters") {
		switch key {
		case "tags":
			tags(key, all4)
		case "tags-any":
			tags(key, any4)
		case "not-tags":
			tags(key, func(has func(string) bool, want []string) bool { return !all4(has, want) })
		case "not-tags-any":
			tags(key, func(has func(string) bool, want []string) bool { return !any4(has, want) })
		case "admin_state_up":
			word := rapid.SampledFrom([]string{"true", "False", "1", "off", "junk"}).Draw(t, "up")
			out = append(out, listFilter{key, word, func(lb object) bool { return lb[key] == (word == "true" || word == "1") }})
		case "name", "description":
			want := names.Draw(t, key)
			out = append(out, listFilter{key, want, func(lb object) bool { return lb[key] == want }})
		default:
			want := some[key].(string)
			out = append(out, listFilter{key, want, func(lb object) bool { return lb[key] == want }})
		}
	}
	return out
}

// drawOrder draws sort=... and what it means.
func drawOrder(t *rapid.T) (text string, compare func(a, b object) int) {
	var parts []string
	var by []func(a, b object) int
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"name", "description", "admin_state_up", "vip_address", "created_at", "flavor_id", "operating_status", "provisioning_status",
	}), 0, 3, rapid.ID).Draw(t, "sort") {
		dir := rapid.SampledFrom([]string{"", ":asc", ":desc"}).Draw(t, "direction")
		parts = append(parts, key+dir)
		by = append(by, func(a, b object) int {
			n := cmp.Compare(fmt.Sprint(a[key]), fmt.Sprint(b[key]))
			if dir == ":desc" {
				return -n
			}
			return n
		})
	}
	return strings.Join(parts, ","), func(a, b object) int {
		for _, f := range by {
			if n := f(a, b); n != 0 {
				return n
			}
		}
		return 0
	}
}

// Any filter, order and page size, walked forward by the next links and back by
// the previous ones, gives what a list of all objects gives when it is filtered
// and sorted by hand.
func TestListsEqualTheirModel(t *testing.T) {
	w := newContractWorld(t)
	for i := range 40 {
		var tags []string
		for j, tag := range []string{`"x"`, `"y"`, `"z"`} {
			if i%(j+2) == 0 {
				tags = append(tags, tag)
			}
		}
		w.make("loadbalancers", "loadbalancer", fmt.Sprintf(`{"vip_subnet_id":"%s","name":"%s","description":"%s","admin_state_up":%t,"tags":[%s]}`,
			theSubnet, []string{"", "a", "b"}[i*7%3], []string{"b", "a", "", "c"}[i*5%4], i%3 > 0, strings.Join(tags, ",")))
	}
	rows := func(t *rapid.T, path string) ([]object, map[string]string) {
		status, out := w.ask("admin", "GET", path, "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %v", path, status, out)
		}
		var list []object
		for _, x := range out["loadbalancers"].([]any) {
			list = append(list, x.(object))
		}
		links := map[string]string{}
		for _, x := range out["loadbalancers_links"].([]any) {
			l := x.(object)
			links[l["rel"].(string)] = strings.TrimPrefix(l["href"].(string), "http://lbd.example:9876")
		}
		return list, links
	}
	ids := func(list []object) (out []string) {
		for _, x := range list {
			out = append(out, idOf(x))
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		all, _ := rows(t, base+"loadbalancers") // in order of creation
		filters := drawFilters(t, all)
		order, compare := drawOrder(t)
		limit := rapid.IntRange(1, 45).Draw(t, "limit")

		query := url.Values{"limit": {fmt.Sprint(limit)}}
		want := slices.DeleteFunc(all, func(lb object) bool {
			return slices.ContainsFunc(filters, func(f listFilter) bool { return !f.keep(lb) })
		})
		slices.SortStableFunc(want, compare)
		for _, f := range filters {
			query.Set(f.key, f.value)
		}
		if order != "" {
			query.Set("sort", order)
		}

		var walked [][]string
		for path := base + "loadbalancers?" + query.Encode(); path != ""; {
			page, links := rows(t, path)
			if len(page) > limit || (links["next"] != "") != (len(page) == limit) {
				t.Fatalf("%s: %d rows, links %v", path, len(page), links)
			}
			if back := links["previous"]; back != "" {
				before, _ := rows(t, back)
				if !slices.Equal(ids(before), walked[len(walked)-1]) {
					t.Fatalf("%s: the page before is %v, want %v", path, ids(before), walked[len(walked)-1])
				}
			} else if len(walked) > 0 && len(page) > 0 {
				t.Fatalf("%s: no way back", path)
			}
			walked = append(walked, ids(page))
			path = links["next"]
		}
		if got := slices.Concat(walked...); !slices.Equal(got, ids(want)) {
			t.Fatalf("%s:\n got %v\nwant %v", query.Encode(), got, ids(want))
		}
	})
}
