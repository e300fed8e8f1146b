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
		switch name {
		case "Content-Length", "Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade":
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
