package h2member

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"lbd/dataplane/http1"
)

// framing of an answer's body in HTTP/1.1.
type framing uint8

const (
	bare    framing = iota // none: HEAD, 204, 304
	length                 // Content-Length
	chunked                // without a known length
)

// wellFormed makes up for what net/http lets pass of a final answer: a status that is
// not three digits, several lengths or one that is no number, and fields of a
// connection (RFC 9113 sections 8.1.1, 8.2.2 and 8.3.2).
func wellFormed(resp *http.Response) bool {
	status := strconv.Itoa(resp.StatusCode)
	if len(status) != 3 || !strings.HasPrefix(resp.Status, status+" ") || connectionSpecific(resp.Header) {
		return false
	}
	lengths := resp.Header["Content-Length"]
	if len(lengths) > 1 {
		return false
	}
	for _, v := range lengths {
		if v == "" || strings.Trim(v, "0123456789") != "" || resp.ContentLength < 0 { // the latter: too large a number
			return false
		}
	}
	return true
}

func connectionSpecific(fields http.Header) bool {
	for _, name := range []string{"Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"} {
		if _, ok := fields[name]; ok {
			return true
		}
	}
	return false
}

// appendHead appends the head of resp in HTTP/1.1.
func appendHead(dst []byte, resp *http.Response, method string) ([]byte, framing) {
	how := chunked
	switch {
	case method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified:
		how = bare
	case resp.ContentLength >= 0:
		how = length
	}
	dst = appendStatus(dst, resp.StatusCode)
	dst = appendFields(dst, resp.Header)
	switch how {
	case length:
		dst = append(strconv.AppendInt(append(dst, "content-length: "...), resp.ContentLength, 10), "\r\n"...)
	case chunked:
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	case bare: // what it would have been
		if v := resp.Header["Content-Length"]; len(v) == 1 && resp.StatusCode != http.StatusNoContent {
			dst = appendField(dst, "content-length", v[0])
		}
	}
	return append(dst, "\r\n"...), how
}

// appendInterim appends an interim answer (1xx).
func appendInterim(dst []byte, status int, fields textproto.MIMEHeader) []byte {
	dst = appendStatus(dst, status)
	return append(appendFields(dst, http.Header(fields)), "\r\n"...)
}

func appendStatus(dst []byte, status int) []byte {
	dst = strconv.AppendInt(append(dst, "HTTP/1.1 "...), int64(status), 10)
	dst = append(append(dst, ' '), http.StatusText(status)...)
	return append(dst, "\r\n"...)
}

func appendFields(dst []byte, fields http.Header) []byte {
	for name, values := range fields {
		if name == "Content-Length" {
			continue
		}
		for _, v := range values {
			dst = appendField(dst, name, v)
		}
	}
	return dst
}

// appendTrailer appends the end of a chunked body.
func appendTrailer(dst []byte, fields http.Header) []byte {
	dst = append(dst, "0\r\n"...)
	for name, values := range fields {
		if http1.ForbiddenTrailer([]byte(strings.ToLower(name))) {
			continue
		}
		for _, v := range values {
			dst = appendField(dst, name, v)
		}
	}
	return append(dst, "\r\n"...)
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}
