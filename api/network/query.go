package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
)

// maxPage bounds a page; more is only sent in one answer without limit=.
const maxPage = 1000

// filtered keeps the views that match: every key of the query must match, by
// any of its values. Keys that the objects do not have are ignored, as clients
// send some of their own.
func filtered(views []map[string]any, q url.Values) []map[string]any {
	out := views[:0]
	for _, v := range views {
		if matches(v, q) {
			out = append(out, v)
		}
	}
	return out
}

func matches(view map[string]any, q url.Values) bool {
	for key, want := range q {
		switch key {
		case "fields", "limit", "marker", "sort_key", "sort_dir", "page_reverse":
			continue
		case "fixed_ips":
			if !matchFixedIPs(view, want) {
				return false
			}
			continue
		case "tags", "tags-any", "not-tags", "not-tags-any":
			if !matchTags(view, key, want) {
				return false
			}
			continue
		}
		have, ok := view[key]
		if ok && !slices.ContainsFunc(want, func(w string) bool { return same(have, w) }) {
			return false
		}
	}
	return true
}

// same compares a value of an answer with one of the query.
func same(have any, want string) bool {
	switch have := have.(type) {
	case nil:
		return want == "" || want == "None" || want == "null"
	case bool:
		w, ok := truth(want)
		return ok && w == have
	case []string:
		return slices.Contains(have, want)
	default:
		text := fmt.Sprint(have)
		return text == want || sameAddr(text, want)
	}
}

func sameAddr(a, b string) bool {
	x, err1 := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	return err1 == nil && err2 == nil && x == y
}

// matchFixedIPs takes values "ip_address=A" and "subnet_id=S": an address of the
// port must match every key named, by any of its values.
func matchFixedIPs(view map[string]any, want []string) bool {
	fixed, ok := view["fixed_ips"].([]map[string]any)
	if !ok {
		return true
	}
	keys := url.Values{}
	for _, w := range want {
		k, v, _ := strings.Cut(w, "=")
		keys.Add(k, v)
	}
	for k, values := range keys {
		if !slices.ContainsFunc(fixed, func(f map[string]any) bool {
			if k == "ip_address_substr" {
				return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(fmt.Sprint(f["ip_address"]), v) })
			}
			return slices.ContainsFunc(values, func(v string) bool { return f[k] != nil && same(f[k], v) })
		}) {
			return false
		}
	}
	return true
}

// matchTags: tags wants all of a comma-separated list, tags-any one of it; the
// not- forms turn the answer round.
func matchTags(view map[string]any, key string, want []string) bool {
	have, _ := view["tags"].([]string)
	list := strings.Split(strings.Join(want, ","), ",")
	has := func(t string) bool { return slices.Contains(have, t) }
	kind, not := strings.CutPrefix(key, "not-")
	found := slices.ContainsFunc(list, has)
	if kind == "tags" {
		found = !slices.ContainsFunc(list, func(t string) bool { return !has(t) })
	}
	return found != not
}

// only keeps the named keys; all when none is named.
func only(view map[string]any, fields []string) map[string]any {
	if len(fields) == 0 {
		return view
	}
	out := map[string]any{}
	for _, f := range fields {
		if v, ok := view[f]; ok {
			out[f] = v
		}
	}
	return out
}

// paged sorts, cuts out the page asked for and drops unwanted fields.
func paged(c echo.Context, key string, views []map[string]any) (map[string]any, error) {
	q := c.QueryParams()
	sortBy(views, q["sort_key"], q["sort_dir"])
	reverse, _ := truth(q.Get("page_reverse"))
	limit := 0
	if s := q.Get("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil || limit < 0 {
			return nil, badRequest("Bad limit: '%s' is not a number.", s)
		}
		limit = min(limit, maxPage)
	}
	if m := q.Get("marker"); m != "" {
		at := slices.IndexFunc(views, func(v map[string]any) bool { return v["id"] == m })
		switch {
		case at < 0:
			return nil, badRequest("Bad marker: nothing here has the id '%s'.", m)
		case reverse:
			views = views[:at]
		default:
			views = views[at+1:]
		}
	}
	var next map[string]any
	if limit > 0 && len(views) > limit {
		if reverse {
			views = views[len(views)-limit:]
			next = pageLink(c, "previous", fmt.Sprint(views[0]["id"]), "True")
		} else {
			views = views[:limit]
			next = pageLink(c, "next", fmt.Sprint(views[limit-1]["id"]), "")
		}
	}
	out := make([]map[string]any, 0, len(views))
	for _, v := range views {
		out = append(out, only(v, q["fields"]))
	}
	body := map[string]any{key: out}
	if next != nil {
		body[key+"_links"] = []any{next}
	}
	return body, nil
}

func pageLink(c echo.Context, rel, marker, reverse string) map[string]any {
	q := c.QueryParams()
	copied := url.Values{}
	for k, v := range q {
		copied[k] = v
	}
	copied.Set("marker", marker)
	if reverse != "" {
		copied.Set("page_reverse", reverse)
	}
	return map[string]any{"rel": rel, "href": api.BaseURL(c) + c.Request().URL.Path + "?" + copied.Encode()}
}

// sortBy keeps the order of creation where keys are equal or not there.
func sortBy(views []map[string]any, keys, dirs []string) {
	if len(keys) == 0 {
		return
	}
	slices.SortStableFunc(views, func(a, b map[string]any) int {
		for i, k := range keys {
			d := compare(a[k], b[k])
			if i < len(dirs) && dirs[i] == "desc" {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
}

func compare(a, b any) int {
	if x, ok := a.(int); ok {
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
