package octavia

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"lbd/api/openapi"
	"lbd/store/model"
)

// Defaults of a health monitor (contract 3.5).
const (
	defaultFall   = 3
	minUDPDelay   = 3 // seconds, for UDP-CONNECT
	defaultMethod = "GET"
	defaultPath   = "/"
	defaultCodes  = "200"
)

// httpVersion is shown as a number with one decimal: 1.0 stays 1.0.
type httpVersion float64

// MarshalJSON implements json.Marshaler.
func (v httpVersion) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(v), 'f', 1, 64), nil
}

func shownVersion(x *model.HealthMonitor) any {
	switch x.HTTPVersion {
	case "1.0":
		return httpVersion(1.0)
	case "1.1":
		return httpVersion(1.1)
	default:
		return nil
	}
}

// httpFields are the attributes of monitors that speak HTTP.
type httpFields struct {
	method, path, codes, version, domain Opt[string]
}

func readHTTPFields(o *object) httpFields {
	for _, key := range []string{"url_path", "expected_codes", "domain_name"} {
		o.note(key, openapi.Text(255))
	}
	o.note("http_version", &openapi.Schema{Type: "number"})
	return httpFields{
		method:  o.word("http_method", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH"),
		path:    read(o, "url_path", parseURLPath),
		codes:   read(o, "expected_codes", parseCodes),
		version: read(o, "http_version", parseHTTPVersion),
		domain:  read(o, "domain_name", parseDomain),
	}
}

func speaksHTTP(kind model.MonitorType) bool {
	return kind == model.MonitorHTTP || kind == model.MonitorHTTPS
}

// check judges the fields for a monitor of that kind; old is what an update
// changes, nil on create. For other kinds even a null is refused on update.
func (f *httpFields) check(kind model.MonitorType, old *model.HealthMonitor) error {
	if !speaksHTTP(kind) {
		for _, a := range []struct {
			name string
			opt  Opt[string]
		}{{"http_method", f.method}, {"url_path", f.path}, {"expected_codes", f.codes}} {
			if a.opt.Given() || old != nil && a.opt.Set {
				return invalid("%s is not a valid option for health monitors of type %s", a.name, kind)
			}
		}
	}
	version, domain := f.version.V, f.domain.V
	if old != nil {
		if !f.version.Set {
			version = old.HTTPVersion
		}
		if !f.domain.Set {
			domain = old.DomainName
		}
	}
	switch {
	case domain != "" && version == "":
		return validation("'http_version' must be specified when 'domain_name' is provided.")
	case domain != "" && version == "1.0":
		return notValidOption("http_version 1.0", "health monitors HTTP 1.1 domain name health check")
	}
	return nil
}

// maxURLPath and maxCodes are the widths of Octavia's columns (quirk 19).
const (
	maxURLPath = 2048
	maxCodes   = 64
)

func parseURLPath(raw []byte) (string, string) {
	const reason = "Value must be a valid URL Path string"
	s, why := parseText(raw, maxURLPath)
	if raw[0] != '"' {
		return "", reason
	}
	if why != "" {
		return "", why
	}
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsFunc(s, bad) {
		return "", reason
	}
	if _, err := url.Parse(s); err != nil {
		return "", reason
	}
	return s, ""
}

const codesPattern = `^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`

var codes = regexp.MustCompile(codesPattern)

func parseCodes(raw []byte) (string, string) {
	s, why := parseText(raw, math.MaxInt)
	switch {
	case why != "":
		return "", why
	case !codes.MatchString(s):
		return "", "Value should match the pattern " + codesPattern
	case len(s) > maxCodes:
		return "", fmt.Sprintf("Value should have a maximum character requirement of %d", maxCodes)
	}
	return s, ""
}

// parseHTTPVersion takes the numbers 1.0 and 1.1, also as text.
func parseHTTPVersion(raw []byte) (string, string) {
	f, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	switch {
	case err == nil && f == 1.0:
		return "1.0", ""
	case err == nil && f == 1.1:
		return "1.1", ""
	case err != nil && raw[0] == '"':
		return "", notNumber + shorten(pythonRepr(raw))
	}
	return "", "Value should be one of: 1.0, 1.1"
}

const domainPattern = `^(?=.{1,253}\.?$)(?:(?!-|[^.]+_)[A-Za-z0-9-_]{1,63}(?<!-)(?:\.|$))+$`

// parseDomain follows domainPattern, which looks ahead and so is no RE2: labels
// of 1 to 63 characters, without a hyphen at either end, and with an underscore
// at most as the first character.
func parseDomain(raw []byte) (string, string) {
	const reason = "Value should match the pattern " + domainPattern
	s, why := parseText(raw, 255)
	switch {
	case why != "":
		return "", why
	case s == "":
		return "", "Value should have a minimum character requirement of 1"
	}
	name := strings.TrimSuffix(s, ".")
	if len(name) > 253 {
		return "", reason
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Contains(label[1:], "_") ||
			strings.ContainsFunc(label, notLabel) {
			return "", reason
		}
	}
	return s, ""
}

func notLabel(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_'
}
