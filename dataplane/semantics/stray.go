package semantics

// Stray judges what is buffered before a request whose head has not begun. Old
// clients send CRLF behind a body (RFC 9112 section 2.2): one such line is thrown
// away, and the connection is idle still, so that no head's deadline runs.
//
// drop is how many bytes to discard; idle says that no request has begun. seen
// remembers the one line; clear it with each request.
func Stray(buffered []byte, seen *bool) (drop int, idle bool) {
	if len(buffered) == 0 || *seen || buffered[0] != '\r' {
		return 0, len(buffered) == 0
	}
	if len(buffered) == 1 {
		return 0, true // it may become one
	}
	if buffered[1] != '\n' {
		return 0, false
	}
	*seen = true
	return 2, len(buffered) == 2
}
