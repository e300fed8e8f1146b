package vectors

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// message is an HTTP/1.1 message as a reader understands it that allows what RFC 9112
// tells senders to write, and nothing else.
type message struct {
	start    string
	fields   []string // "Name: value"
	body     string
	chunked  bool
	toEnd    bool // the body ends with the connection
	trailers []string
}

// get gives the values of a field.
func (m *message) get(name string) (values []string) {
	for _, f := range m.fields {
		if n, v, _ := strings.Cut(f, ": "); strings.EqualFold(n, name) {
			values = append(values, v)
		}
	}
	return values
}

func (m *message) String() string {
	return fmt.Sprintf("%q fields %q body %.60q trailers %q", m.start, m.fields, m.body, m.trailers)
}

// errCut is the end of the connection inside a message.
var errCut = errors.New("cut")

// line reads one line that ends with CRLF and holds no other CR, LF or NUL.
func line(r *bufio.Reader) (string, error) {
	s, err := r.ReadString('\n')
	if err != nil {
		if s == "" {
			return "", err
		}
		return "", fmt.Errorf("%w in line %q", errCut, s)
	}
	s, ok := strings.CutSuffix(s, "\r\n")
	if !ok || strings.ContainsAny(s, "\r\n\x00") {
		return "", fmt.Errorf("line %q", s)
	}
	return s, nil
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tchar(s[i]) {
			return false
		}
	}
	return s != ""
}

func tchar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 && c != 0
}

// section reads field lines up to the empty one.
func section(r *bufio.Reader) (fields []string, err error) {
	for {
		s, err := line(r)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errCut
			}
			return nil, err
		}
		if s == "" {
			return fields, nil
		}
		name, value, ok := strings.Cut(s, ":")
		if !ok || !isToken(name) {
			return nil, fmt.Errorf("field line %q", s)
		}
		value = strings.Trim(value, " \t")
		for i := range len(value) {
			if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
				return nil, fmt.Errorf("field line %q", s)
			}
		}
		fields = append(fields, name+": "+value)
	}
}

// content reads what follows a head. none: there is none whatever the head says.
func (m *message) content(r *bufio.Reader, request, none bool) error {
	coding, length := m.get("Transfer-Encoding"), m.get("Content-Length")
	if len(coding) > 1 || len(length) > 1 || len(coding) == 1 && len(length) == 1 {
		return fmt.Errorf("framing %q %q", coding, length)
	}
	if len(length) == 1 {
		if n := length[0]; n == "" || len(n) > 18 || strings.Trim(n, "0123456789") != "" {
			return fmt.Errorf("length %q", n)
		}
	}
	if len(coding) == 1 && coding[0] != "chunked" {
		return fmt.Errorf("coding %q", coding)
	}
	switch {
	case none:
		return nil
	case len(coding) == 1:
		m.chunked = true
		return m.chunks(r)
	case len(length) == 1:
		n, _ := strconv.Atoi(length[0])
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return errCut
		}
		m.body = string(b)
	case !request:
		m.toEnd = true
		b, err := io.ReadAll(r)
		m.body = string(b)
		if err != nil {
			return errCut
		}
	}
	return nil
}

func (m *message) chunks(r *bufio.Reader) error {
	for {
		s, err := line(r)
		if err != nil {
			return errCut
		}
		n, err := strconv.ParseUint(s, 16, 31) // no extension, sign or space
		if err != nil || strings.ContainsAny(s, "+_xX") {
			return fmt.Errorf("chunk size %q", s)
		}
		if n == 0 {
			m.trailers, err = section(r)
			return err
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return errCut
		}
		if string(b[n:]) != "\r\n" {
			return fmt.Errorf("chunk end %q", b[n:])
		}
		m.body += string(b[:n])
	}
}

// readRequest reads one request as a strict member does.
func readRequest(r *bufio.Reader) (*message, error) {
	s, err := line(r)
	if err != nil {
		return nil, err
	}
	m := &message{start: s}
	w := strings.Split(s, " ")
	if len(w) != 3 || !isToken(w[0]) || w[1] == "" || w[2] != "HTTP/1.1" {
		return m, fmt.Errorf("request line %q", s)
	}
	if w[1][0] != '/' && (w[0] != "OPTIONS" || w[1] != "*") {
		return m, fmt.Errorf("target %q", w[1])
	}
	for i := range len(w[1]) {
		if c := w[1][i]; c <= ' ' || c == 0x7f || c == '#' {
			return m, fmt.Errorf("target %q", w[1])
		}
	}
	if m.fields, err = section(r); err != nil {
		return m, err
	}
	if len(m.get("Host")) != 1 {
		return m, fmt.Errorf("hosts %q", m.get("Host"))
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Connection"} {
		if v := m.get(name); v != nil {
			return m, fmt.Errorf("%s %q reached the member", name, v)
		}
	}
	return m, m.content(r, true, false)
}

// readAnswer reads one answer as a strict client of HTTP/1.1 does. method is the
// request's.
func readAnswer(r *bufio.Reader, method string) (*message, error) {
	s, err := line(r)
	if err != nil {
		return nil, err
	}
	m := &message{start: s}
	if len(s) < 13 || s[:7] != "HTTP/1." || s[8] != ' ' || s[12] != ' ' || strings.Trim(s[9:12], "0123456789") != "" {
		return m, fmt.Errorf("status line %q", s)
	}
	if m.fields, err = section(r); err != nil {
		return m, err
	}
	code := m.status()
	none := method == "HEAD" || code < 200 || code == 204 || code == 304
	if (code < 200 || code == 204) && len(m.get("Content-Length"))+len(m.get("Transfer-Encoding")) > 0 {
		return m, fmt.Errorf("framing in %q", m)
	}
	return m, m.content(r, false, none)
}

func (m *message) status() int {
	n, _ := strconv.Atoi(m.start[9:12])
	return n
}
