package octavia

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// control are the query keys of a list that are no filters.
var control = []string{
	"fields", "limit", "marker", "page_reverse", "sort", "sort_key", "sort_dir",
	"tags", "tags-any", "not-tags", "not-tags-any",
}

// errFilter is for unknown, repeated and unanswerable filters (contract 7.2).
var errFilter = invalid("One or more arguments are either duplicate or invalid")

// parseFilters makes one predicate of each filter. It also returns the project
// asked for, by either of its names (quirk 17).
func parseFilters[T any](r *resource[T], values url.Values) (out []func(*seen, T) bool, project string, err error) {
	for _, key := range sortedKeys(values) {
		if contains(control, key) {
			continue
		}
		if len(values[key]) != 1 {
			return nil, "", errFilter
		}
		want := values[key][0]
		if key == "project_id" || key == "tenant_id" {
			project = want
			if r.project != nil {
				out = append(out, func(_ *seen, x T) bool { return string(r.project(x)) == want })
				continue
			}
		}
		a, ok := r.attr(key)
		if !ok || a.use == relation {
			return nil, "", errFilter
		}
		out = append(out, func(s *seen, x T) bool { return equal(a.get(s, x), want) })
	}
	return out, project, nil
}

// equal compares an attribute with the text of a filter. Null equals nothing,
// the empty text only an empty text; what is no boolean word counts as false.
func equal(have any, want string) bool {
	switch have := have.(type) {
	case string:
		return have == want
	case bool:
		v, _ := parseBool(want)
		return have == v
	case int:
		n, err := strconv.Atoi(want)
		return err == nil && n == have
	case int64:
		n, err := strconv.ParseInt(want, 10, 64)
		return err == nil && n == have
	case httpVersion:
		f, err := strconv.ParseFloat(want, 64)
		return err == nil && f == float64(have)
	case []string:
		return contains(have, want)
	default:
		return false
	}
}

// tagFilter is the four tag filters, all of which have to hold.
type tagFilter struct{ all, any, notAll, notAny []string }

// parseTags reads them; a comma list is the same as repeating the key.
func parseTags(values url.Values) tagFilter {
	split := func(key string) (out []string) {
		for _, v := range values[key] {
			out = append(out, strings.Split(v, ",")...)
		}
		return out
	}
	return tagFilter{split("tags"), split("tags-any"), split("not-tags"), split("not-tags-any")}
}

func (f tagFilter) match(have []string) bool {
	has := func(t string) bool { return slices.Contains(have, t) }
	lacks := func(t string) bool { return !has(t) }
	hasAll := func(list []string) bool { return !slices.ContainsFunc(list, lacks) }
	switch {
	case !hasAll(f.all):
		return false
	case len(f.any) > 0 && !slices.ContainsFunc(f.any, has):
		return false
	case len(f.notAll) > 0 && hasAll(f.notAll):
		return false
	case slices.ContainsFunc(f.notAny, has):
		return false
	}
	return true
}
