package keymanager

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
	"lbd/store/model"
)

// Page sizes of listings (Barbican's).
const (
	defaultPage = 10
	maxPage     = 100
)

// page is one piece of a listing.
type page struct{ offset, limit int }

// readPage is lenient as Barbican is: what is no number is the default.
func readPage(q url.Values) page {
	p := page{limit: defaultPage}
	if n, err := strconv.Atoi(q.Get("offset")); err == nil && n > 0 {
		p.offset = n
	}
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		p.limit = min(n, maxPage)
	}
	return p
}

// answerPage answers with the piece of all that was asked for.
func answerPage[T any](c echo.Context, path, key string, all []T, view func(T) map[string]any) error {
	p := readPage(c.QueryParams())
	piece := all[min(p.offset, len(all)):]
	piece = piece[:min(p.limit, len(piece))]
	views := []map[string]any{}
	for _, x := range piece {
		views = append(views, view(x))
	}
	out := map[string]any{key: views, "total": len(all)}
	if p.offset > 0 {
		out["previous"] = pageLink(c, path, max(0, p.offset-p.limit), p.limit)
	}
	if len(all) > p.offset+p.limit {
		out["next"] = pageLink(c, path, p.offset+p.limit, p.limit)
	}
	return c.JSON(http.StatusOK, out)
}

func pageLink(c echo.Context, path string, offset, limit int) string {
	link := api.BaseURL(c) + prefix + path + "?limit=" + strconv.Itoa(limit) + "&offset=" + strconv.Itoa(offset)
	rest := url.Values{}
	for k, v := range c.QueryParams() {
		if k != "limit" && k != "offset" {
			rest[k] = v
		}
	}
	if len(rest) > 0 {
		link += "&" + rest.Encode()
	}
	return link
}

func (p *Part) listSecrets(c echo.Context) error {
	me := caller(c)
	if !mayList(me) {
		return errForbidden
	}
	q := c.QueryParams()
	match, err := secretFilter(q)
	if err != nil {
		return err
	}
	order, err := secretOrder(q.Get("sort"))
	if err != nil {
		return err
	}
	aclOnly := strings.EqualFold(q.Get("acl_only"), "true")
	now := p.now()
	var found []*model.Secret
	p.read.Read(func(st *store.State) {
		if aclOnly {
			found = st.Secrets()
		} else {
			found = st.SecretsOf(me.Project)
		}
	})
	found = slices.DeleteFunc(found, func(s *model.Secret) bool {
		if o := ofSecret(s); aclOnly && !o.listed(me) || !o.mayShow(me) {
			return true
		}
		return s.Expired(now) || !match(s)
	})
	if order != nil {
		slices.SortStableFunc(found, order)
	}
	return answerPage(c, "/secrets", "secrets", found, func(s *model.Secret) map[string]any { return secretView(c, s) })
}

// secretFilter is what the query asks of a secret.
func secretFilter(q url.Values) (func(*model.Secret) bool, error) {
	bits, _ := strconv.Atoi(q.Get("bits")) // Barbican ignores what is no number
	created, err := timeFilter(q.Get("created"))
	if err != nil {
		return nil, err
	}
	updated, err := timeFilter(q.Get("updated"))
	if err != nil {
		return nil, err
	}
	expires, err := timeFilter(q.Get("expiration"))
	if err != nil {
		return nil, err
	}
	is := func(key, have string) bool { return q.Get(key) == "" || q.Get(key) == have }
	return func(s *model.Secret) bool {
		return is("name", s.Name) && is("alg", s.Algorithm) && is("mode", s.Mode) && is("secret_type", s.Type) &&
			(bits == 0 || bits == s.BitLength) && created(s.Created) && updated(s.Updated) && expires(s.Expires)
	}, nil
}

// timeFilter reads "gt:TIME,lte:TIME", or a time to be met exactly.
func timeFilter(s string) (func(time.Time) bool, error) {
	if s == "" {
		return func(time.Time) bool { return true }, nil
	}
	var tests []func(time.Time) bool
	for part := range strings.SplitSeq(s, ",") {
		op, rest := "", part
		if o, r, ok := strings.Cut(part, ":"); ok && slices.Contains([]string{"gt", "gte", "lt", "lte"}, o) {
			op, rest = o, r
		}
		at, err := parseTime(rest)
		if err != nil {
			return nil, badQuery()
		}
		tests = append(tests, func(t time.Time) bool {
			d := t.Compare(at)
			switch op {
			case "gt":
				return d > 0
			case "gte":
				return d >= 0
			case "lt":
				return d < 0
			case "lte":
				return d <= 0
			}
			return d == 0
		})
	}
	return func(t time.Time) bool {
		for _, ok := range tests {
			if t.IsZero() || !ok(t) {
				return false
			}
		}
		return true
	}, nil
}

// secretOrder reads "name:asc,created:desc"; nil for the order of creation.
func secretOrder(s string) (func(a, b *model.Secret) int, error) {
	if s == "" {
		return nil, nil
	}
	by := map[string]func(a, b *model.Secret) int{
		"algorithm":   func(a, b *model.Secret) int { return cmp.Compare(a.Algorithm, b.Algorithm) },
		"bit_length":  func(a, b *model.Secret) int { return cmp.Compare(a.BitLength, b.BitLength) },
		"created":     func(a, b *model.Secret) int { return a.Created.Compare(b.Created) },
		"expiration":  func(a, b *model.Secret) int { return a.Expires.Compare(b.Expires) },
		"mode":        func(a, b *model.Secret) int { return cmp.Compare(a.Mode, b.Mode) },
		"name":        func(a, b *model.Secret) int { return cmp.Compare(a.Name, b.Name) },
		"secret_type": func(a, b *model.Secret) int { return cmp.Compare(a.Type, b.Type) },
		"status":      func(*model.Secret, *model.Secret) int { return 0 },
		"updated":     func(a, b *model.Secret) int { return a.Updated.Compare(b.Updated) },
	}
	var keys []func(a, b *model.Secret) int
	for part := range strings.SplitSeq(s, ",") {
		key, direction, given := strings.Cut(part, ":")
		f, ok := by[key]
		if !ok || given && direction != "asc" && direction != "desc" || len(keys) == len(by) {
			return nil, badQuery()
		}
		if direction == "desc" {
			keys = append(keys, func(a, b *model.Secret) int { return f(b, a) })
		} else {
			keys = append(keys, f)
		}
	}
	return func(a, b *model.Secret) int {
		for _, f := range keys {
			if d := f(a, b); d != 0 {
				return d
			}
		}
		return 0
	}, nil
}
