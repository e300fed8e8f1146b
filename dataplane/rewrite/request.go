package rewrite

import (
	"net/netip"
	"strconv"

	"lbd/dataplane/http1"
	"lbd/dataplane/route"
)

// RequestOptions are what a request head depends on besides itself.
type RequestOptions struct {
	Client netip.Addr // who connected
	Local  netip.Addr // the address connected to
	// Forward is the listener's; nil inserts nothing.
	Forward *Forward
	// TLS is what Forward may tell of the client's TLS; nil without.
	TLS *route.TLSPeer
	// HideCookie names a cookie of ours that members do not see; "" for none.
	HideCookie string
}

// AppendRequest appends the head of r as a member gets it, with the empty line.
// The body follows in r.Framing: as it is with Length, in chunks of lbd's own
// with Chunks. To members it is always HTTP/1.1 on a connection that persists.
// One that may not be sent on (Request.MaxForwards is 0) is not for here.
func AppendRequest(dst []byte, r *http1.Request, o *RequestOptions) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, r.Path...)
	if r.Query != nil {
		dst = append(dst, '?')
		dst = append(dst, r.Query...)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = appendHost(dst, r.Host, o.Local)
	dst = append(dst, '\r', '\n')
	for i := range r.Fields {
		f := &r.Fields[i]
		if !keepRequestField(r, f, o.Forward) {
			continue
		}
		if o.HideCookie != "" && len(f.Name) == 6 && http1.Is(f.Name, "cookie") {
			dst = appendCookies(dst, f, o.HideCookie)
			continue
		}
		dst = appendField(dst, f.Name, f.Value)
	}
	if o.Forward != nil {
		dst = o.Forward.append(dst, o.Client, o.Local, o.TLS)
	}
	if n, limited := r.MaxForwards(); limited {
		dst = append(dst, "Max-Forwards: "...)
		dst = strconv.AppendInt(dst, n-1, 10)
		dst = append(dst, '\r', '\n')
	}
	switch {
	case r.Framing == http1.Length:
		dst = appendLength(dst, r.Length)
	case r.Framing == http1.Chunks:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case r.HasLength() || needsLength(r.Method):
		dst = append(dst, "Content-Length: 0\r\n"...)
	}
	switch {
	case r.WebSocket:
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	case r.AcceptsTrailers():
		dst = append(dst, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	return append(dst, '\r', '\n')
}

// appendHost writes the Host value. An HTTP/1.0 client need not send one; it meant
// the address it connected to (RFC 9112 section 3.3), and members that speak
// HTTP/1.1 refuse a request without.
func appendHost(dst, host []byte, local netip.Addr) []byte {
	local = local.Unmap()
	switch {
	case len(host) > 0 || !local.IsValid():
		return append(dst, host...)
	case local.Is6():
		return append(appendAddr(append(dst, '['), local), ']')
	}
	return appendAddr(dst, local)
}

// needsLength reports methods whose empty body is announced (RFC 9110 section 8.6).
func needsLength(method []byte) bool {
	switch string(method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

func keepRequestField(r *http1.Request, f *http1.Field, fwd *Forward) bool {
	name := f.Name
	switch len(name) {
	case 2:
		if http1.Is(name, "te") {
			return false // written anew
		}
	case 4:
		if http1.Is(name, "host") {
			return false
		}
	case 6:
		if http1.Is(name, "expect") {
			return r.Expect100
		}
	case 12:
		if _, limited := r.MaxForwards(); limited && http1.Is(name, "max-forwards") {
			return false // written anew
		}
	}
	if connectionField(name) {
		return false
	}
	if len(name) == 7 && http1.Is(name, "trailer") && !(r.Framing == http1.Chunks && http1.MayAnnounce(f.Value)) {
		return false // what it announces does not come
	}
	if fwd != nil && fwd.drops(name) {
		return false
	}
	if r.Nominated(name) {
		// Own forwarding headers can't be removed by naming them.
		return fwd != nil && fwd.inserts(name)
	}
	return true
}

// connectionField names the fields that belong to one connection or to framing,
// the latter also spelled in ways that a lenient member could take for them.
func connectionField(name []byte) bool {
	switch len(name) {
	case 7:
		return http1.Is(name, "upgrade")
	case 10:
		return http1.Is(name, "connection") || http1.Is(name, "keep-alive")
	case 14:
		return sameLoose(name, "content-length")
	case 16:
		return http1.Is(name, "proxy-connection")
	case 17:
		return sameLoose(name, "transfer-encoding")
	case 18: // a client's credentials for the next proxy: that is us, and members are none
		return http1.Is(name, "proxy-authenticate")
	case 19:
		return http1.Is(name, "proxy-authorization")
	case 25:
		return http1.Is(name, "proxy-authentication-info")
	}
	return false
}

func appendField(dst, name, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}
