package octavia

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// sortKey is one attribute to order by.
type sortKey[T any] struct {
	get  func(*seen, T) any
	desc bool
}

// maxSortKeys bounds the work of one comparison.
const maxSortKeys = 10

// parseOrder reads sort=key[:dir],..., or else sort_key and sort_dir.
func parseOrder[T any](r *resource[T], values url.Values) ([]sortKey[T], error) {
	var keys, dirs []string
	if s := values.Get("sort"); s != "" {
		for part := range strings.SplitSeq(s, ",") {
			fields := strings.Split(part, ":")
			if len(fields) > 2 {
				return nil, badPaging("Supplied sort key '%s' is not valid.", pythonList(fields))
			}
			keys = append(keys, fields[0])
			dirs = append(dirs, strings.Join(fields[1:], ""))
		}
	} else if s := values.Get("sort_key"); s != "" {
		keys = strings.Split(s, ",")
		if d := values.Get("sort_dir"); d != "" {
			dirs = strings.Split(d, ",")
		}
	}
	if len(keys) > maxSortKeys {
		return nil, badPaging("At most %d sort keys are taken.", maxSortKeys)
	}
	var out []sortKey[T]
	for i, name := range keys {
		dir := ""
		if i < len(dirs) {
			dir = dirs[i]
		}
		if dir != "" && dir != "asc" && dir != "desc" {
			return nil, badPaging("Supplied sort direction '%s' is not valid.", shorten(dir))
		}
		a, ok := r.attr(name)
		if !ok || a.use != plain {
			return nil, invalid("Supplied sort key '%s' is not valid.", shorten(name))
		}
		out = append(out, sortKey[T]{a.get, dir == "desc"})
	}
	return out, nil
}

// sort orders rows, which come in order of creation: that stays the order
// among equals.
func (q *query[T]) sort(s *seen, rows []T) {
	if len(q.order) == 0 {
		return
	}
	type row struct {
		x    T
		keys []any
	}
	sorted := make([]row, len(rows))
	for i, x := range rows {
		keys := make([]any, len(q.order))
		for j, k := range q.order {
			keys[j] = k.get(s, x)
		}
		sorted[i] = row{x, keys}
	}
	slices.SortStableFunc(sorted, func(a, b row) int {
		for i, k := range q.order {
			if n := compare(a.keys[i], b.keys[i]); n != 0 {
				if k.desc {
					return -n
				}
				return n
			}
		}
		return 0
	})
	for i := range sorted {
		rows[i] = sorted[i].x
	}
}

// compare orders two values of one attribute; null comes first.
func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	case int:
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case httpVersion:
		if b, ok := b.(httpVersion); ok {
			return cmp.Compare(a, b)
		}
	case bool:
		if b, ok := b.(bool); ok {
			return cmp.Compare(number(a), number(b))
		}
	}
	return cmp.Compare(number(!isNothing(a)), number(!isNothing(b)))
}

func isNothing(v any) bool { return v == nil || v == absent{} }

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
