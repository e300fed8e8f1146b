package octavia

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
)

// maxPage is the largest page, and where a list without a limit is cut.
const maxPage = 1000

// paging is which page was asked for.
type paging struct {
	limit   int // 0: all there is
	marker  string
	marked  bool // there is a marker
	reverse bool
}

func parsePaging(values url.Values) (paging, error) {
	p := paging{limit: maxPage, marker: values.Get("marker"), marked: values.Has("marker")}
	p.reverse, _ = parseBool(values.Get("page_reverse"))
	s := values.Get("limit")
	switch {
	case !values.Has("limit"):
	case s == "infinite":
		p.limit = 0
	default:
		n, err := strconv.Atoi(s)
		if err != nil {
			return p, badPaging("Supplied pagination limit '%s' is not valid.", shorten(s))
		}
		p.limit = min(max(n, 0), maxPage)
	}
	return p, nil
}

// span is a part of a list: rows begin to end-1.
type span struct{ begin, end int }

// link leads to a neighbouring page.
type link struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
}

// cut picks the page out of n rows, and makes its links (contract 7.3). A page
// in reverse is the one before the marker, in ascending order all the same.
func (p paging) cut(c echo.Context, n int, id func(i int) string) (span, []link, error) {
	at := -1
	if p.marked {
		for i := 0; i < n && at < 0; i++ {
			if id(i) == p.marker {
				at = i
			}
		}
		if at < 0 {
			return span{}, nil, invalid("Supplied pagination marker '%s' is not valid.", shorten(p.marker))
		}
	}
	limit := p.limit
	if limit == 0 {
		limit = n
	}
	var s span
	switch {
	case p.reverse && p.marked:
		s = span{max(0, at-limit), at}
	case p.reverse:
		s = span{max(0, n-limit), n}
	default:
		s = span{at + 1, min(n, at+1+limit)}
	}
	links := []link{}
	if p.limit == 0 || s.begin == s.end {
		return s, links, nil
	}
	if p.marked {
		links = append(links, p.link(c, "previous", id(s.begin)))
	}
	if s.end-s.begin >= limit {
		links = append(links, p.link(c, "next", id(s.end-1)))
	}
	return s, links, nil
}

// inQuery leaves the separators of sort keys readable, as Octavia does.
var inQuery = strings.NewReplacer("%3A", ":", "%2C", ",")

// link repeats everything that was asked for but the place (quirk 6).
func (p paging) link(c echo.Context, rel, marker string) link {
	var q strings.Builder
	q.WriteString("limit=" + strconv.Itoa(p.limit))
	values := c.QueryParams()
	for _, k := range sortedKeys(values) {
		if k == "limit" || k == "marker" || k == "page_reverse" {
			continue
		}
		for _, v := range values[k] {
			q.WriteString("&" + url.QueryEscape(k) + "=" + inQuery.Replace(url.QueryEscape(v)))
		}
	}
	q.WriteString("&marker=" + url.QueryEscape(marker))
	if rel == "previous" {
		q.WriteString("&page_reverse=True")
	}
	return link{api.BaseURL(c) + c.Request().URL.EscapedPath() + "?" + q.String(), rel}
}
