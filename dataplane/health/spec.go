package health

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"lbd/store/model"
)

// Spec is how a member is probed. Comparable: a swap that leaves it equal leaves
// the probing alone.
type Spec struct {
	Type    model.MonitorType // HTTP, HTTPS, TCP, TLS-HELLO, PING or UDP-CONNECT
	Addr    netip.AddrPort
	Delay   time.Duration // from start to start, >= 1 s
	Timeout time.Duration // of one probe, >= 1 s
	Rise    int           // successes to come back
	Fall    int           // failures to go down

	// Secure is how the pool speaks TLS to its members; nil: in clear.
	Secure *tls.Config

	// Proxy is PROXY or PROXYV2 where the member expects that header on the port
	// that is probed, else empty.
	Proxy model.Protocol
	// ServerName is the name a TLS probe asks for; "" asks for none.
	ServerName string

	// Of HTTP and HTTPS.
	Method  string
	Path    string
	Host    string // Host header; "" with HTTP/1.0
	Version string // "1.0" or "1.1"
	Codes   string // as in the monitor
}

// NewSpec is the spec of hm for a member of a pool that speaks protocol. It fails
// for what is not served.
func NewSpec(hm *model.HealthMonitor, member *model.Server, protocol model.Protocol) (Spec, error) {
	s := Spec{
		Type:    hm.Type,
		Addr:    member.ProbeAddrPort(),
		Delay:   time.Duration(max(hm.Delay, 1)) * time.Second,
		Timeout: time.Duration(max(hm.Timeout, 1)) * time.Second,
		Rise:    max(hm.MaxRetries, 1),
		Fall:    max(hm.MaxRetriesDown, 1),
	}
	// As HAProxy: a monitor with a place of its own does not meet the member's
	// service, which is what expects the header.
	if (protocol == model.Proxy || protocol == model.ProxyV2) && s.Addr == member.AddrPort() {
		s.Proxy = protocol
	}
	switch hm.Type {
	case model.MonitorPing:
		s.Proxy = ""
		return s, nil
	case model.MonitorTCP, model.MonitorUDPConnect:
		return s, nil
	case model.MonitorTLSHello:
		s.ServerName = serverName(hm)
		return s, nil
	case model.MonitorHTTP:
	case model.MonitorHTTPS:
		s.ServerName = serverName(hm)
	default:
		return Spec{}, fmt.Errorf("health monitor type %s is not served", hm.Type)
	}
	s.Method, s.Path, s.Codes, s.Version = hm.HTTPMethod, hm.URLPath, hm.ExpectedCodes, hm.HTTPVersion
	if s.Method == "" {
		s.Method = "GET"
	}
	if s.Path == "" {
		s.Path = "/"
	}
	if s.Codes == "" {
		s.Codes = "200"
	}
	if s.Version != "1.1" {
		s.Version = "1.0"
	} else if s.Host = hm.DomainName; s.Host == "" {
		s.Host = hostOf(s.Addr, s.Type)
	}
	// Stored values were checked when they were written; a request that carries
	// a second line would still be worse than no request.
	for _, v := range []string{s.Method, s.Path, s.Host} {
		if strings.ContainsAny(v, " \t\r\n\x00") {
			return Spec{}, fmt.Errorf("health monitor: %q has characters that cannot be sent", v)
		}
	}
	if _, err := parseCodes(s.Codes); err != nil {
		return Spec{}, err
	}
	return s, nil
}

// serverName is SNI's form of the monitor's domain: without the root's dot.
func serverName(hm *model.HealthMonitor) string { return strings.TrimSuffix(hm.DomainName, ".") }

func hostOf(a netip.AddrPort, t model.MonitorType) string {
	if t == model.MonitorHTTPS && a.Port() != 443 || t != model.MonitorHTTPS && a.Port() != 80 {
		return a.String()
	}
	if a.Addr().Is6() {
		return "[" + a.Addr().String() + "]"
	}
	return a.Addr().String()
}

// codes is a set of status codes: inclusive ranges.
type codes [][2]int

func (c codes) has(code int) bool {
	for _, r := range c {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

// parseCodes reads "200", "200,202" or "200-204".
func parseCodes(s string) (codes, error) {
	var out codes
	for part := range strings.SplitSeq(s, ",") {
		lo, hi, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			hi = lo
		}
		a, err1 := strconv.Atoi(lo)
		b, err2 := strconv.Atoi(hi)
		if err1 != nil || err2 != nil || a < 0 || b > 999 || a > b {
			return nil, fmt.Errorf("expected_codes %q: not a list or range of status codes", s)
		}
		out = append(out, [2]int{a, b})
	}
	return out, nil
}
