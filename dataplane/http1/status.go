package http1

// Status codes that lbd answers with itself.
const (
	StatusOK                 = 200
	StatusMovedPermanently   = 301
	StatusFound              = 302
	StatusSeeOther           = 303
	StatusTemporaryRedirect  = 307
	StatusPermanentRedirect  = 308
	StatusBadRequest         = 400
	StatusForbidden          = 403
	StatusNotFound           = 404
	StatusMethodNotAllowed   = 405
	StatusRequestTimeout     = 408
	StatusContentTooLarge    = 413
	StatusURITooLong         = 414
	StatusExpectationFailed  = 417
	StatusHeadTooLarge       = 431
	StatusInternalError      = 500
	StatusNotImplemented     = 501
	StatusBadGateway         = 502
	StatusServiceUnavailable = 503
	StatusGatewayTimeout     = 504
	StatusVersion            = 505
)

// StatusText is the reason phrase of those codes (RFC 9110 section 15), "" for others.
func StatusText(code int) string {
	switch code {
	case StatusOK:
		return "OK"
	case StatusMovedPermanently:
		return "Moved Permanently"
	case StatusFound:
		return "Found"
	case StatusSeeOther:
		return "See Other"
	case StatusTemporaryRedirect:
		return "Temporary Redirect"
	case StatusPermanentRedirect:
		return "Permanent Redirect"
	case StatusForbidden:
		return "Forbidden"
	case StatusNotFound:
		return "Not Found"
	case StatusBadRequest:
		return "Bad Request"
	case StatusMethodNotAllowed:
		return "Method Not Allowed"
	case StatusRequestTimeout:
		return "Request Timeout"
	case StatusContentTooLarge:
		return "Content Too Large"
	case StatusURITooLong:
		return "URI Too Long"
	case StatusExpectationFailed:
		return "Expectation Failed"
	case StatusHeadTooLarge:
		return "Request Header Fields Too Large"
	case StatusInternalError:
		return "Internal Server Error"
	case StatusNotImplemented:
		return "Not Implemented"
	case StatusBadGateway:
		return "Bad Gateway"
	case StatusServiceUnavailable:
		return "Service Unavailable"
	case StatusGatewayTimeout:
		return "Gateway Timeout"
	case StatusVersion:
		return "HTTP Version Not Supported"
	}
	return ""
}
