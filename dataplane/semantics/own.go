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
	// NodeLine is "Name: value\r\n" or empty.
	NodeLine []byte
	Head     bool // to HEAD: the length of the body only
	Keep     bool // the client's connection goes on
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
	dst = append(dst, o.NodeLine...)
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
