package octavia

import (
	"math"
	"net/url"
	"strings"

	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// l7PolicyFields are the attributes that create and update share.
type l7PolicyFields struct {
	named
	action, pool, url, prefix Opt[string]
	code, position            Opt[int]
}

func readL7Policy(o *object) l7PolicyFields {
	in := readTreeL7Policy(o)
	in.pool = o.id("redirect_pool_id")
	return in
}

// readTreeL7Policy leaves the pool out: in a tree it has no id yet.
func readTreeL7Policy(o *object) l7PolicyFields {
	n := o.described()
	n.tags = o.clearable(n.tags)
	return l7PolicyFields{
		named:  n,
		action: o.word("action", "REJECT", "REDIRECT_TO_URL", "REDIRECT_TO_POOL", "REDIRECT_PREFIX"),
		url:    o.url("redirect_url"), prefix: o.url("redirect_prefix"),
		code: o.redirectCode(), position: o.integer("position", 1, math.MaxInt32),
	}
}

// url takes an absolute http or https URL.
func (o *object) url(key string) Opt[string] {
	o.note(key, openapi.Format("uri"))
	return read(o, key, func(raw []byte) (string, string) {
		s, reason := parseText(raw, 255)
		if reason == "" && !isURL(s) {
			reason = "Value must be a valid URL string"
		}
		return s, reason
	})
}

func isURL(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

var errNoAction = invalid("Invalid L7 Policy action specified: None")

// needAction is need with the words that Octavia has for null.
func (o *object) needAction(action Opt[string]) {
	if action.Null {
		o.fail(errNoAction)
		return
	}
	need(o, "action", action)
}

func (o *object) redirectCode() Opt[int] {
	o.note("redirect_http_code", openapi.Integer(301, 308))
	return read(o, "redirect_http_code", func(raw []byte) (int, string) {
		n, reason := parseInteger(raw, 301, 308)
		switch {
		case strings.HasPrefix(reason, notInteger):
			return 0, reason
		case reason != "" || n > 303 && n < 307:
			return 0, "Value should be one of: 301, 302, 303, 307, 308"
		}
		return n, ""
	})
}

// implied finds the action of an update that names only where to redirect to.
func (in *l7PolicyFields) implied() {
	if in.action.Given() {
		return
	}
	action := model.L7Action("")
	switch {
	case in.pool.Given():
		action = model.L7RedirectPool
	case in.url.Given():
		action = model.L7RedirectURL
	case in.prefix.Given():
		action = model.L7RedirectPrefix
	default:
		return
	}
	if n := given(in.pool, in.url, in.prefix); n == 1 {
		in.action = Opt[string]{Set: true, V: string(action)}
	}
}

func given(opts ...Opt[string]) (n int) {
	for _, o := range opts {
		if o.Given() {
			n++
		}
	}
	return n
}

// check holds the redirects against the action (contract 4.4). Octavia drops
// what does not belong to the action, but for those that would change the
// action behind the client's back: they are refused here (quirk 15).
func (in *l7PolicyFields) check() error {
	bad := func(msg string) error { return invalid("Invalid L7 Policy arguments: %s", msg) }
	const both = "Cannot specify redirect_pool_id and redirect_url or redirect_prefix at the same time"
	action := model.L7Action(in.action.Or(""))
	switch {
	case action == model.L7RedirectURL && !in.url.Given():
		return bad("redirect_url must not be None")
	case action == model.L7RedirectPrefix && !in.prefix.Given():
		return bad("redirect_prefix must not be None")
	case action == model.L7RedirectPool && !in.pool.Given():
		return bad("redirect_pool_id or redirect_pool must not be None")
	case in.pool.Given() && in.prefix.Given(), action == "" && in.pool.Given() && in.url.Given():
		return bad(both)
	case action == "" && in.url.Given() && in.prefix.Given(), action == model.L7RedirectPrefix && in.url.Given():
		return bad("Cannot specify redirect_url and redirect_prefix at the same time")
	case action == model.L7Reject && in.prefix.Given():
		return bad("redirect_prefix cannot be specified with action REJECT")
	}
	return nil
}

// policy is a new one. What does not belong to its action is cleared by the store.
func (in *l7PolicyFields) policy() *model.L7Policy {
	x := &model.L7Policy{
		Base: model.Base{
			Name: in.name.Or(""), Description: in.description.Or(""), AdminStateUp: in.adminUp(), Tags: in.tags.V,
		},
		Action: model.L7Action(in.action.V), Position: in.position.Or(0), RedirectCode: in.code.Or(0),
	}
	switch x.Action {
	case model.L7RedirectPool:
		x.RedirectPool = model.PoolID(in.pool.V)
	case model.L7RedirectURL:
		x.RedirectURL = in.url.V
	case model.L7RedirectPrefix:
		x.RedirectPrefix = in.prefix.V
	}
	return x
}

func (in *l7PolicyFields) patch() *store.L7PolicyPatch {
	patch := &store.L7PolicyPatch{
		Name: in.name.Patch(""), Description: in.description.Patch(""), AdminStateUp: in.up.Patch(false), Tags: patchList(in.tags, nil),
		RedirectPool: idPatch[model.PoolID](in.pool), RedirectURL: in.url.Patch(""), RedirectPrefix: in.prefix.Patch(""),
		RedirectCode: in.code.Patch(0),
	}
	if in.action.Given() {
		action := model.L7Action(in.action.V)
		patch.Action = &action
	}
	if in.position.Given() { // null is ignored
		patch.Position = &in.position.V
	}
	return patch
}
