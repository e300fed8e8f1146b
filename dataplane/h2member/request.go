package h2member

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lbd/dataplane/http1"
)

// errRequest is a request that is none: a fault of who writes it.
var errRequest = errors.New("not an HTTP/1.1 request")

// request reads an HTTP/1.1 request as it is written, in pieces of any size. begin
// is called once, when the head is complete; the body goes to up.
type request struct {
	lim   http1.Limits
	up    *pipe
	begin func(*http.Request)

	state requestState
	head  []byte // of a head that is not complete
	left  int64
	body  http1.Chunked
	// trailer is complete when the end of the body is read; only then http2 looks at it.
	trailer http.Header
}

type requestState uint8

const (
	inHead requestState = iota
	inLength
	inChunks
	complete
)

// feed takes the next bytes. idle is how long the member may take nothing.
func (r *request) feed(p []byte, idle time.Duration) (n int, err error) {
	for n < len(p) {
		var m int
		switch r.state {
		case inHead:
			m, err = r.takeHead(p[n:])
		case inLength:
			m, err = r.up.Write(p[n:][:min(int64(len(p)-n), r.left)], idle)
			if r.left -= int64(m); r.left == 0 {
				r.finish()
			}
		case inChunks:
			m, err = r.takeChunk(p[n:], idle)
		default:
			err = errRequest // bytes behind the end
		}
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (r *request) finish() {
	r.state = complete
	r.up.close(io.EOF)
}

func (r *request) takeHead(p []byte) (n int, err error) {
	buf := p
	if len(r.head) > 0 {
		r.head = append(r.head, p...)
		buf = r.head
	}
	var h http1.Request
	end, err := h.Parse(buf, &r.lim)
	if err != nil {
		return 0, errRequest
	}
	if end == 0 {
		if len(r.head) == 0 {
			r.head = append(r.head, p...)
		}
		return len(p), nil
	}
	made := translate(&h)
	switch h.Framing {
	case http1.Length:
		r.state, r.left = inLength, h.Length
		made.ContentLength = h.Length
		if h.Length == 0 {
			r.finish()
		}
	case http1.Chunks:
		r.state = inChunks
		made.ContentLength = -1
		if made.Trailer == nil {
			made.Trailer = http.Header{}
		}
	default:
		r.finish()
	}
	if r.state != complete {
		made.Body = body{r, made.Trailer}
	}
	r.begin(made)
	n = len(p) - (len(buf) - end)
	r.head = nil
	return n, nil
}

func (r *request) takeChunk(p []byte, idle time.Duration) (int, error) {
	n, data, done, err := r.body.Next(p, &r.lim)
	if err != nil {
		return 0, errRequest
	}
	if len(data) > 0 {
		if _, err := r.up.Write(data, idle); err != nil {
			return 0, err
		}
	}
	if done {
		for _, f := range r.body.TrailerFields(nil) { // read behind the end of the body
			if r.trailer == nil {
				r.trailer = http.Header{}
			}
			r.trailer.Add(string(f.Name), string(f.Value))
		}
		r.finish()
	}
	return n, nil
}

// body is a request's body as http2 reads it. Its trailers are put where http2 looks
// for them by whoever reads the end.
type body struct {
	r       *request
	trailer http.Header
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.r.up.Read(p)
	if err == io.EOF {
		maps.Copy(b.trailer, b.r.trailer)
	}
	return n, err
}

func (b body) Close() error {
	b.r.up.shutdown()
	return nil
}

// translate makes the request of HTTP/2. What belongs to a connection is left out
// (RFC 9113 section 8.2.2), "te: trailers" alone stays.
func translate(h *http1.Request) *http.Request {
	host, target := string(h.Host), string(h.Target)
	r := &http.Request{
		Method: string(h.Method), Host: host, Header: make(http.Header, len(h.Fields)+1), ProtoMajor: 2,
		URL: &url.URL{Scheme: "https", Host: host, Opaque: target},
	}
	if strings.HasPrefix(target, "//") { // else it would be taken for an authority
		r.URL.Opaque = "//" + host + target
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		name := strings.ToLower(string(f.Name))
		switch name {
		case "host", "content-length", "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings":
			continue
		case "te":
			if !strings.EqualFold(string(f.Value), "trailers") {
				continue
			}
		case "trailer": // names are announced by http2 itself
			announce(r, string(f.Value))
			continue
		}
		r.Header.Add(name, string(f.Value))
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = []string{""} // none, instead of the library's
	}
	return r
}

func announce(r *http.Request, names string) {
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if name == "" || http1.ForbiddenTrailer([]byte(name)) {
			continue
		}
		if r.Trailer == nil {
			r.Trailer = http.Header{}
		}
		r.Trailer[http.CanonicalHeaderKey(name)] = nil
	}
}
