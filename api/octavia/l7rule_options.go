package octavia

import (
	"regexp"
	"strings"

	"lbd/api/openapi"
	"lbd/store/model"
)

// line is a text of at most 255 characters on one line.
func (o *object) line(key string) Opt[string] {
	o.note(key, openapi.Text(255))
	return read(o, key, func(raw []byte) (string, string) {
		s, reason := parseText(raw, 255)
		if reason == "" && strings.ContainsAny(s, "\r\n\x00") {
			reason = `Value should match the pattern ^[^\r\n]*$`
		}
		return s, reason
	})
}

// The charsets of contract 4.4. The ranges that Octavia's patterns admit by
// accident ("+-.") are written out: a comma is in them.
const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	tokenChars   = alphanumeric + "!#$%&'*+,-.^_`|~"
	cookieChars  = alphanumeric + "!#$%&'()*+,-./:<=>?@[]^_`{|}~"
	headerChars  = alphanumeric + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

func within(s, chars string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(chars, r) })
}

// isHeaderValue also takes a quoted string with spaces and tabs.
func isHeaderValue(s string) bool {
	if n := len(s); n > 2 && s[0] == '"' && s[n-1] == '"' {
		return within(s[1:n-1], headerChars+" \t")
	}
	return within(s, headerChars)
}

// checkL7Match holds what a rule compares with what against contract 4.4. The
// regular expressions are RE2's, which knows no backreferences and no
// lookaround: what it cannot compile is refused.
func checkL7Match(kind model.L7RuleType, compare model.L7Compare, key, value string) error {
	if inner := l7MatchFault(kind, compare, key, value); inner != "" {
		return invalid("Error parsing L7Rule: %s", inner)
	}
	return nil
}

func l7MatchFault(kind model.L7RuleType, compare model.L7Compare, key, value string) string {
	const wrong = "Invalid L7 Rule: "
	switch {
	case kind == "":
		return wrong + "invalid rule type"
	case compare == "":
		return wrong + "invalid comparison type for rule type"
	case value == "":
		return wrong + "L7 rule type requires a value"
	}
	charset, what := isHeaderValue, "comparison value"
	switch kind {
	case model.L7SSLConnHasCert, model.L7SSLVerifyResult, model.L7SSLDNField:
		return l7TLSFault(kind, compare, key, value)
	case model.L7Header, model.L7Cookie:
		switch {
		case key == "":
			return wrong + "L7 rule type requires a key"
		case !within(key, tokenChars):
			return "Invalid characters in key"
		}
		what = "header value"
		if kind == model.L7Cookie {
			charset, what = func(s string) bool { return within(s, cookieChars) }, "cookie value"
		}
	case model.L7FileType:
		if compare != model.L7Regex && compare != model.L7EqualTo {
			return wrong + "invalid comparison type for rule type"
		}
	}
	if compare == model.L7Regex {
		return regexFault(value)
	}
	if !charset(value) {
		return "Invalid characters in " + what
	}
	return ""
}

func regexFault(value string) string {
	if _, err := regexp.Compile(value); err != nil {
		return "Unable to parse regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	return ""
}

func l7TLSFault(kind model.L7RuleType, compare model.L7Compare, key, value string) string {
	const wrong = "Invalid L7 Rule: "
	switch {
	case kind == model.L7SSLDNField && key == "":
		return wrong + "L7rule type SSL_DN_FIELD needs to specify a key and a value."
	case kind == model.L7SSLDNField && !isDNField(key):
		return wrong + "Invalid L7rule distinguished name field."
	case kind == model.L7SSLDNField && compare == model.L7Regex:
		return regexFault(value)
	case kind == model.L7SSLDNField:
		return ""
	case key != "":
		return wrong + "L7rule type " + string(kind) + " does not use the \"key\" field."
	case kind == model.L7SSLConnHasCert && !strings.EqualFold(value, "true"):
		return wrong + "L7rule value " + value + " is not a boolean True string."
	case kind == model.L7SSLVerifyResult && !within(value, "0123456789"):
		return wrong + "L7rule type SSL_VERIFY_RESULT needs a int value, which is >= 0"
	case compare != model.L7EqualTo:
		return wrong + "L7rule type " + string(kind) + " only supports the EQUAL_TO compare type."
	}
	return ""
}

// isDNField is for names of attributes in a distinguished name.
func isDNField(s string) bool {
	return within(s, alphanumeric+"-") && !strings.ContainsRune("0123456789-", rune(s[0]))
}
