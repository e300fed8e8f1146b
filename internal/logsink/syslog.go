package logsink

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"lbd/dataplane/accesslog"
)

// syslog sends each line as a datagram (RFC 5424, RFC 5426).
type syslog struct {
	network, address string
	conn             net.Conn
	host, tail       string // the parts of the header that stay
	buf              []byte
}

const (
	// facility local0, as HAProxy's usual one.
	facility      = 16
	severityInfo  = 6
	severityError = 3
	// maxDatagram is what any receiver on a real network takes; longer lines are cut.
	maxDatagram   = 8 << 10
	syslogTimeout = time.Second
)

func openSyslog(addr, node string) (accesslog.Sink, error) {
	u, err := url.Parse(addr)
	s := &syslog{host: node, tail: " lbd " + strconv.Itoa(os.Getpid()) + " access - "}
	switch {
	case err == nil && u.Scheme == "udp" && u.Host != "":
		s.network, s.address = "udp", u.Host
		if u.Port() == "" {
			s.address = net.JoinHostPort(u.Hostname(), "514")
		}
	case err == nil && u.Scheme == "unix" && u.Host == "" && u.Path != "":
		s.network, s.address = "unixgram", u.Path
	default:
		return nil, fmt.Errorf("access log: %q is neither syslog:udp://HOST:PORT nor syslog:unix:///PATH", "syslog:"+addr)
	}
	return s, nil
}

// Write opens the socket when it has to: the receiver may start after us, and
// may be started anew.
func (s *syslog) Write(ctx context.Context, batch []accesslog.Line) error {
	if s.conn == nil {
		var d net.Dialer
		ctx, cancel := context.WithTimeout(ctx, syslogTimeout)
		defer cancel()
		c, err := d.DialContext(ctx, s.network, s.address)
		if err != nil {
			return err
		}
		s.conn = c
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(syslogTimeout))
	for i := range batch {
		if _, err := s.conn.Write(s.datagram(&batch[i])); err != nil {
			_ = s.Close()
			return err
		}
	}
	return nil
}

func (s *syslog) datagram(l *accesslog.Line) []byte {
	severity := severityInfo
	if l.Failed {
		severity = severityError
	}
	b := append(s.buf[:0], '<')
	b = strconv.AppendInt(b, int64(facility*8+severity), 10)
	b = append(b, ">1 "...)
	b = l.At.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(append(append(b, ' '), s.host...), s.tail...)
	b = append(b, l.Text...)
	s.buf = b
	return b[:min(len(b), maxDatagram)]
}

func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}
