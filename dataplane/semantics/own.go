package semantics

import (
	"strconv"

	"lbd/dataplane/http1"
)

// Own is an answer of our own.
type Own struct {
	Code int
	// Location, unless empty, is a safe value for the field of that name.
	Location []byte
	// Date is the Date line (package httpdate), or empty.
	Date []byte
	// Allow are the methods of the target; with code 405 "" means all that are served.
	Allow string
	// NodeLine is "Name: value\r\n" or empty.
	NodeLine []byte
	// Strict is the Strict-Transport-Security line, or empty.
	Strict []byte
	Head   bool // to HEAD: the length of the body only
	Keep   bool // the client's connection goes on
	// Body of media type Type; nil: the code and its phrase, as plain text.
	Body []byte
	Type string
}

// Append appends the answer. Its body is for people who look at the bytes.
func (o *Own) Append(dst []byte) []byte {
	text := http1.StatusText(o.Code)
	if text == "" {
		text = "Error"
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(o.Code), 10)
	dst = append(append(dst, ' '), text...)
	dst = append(dst, "\r\nContent-Type: "...)
	if o.Body != nil {
		dst = append(dst, o.Type...)
	} else {
		dst = append(dst, "text/plain"...)
	}
	dst = append(dst, "\r\nCache-Control: no-store\r\n"...)
	dst = append(dst, o.Date...)
	dst = append(dst, o.NodeLine...)
	dst = append(dst, o.Strict...)
	if allow := o.allow(); allow != "" {
		dst = append(append(append(dst, "Allow: "...), allow...), "\r\n"...)
	}
	if len(o.Location) > 0 {
		dst = append(dst, "Location: "...)
		dst = append(dst, o.Location...)
		dst = append(dst, "\r\n"...)
	}
	if !o.Keep {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	if o.Body != nil {
		dst = strconv.AppendInt(dst, int64(len(o.Body)), 10)
		dst = append(dst, "\r\n\r\n"...)
		if !o.Head {
			dst = append(dst, o.Body...)
		}
		return dst
	}
	dst = strconv.AppendInt(dst, int64(len("000 \n")+len(text)), 10)
	dst = append(dst, "\r\n\r\n"...)
	if !o.Head {
		dst = strconv.AppendInt(dst, int64(o.Code), 10)
		dst = append(append(append(dst, ' '), text...), '\n')
	}
	return dst
}

// Served are the methods that lbd itself has a word on; members have theirs.
const Served = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// allow is the Allow field, which a 405 must have (RFC 9110 section 15.5.6).
func (o *Own) allow() string {
	if o.Allow == "" && o.Code == http1.StatusMethodNotAllowed {
		return Served
	}
	return o.Allow
}

// LastHop is the answer to a request that may not be sent on: Max-Forwards is 0.
// To OPTIONS it says what can be asked; TRACE is not answered with what was sent,
// which may hold secrets that scripts must not see.
func LastHop(r *http1.Request) (o Own, last bool) {
	if n, limited := r.MaxForwards(); !limited || n > 0 {
		return Own{}, false
	}
	if string(r.Method) == "OPTIONS" {
		return Own{Code: http1.StatusOK, Allow: Served}, true
	}
	return Own{Code: http1.StatusMethodNotAllowed}, true
}
