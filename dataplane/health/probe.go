package health

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"lbd/dataplane/proxyproto"
	"lbd/store/model"
)

// Dialer opens a probe's connection; ctx ends with the probe's timeout.
type Dialer func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)

func dialTCP(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr.String())
}

// probe runs one check within s.Timeout and says in words what was wrong, ""
// when nothing was. A cancelled ctx gives whatever: the caller looks at ctx.
func probe(ctx context.Context, s *Spec, want codes, dial Dialer) string {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if s.Type == model.MonitorPing {
		if err := ping(ctx, s.Addr.Addr()); err != nil {
			return fmt.Sprintf("ping %s: %s", s.Addr.Addr(), cause(err, s.Timeout))
		}
		return ""
	}
	if s.Type == model.MonitorUDPConnect {
		if err := datagram(ctx, s.Addr); err != nil {
			return fmt.Sprintf("datagram to %s: %s", s.Addr, cause(err, s.Timeout))
		}
		return ""
	}
	conn, err := dial(ctx, s.Addr)
	if err != nil {
		return fmt.Sprintf("connect %s: %s", s.Addr, cause(err, s.Timeout))
	}
	defer func() { conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if s.Proxy != "" {
		if _, err := conn.Write(prelude(s.Proxy)); err != nil {
			return fmt.Sprintf("PROXY header to %s: %s", s.Addr, cause(err, s.Timeout))
		}
	}
	switch {
	case s.Type == model.MonitorTLSHello || s.Type == model.MonitorHTTPS:
		secure, err := handshake(ctx, conn, s)
		if err != nil {
			return fmt.Sprintf("TLS handshake with %s: %s", s.Addr, cause(err, s.Timeout))
		}
		conn = secure
	case s.Secure != nil:
		secure := tls.Client(conn, s.Secure)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Sprintf("TLS with %s: %s", s.Addr, cause(err, s.Timeout))
		}
		conn = secure
	}
	if s.Method == "" { // a connect, or a handshake, is all that was asked for
		return ""
	}

	what := s.Method + " " + s.Path + " on " + s.Addr.String()
	if _, err := conn.Write(request(s)); err != nil {
		return fmt.Sprintf("%s: %s", what, cause(err, s.Timeout))
	}
	code, err := readStatus(conn)
	if err != nil {
		return fmt.Sprintf("%s: %s", what, cause(err, s.Timeout))
	}
	if !want.has(code) {
		return fmt.Sprintf("%s: status %d, expected %s", what, code, s.Codes)
	}
	return ""
}

// prelude is the header of a connection that is no client's.
func prelude(p model.Protocol) []byte {
	if p == model.ProxyV2 {
		return proxyproto.AppendLocalV2(nil)
	}
	return proxyproto.AppendV1(nil, netip.AddrPort{}, netip.AddrPort{})
}

// handshake runs TLS on conn. Whose certificate the member shows is not judged, as
// in Octavia. For TLS-HELLO it is enough that the member has shown one: what it
// thinks of us as a client is not the question.
func handshake(ctx context.Context, conn net.Conn, s *Spec) (net.Conn, error) {
	shown := false
	c := tls.Client(conn, &tls.Config{
		ServerName: s.ServerName, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10,
		VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { shown = true; return nil },
	})
	err := c.HandshakeContext(ctx)
	if err != nil && (s.Type != model.MonitorTLSHello || !shown) {
		return nil, err
	}
	return c, nil
}

// request is the probe on the wire.
func request(s *Spec) []byte {
	b := make([]byte, 0, 256)
	b = append(b, s.Method...)
	b = append(b, ' ')
	b = append(b, s.Path...)
	b = append(b, " HTTP/"...)
	b = append(b, s.Version...)
	b = append(b, "\r\n"...)
	if s.Host != "" {
		b = append(b, "Host: "...)
		b = append(b, s.Host...)
		b = append(b, "\r\n"...)
	}
	b = append(b, "User-Agent: lbd-health\r\n"...)
	switch s.Method {
	case "POST", "PUT", "PATCH":
		b = append(b, "Content-Length: 0\r\n"...)
	}
	if s.Version == "1.1" {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

var (
	errNotHTTP = errors.New("answer is not HTTP")
	errEmpty   = errors.New("connection closed without an answer")
)

// readStatus reads as far as the end of the status line.
func readStatus(r io.Reader) (int, error) {
	buf := make([]byte, 0, 512)
	for {
		if i := bytes.IndexByte(buf, '\n'); i >= 0 {
			return statusOf(bytes.TrimSuffix(buf[:i], []byte("\r")))
		}
		if len(buf) >= maxStatusLine {
			return 0, errNotHTTP
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF && n == 0 {
			if len(buf) == 0 {
				return 0, errEmpty
			}
			return 0, errNotHTTP
		}
		if err != nil && n == 0 {
			return 0, err
		}
	}
}

// statusOf takes "HTTP/1.x NNN reason".
func statusOf(line []byte) (int, error) {
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[7] < '0' || line[7] > '9' || line[8] != ' ' {
		return 0, errNotHTTP
	}
	if len(line) > 12 && line[12] != ' ' {
		return 0, errNotHTTP
	}
	code, err := strconv.ParseUint(string(line[9:12]), 10, 16)
	if err != nil || code < 100 {
		return 0, errNotHTTP
	}
	return int(code), nil
}

// cause is the innermost reason in plain words.
func cause(err error, timeout time.Duration) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", timeout)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return err.Error()
}
