package octavia

import (
	"math"
	"regexp"
	"strings"

	"lbd/api/openapi"
	"lbd/store/model"
)

// shownPersistence has all four keys, or is null as a whole.
func shownPersistence(x *model.Pool) any {
	sp := x.Persistence
	if sp == nil {
		return nil
	}
	var timeout any
	if sp.Timeout != 0 {
		timeout = sp.Timeout
	}
	return doc{
		{"type", sp.Type},
		{"cookie_name", text(sp.CookieName)},
		{"persistence_timeout", timeout},
		{"persistence_granularity", text(sp.Granularity)},
	}
}

const cookiePattern = `^[^\s,;\\]+$`

var cookieName = regexp.MustCompile(cookiePattern)

// persistence takes session_persistence. The type is mandatory on create; on
// update it may come from the stored one.
func (o *object) persistence(create bool) Opt[model.Persistence] {
	const key = "session_persistence"
	if raw, ok := o.fields[key]; ok && isNull(raw) {
		o.take(key)
		return Opt[model.Persistence]{Set: true, Null: true}
	}
	in := o.child(key)
	if in == nil {
		return Opt[model.Persistence]{}
	}
	kind := in.word("type", "SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE")
	if create {
		need(in, "type", kind)
	}
	in.note("cookie_name", openapi.Text(255))
	cookie := read(in, "cookie_name", func(raw []byte) (string, string) {
		s, reason := parseText(raw, 255)
		if reason == "" && !cookieName.MatchString(s) {
			reason = "Value should match the pattern " + cookiePattern
		}
		return s, reason
	})
	timeout := in.integer("persistence_timeout", 0, math.MaxInt32)
	granularity := in.ip("persistence_granularity")
	if err := in.done(); err != nil {
		o.fail(err)
	}
	return Opt[model.Persistence]{Set: true, V: model.Persistence{
		Type: kind.V, CookieName: cookie.V, Timeout: timeout.V, Granularity: granularity.V.text,
	}}
}

// checkPersistence is the rules of contract 3.3. datagrams is how the verb's message
// names the protocols that have a timeout.
func checkPersistence(protocol model.Protocol, sp model.Persistence, datagrams string) error {
	if protocol == model.UDP || protocol == model.SCTP {
		switch {
		case sp.Type == "SOURCE_IP" && sp.CookieName != "":
			return validation("session_persistence SOURCE_IP type for UDP and SCTP protocols only accepts: type, persistence_timeout, persistence_granularity.")
		case sp.CookieName != "":
			return validation("Cookie names are not supported for UDP/SCTP pools.")
		case sp.Type != "SOURCE_IP":
			return validation("Session persistence of type %s is not supported for UDP/SCTP protocol pools.", sp.Type)
		}
		return nil
	}
	switch {
	case sp.Timeout != 0 || sp.Granularity != "":
		return validation("persistence_timeout and persistence_granularity is only for %s protocol pools.", datagrams)
	case sp.Type == "APP_COOKIE" && sp.CookieName == "":
		return validation(`Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`)
	case sp.Type != "APP_COOKIE" && sp.CookieName != "":
		return validation(`Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".`)
	case strings.ContainsFunc(sp.CookieName, badInCookieName):
		return validation(`Supplied "cookie_name" is invalid.`)
	}
	return nil
}

func badInCookieName(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}
