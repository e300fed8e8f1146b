package octavia

import (
	"fmt"

	"lbd/store/model"
)

// headersHTTP may be inserted by HTTP listeners; headersTLS only where the
// client's TLS ends, too.
var (
	headersHTTP = []string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-IP", "X-Client-IP", "X-Real-IP"}
	headersTLS  = []string{
		"X-SSL-Client-Verify", "X-SSL-Client-Has-Cert", "X-SSL-Client-DN", "X-SSL-Client-CN",
		"X-SSL-Issuer", "X-SSL-Client-SHA1", "X-SSL-Client-Not-Before", "X-SSL-Client-Not-After",
	}
)

// checkHeaders is rule 1 of contract 3.2. shown is how the verb's message
// prints the list of names.
func checkHeaders(protocol model.Protocol, headers map[string]string, shown string) error {
	if len(headers) == 0 {
		return nil
	}
	if protocol != model.HTTP && protocol != model.TerminatedHTTPS {
		return notValidOption("insert-headers", fmt.Sprintf("a %s protocol listener.", protocol))
	}
	unknown := false
	var needTLS []string
	given := sortedKeys(headers)
	for _, k := range given {
		switch {
		case contains(headersHTTP, k):
		case contains(headersTLS, k):
			needTLS = append(needTLS, k)
		default:
			unknown = true
		}
	}
	switch {
	case unknown: // which one is not said
		return notValidOption(shorten(fmt.Sprintf(shown, pythonList(given))), "insert_headers")
	case len(needTLS) > 0 && protocol == model.HTTP:
		return invalid("%s is not a valid option for %s protocol listener.", pythonList(needTLS), protocol)
	}
	return nil
}
