package dataplane

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// What scanners ask of a TLS server, with ClientHellos that no decent client sends.

// scanned is a listener with certificates of both kinds for one name.
func scanned(t *testing.T, change func(*model.ListenerTLS)) netip.AddrPort {
	t.Helper()
	ca, addr := pki.NewCA(t, "ca"), freeAddr(t)
	svc := keep(web(addr, page(t, "hello").addr), ca.ECDSA("a").PKCS12(t, ""), ca.RSA("a").PKCS12(t, ""))
	n := start(t, Config{Keys: clear{}}, https(svc, func(l *model.ListenerTLS) {
		l.SNI, l.Versions, l.Ciphers = []string{key(1)}, []string{"TLSv1.2", "TLSv1.3"}, octaviaCiphers
		l.ALPN = []string{"h2", "http/1.1", "http/1.0"}
		if change != nil {
			change(l)
		}
	}))
	if f := n.Report().Failures; len(f) > 0 {
		t.Fatal(f)
	}
	return addr
}

// octaviaCiphers is what a listener has that names none.
const octaviaCiphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:" +
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"

// hello is a ClientHello of TLS 1.2 or before.
type hello struct {
	version     uint16
	ciphers     []uint16
	compression string // methods; "" is null alone
}

// said is what a server answers: a ServerHello, or the alert that is not 0.
type said struct {
	version, cipher uint16
	compression     byte
	random          string
	alert           byte
}

// Alerts of RFC 8446 section 6.
const (
	handshakeFailure      = 40
	illegalParameter      = 47
	protocolVersion       = 70
	inappropriateFallback = 86 // RFC 7507
)

func (h hello) encode() []byte {
	b := binary.BigEndian.AppendUint16(nil, h.version)
	b = append(append(b, make([]byte, 32)...), 0) // no session
	b = binary.BigEndian.AppendUint16(b, uint16(2*len(h.ciphers)))
	for _, c := range h.ciphers {
		b = binary.BigEndian.AppendUint16(b, c)
	}
	if h.compression == "" {
		h.compression = "\x00"
	}
	b = append(append(b, byte(len(h.compression))), h.compression...)
	ext := "\x00\x0a\x00\x06\x00\x04\x00\x1d\x00\x17" + // groups: x25519, secp256r1
		"\x00\x0b\x00\x02\x01\x00" + // uncompressed points
		"\x00\x0d\x00\x0c\x00\x0a\x04\x03\x08\x04\x04\x01\x02\x03\x02\x01" // ECDSA, PSS, PKCS 1
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(ext))), ext...)
	message := append([]byte{1, 0, byte(len(b) >> 8), byte(len(b))}, b...)
	return append([]byte{22, 3, 1, byte(len(message) >> 8), byte(len(message))}, message...)
}

// say sends h on a connection of its own.
func say(t *testing.T, addr netip.AddrPort, h hello) (s said) {
	t.Helper()
	w := dial(t, addr)
	defer w.Close()
	w.TCPConn.Write(h.encode())
	var head [5]byte
	if _, err := io.ReadFull(w, head[:]); err != nil {
		t.Fatalf("%+v: %v", h, err)
	}
	b := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(w, b); err != nil {
		t.Fatalf("%+v: %v", h, err)
	}
	if head[0] == 21 {
		return said{alert: b[1]}
	}
	sid := int(b[38])
	return said{
		version: binary.BigEndian.Uint16(b[4:]), random: string(b[6:38]),
		cipher: binary.BigEndian.Uint16(b[39+sid:]), compression: b[41+sid],
	}
}

// everyCipher are the numbers that suites of TLS up to 1.2 have.
func everyCipher() (all []uint16) {
	for _, r := range [][2]uint16{{0x0001, 0x00c7}, {0xc001, 0xc0af}, {0xcca8, 0xccae}} {
		for c := r[0]; c <= r[1]; c++ {
			all = append(all, c)
		}
	}
	return all
}

// enumerate finds the suites of a version in the server's order.
func enumerate(t *testing.T, addr netip.AddrPort, version uint16, offer []uint16) (names []string) {
	t.Helper()
	for left := slices.Clone(offer); len(left) > 0; {
		s := say(t, addr, hello{version: version, ciphers: left})
		if s.alert != 0 {
			return names
		}
		at := slices.Index(left, s.cipher)
		if at < 0 || s.version != version {
			t.Fatalf("%x in version %x was not offered", s.cipher, s.version)
		}
		left = slices.Delete(left, at, at+1)
		names = append(names, tls.CipherSuiteName(s.cipher))
	}
	return names
}

func TestScanVersions(t *testing.T) {
	all := everyCipher()
	addr := scanned(t, nil)
	for version, want := range map[uint16]said{
		0x0300: {alert: protocolVersion},
		0x0301: {alert: protocolVersion},
		0x0302: {alert: protocolVersion},
		0x0303: {version: 0x0303},
		0x0304: {version: 0x0303}, // TLS 1.3 is asked for elsewhere (RFC 8446 section 4.1.2)
		0x0400: {version: 0x0303},
	} {
		if got := say(t, addr, hello{version: version, ciphers: all}); got.version != want.version || got.alert != want.alert {
			t.Errorf("version %x: version %x, alert %d", version, got.version, got.alert)
		}
	}
	if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true}); err != nil || st.Version != tls.VersionTLS13 {
		t.Errorf("a client of today: %x, %v", st.Version, err)
	}
}

// By default every suite has forward secrecy and an AEAD, and the server's order counts.
func TestScanCiphers(t *testing.T) {
	want := []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	all := everyCipher()
	addr := scanned(t, nil)
	order := enumerate(t, addr, tls.VersionTLS12, all)
	slices.Reverse(all)
	if again := enumerate(t, addr, tls.VersionTLS12, all); !slices.Equal(order, again) {
		t.Errorf("the client's order counts: %v, then %v", order, again)
	}
	slices.Sort(order)
	slices.Sort(want)
	if !slices.Equal(order, want) {
		t.Errorf("suites %v", order)
	}
	some := scanned(t, func(l *model.ListenerTLS) { l.Ciphers = "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA" })
	if got := enumerate(t, some, tls.VersionTLS12, all); !slices.Equal(got, []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"}) {
		t.Errorf("suites of a list: %v", got)
	}
	// What the library does not have, no list brings back: NULL, EXPORT, RC4, 3DES, anonymous.
	every := scanned(t, func(l *model.ListenerTLS) {
		l.Ciphers, l.Versions = "ALL:COMPLEMENTOFALL:eNULL", []string{"TLSv1", "TLSv1.1", "TLSv1.2"}
	})
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS12} {
		for _, name := range enumerate(t, every, v, all) {
			if !strings.Contains(name, "_AES_") && !strings.Contains(name, "CHACHA20") || strings.Contains(name, "anon") {
				t.Errorf("version %x: %s", v, name)
			}
		}
	}
}

func TestScanCompression(t *testing.T) {
	addr := scanned(t, nil)
	if got := say(t, addr, hello{version: tls.VersionTLS12, ciphers: everyCipher(), compression: "\x01\x00"}); got.alert != 0 || got.compression != 0 {
		t.Errorf("deflate first: method %d, alert %d", got.compression, got.alert)
	}
	if got := say(t, addr, hello{version: tls.VersionTLS12, ciphers: everyCipher(), compression: "\x01"}); got.alert != handshakeFailure && got.alert != illegalParameter {
		t.Errorf("deflate alone: method %d, alert %d", got.compression, got.alert)
	}
}

// A client that was made to fall back learns of it.
func TestScanDowngrade(t *testing.T) {
	all, scsv := everyCipher(), tls.TLS_FALLBACK_SCSV
	wide := scanned(t, func(l *model.ListenerTLS) {
		l.Versions, l.Ciphers = []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, "ALL"
	})
	gap := scanned(t, func(l *model.ListenerTLS) { l.Versions, l.Ciphers = []string{"TLSv1", "TLSv1.3"}, "ALL" })
	for name, tc := range map[string]struct {
		addr    netip.AddrPort
		version uint16
		alert   byte
	}{
		"TLS 1.0":                  {wide, tls.VersionTLS10, inappropriateFallback},
		"TLS 1.1":                  {wide, tls.VersionTLS11, inappropriateFallback},
		"TLS 1.2":                  {wide, tls.VersionTLS12, inappropriateFallback},
		"TLS 1.0, gap to TLS 1.3":  {gap, tls.VersionTLS10, protocolVersion},
		"TLS 1.2, the newest here": {scanned(t, func(l *model.ListenerTLS) { l.Versions = []string{"TLSv1.2"} }), tls.VersionTLS12, 0},
	} {
		h := hello{version: tc.version, ciphers: all}
		if got := say(t, tc.addr, h); got.alert != 0 || got.version != tc.version {
			t.Errorf("%s: version %x, alert %d", name, got.version, got.alert)
		}
		h.ciphers = append(slices.Clone(all), scsv)
		if got := say(t, tc.addr, h); got.alert != tc.alert {
			t.Errorf("%s with TLS_FALLBACK_SCSV: version %x, alert %d", name, got.version, got.alert)
		}
	}
	// RFC 8446 section 4.1.3.
	for version, want := range map[uint16]string{tls.VersionTLS12: "DOWNGRD\x01", tls.VersionTLS11: "DOWNGRD\x00", tls.VersionTLS10: "DOWNGRD\x00"} {
		if got := say(t, wide, hello{version: version, ciphers: all}); !strings.HasSuffix(got.random, want) {
			t.Errorf("version %x: random ends in %q", version, got.random[24:])
		}
	}
}

func TestScanALPN(t *testing.T) {
	wide := scanned(t, func(l *model.ListenerTLS) {
		l.Versions, l.Ciphers = []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, "ALL"
	})
	gap := scanned(t, func(l *model.ListenerTLS) { l.Versions, l.Ciphers = []string{"TLSv1.1", "TLSv1.3"}, "ALL" })
	old := scanned(t, func(l *model.ListenerTLS) { l.Versions, l.Ciphers = []string{"TLSv1", "TLSv1.1"}, "ALL" })
	alone := scanned(t, func(l *model.ListenerTLS) {
		l.ALPN, l.Versions, l.Ciphers = []string{"h2"}, []string{"TLSv1.1", "TLSv1.2"}, "ALL"
	})
	for name, tc := range map[string]struct {
		addr  netip.AddrPort
		max   uint16
		offer []string
		want  string // "no": refused
	}{
		"both":                {wide, tls.VersionTLS13, []string{"http/1.1", "h2"}, "h2"},
		"HTTP/1.1":            {wide, tls.VersionTLS13, []string{"http/1.1"}, "http/1.1"},
		"HTTP/1.0":            {wide, tls.VersionTLS13, []string{"http/1.0"}, "http/1.0"},
		"none":                {wide, tls.VersionTLS13, nil, ""},
		"unknown":             {wide, tls.VersionTLS13, []string{"foo"}, "no"},
		"TLS 1.2":             {wide, tls.VersionTLS12, []string{"h2", "http/1.1"}, "h2"},
		"TLS 1.1":             {wide, tls.VersionTLS11, []string{"h2", "http/1.1"}, "http/1.1"}, // RFC 9113 section 9.2
		"TLS 1.0":             {wide, tls.VersionTLS10, []string{"h2", "http/1.1"}, "http/1.1"},
		"TLS 1.1, h2 alone":   {wide, tls.VersionTLS11, []string{"h2"}, "no"},
		"gap, TLS 1.3":        {gap, tls.VersionTLS13, []string{"h2", "http/1.1"}, "h2"},
		"gap, TLS 1.1":        {gap, tls.VersionTLS11, []string{"h2", "http/1.1"}, "http/1.1"},
		"old listener":        {old, tls.VersionTLS13, []string{"h2", "http/1.1"}, "http/1.1"},
		"listener of h2":      {alone, tls.VersionTLS12, []string{"h2", "http/1.1"}, "h2"},
		"listener of h2, old": {alone, tls.VersionTLS11, []string{"h2", "http/1.1"}, ""},
	} {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", tc.addr.String(),
			&tls.Config{InsecureSkipVerify: true, NextProtos: tc.offer, MinVersion: tls.VersionTLS10, MaxVersion: tc.max})
		got := "no"
		if err == nil {
			got = c.ConnectionState().NegotiatedProtocol
			c.Close()
		} else if !strings.Contains(err.Error(), "no application protocol") {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// HTTP/2 is not carried by suites that RFC 9113 appendix A bans, not even in a session
// that is resumed: HTTP/1.1 takes its place.
func TestScanHTTP2Suites(t *testing.T) {
	addr := scanned(t, func(l *model.ListenerTLS) { l.Ciphers = "ALL" })
	const (
		gcm  = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
		cbc  = tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
		rsa  = tls.TLS_RSA_WITH_AES_128_GCM_SHA256
		both = tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	)
	sessions := tls.NewLRUClientSessionCache(4)
	for _, tc := range []struct {
		name   string
		suites []uint16
		offer  []string
		want   string // "no": refused
		suite  uint16
	}{
		{"CBC", []uint16{cbc}, []string{"h2", "http/1.1"}, "http/1.1", cbc},
		{"CBC remembered", []uint16{cbc, gcm}, []string{"h2", "http/1.1"}, "h2", gcm},
		{"RSA key exchange", []uint16{rsa}, []string{"h2", "http/1.1"}, "http/1.1", rsa},
		{"the other certificate's", []uint16{cbc, both}, []string{"h2", "http/1.1"}, "h2", both},
		{"CBC, h2 alone", []uint16{cbc}, []string{"h2"}, "no", 0},
		{"CBC, HTTP/1.1 alone", []uint16{cbc, gcm}, []string{"http/1.1"}, "http/1.1", gcm},
	} {
		st, err := greet12(t, addr, tc.suites, tc.offer, sessions)
		got := st.NegotiatedProtocol
		if err != nil && strings.Contains(err.Error(), "no application protocol") {
			got = "no"
		} else if err != nil {
			got = err.Error()
		}
		if got != tc.want || st.CipherSuite != tc.suite {
			t.Errorf("%s: %q, %s; want %q, %s", tc.name, got, tls.CipherSuiteName(st.CipherSuite), tc.want, tls.CipherSuiteName(tc.suite))
		}
	}
	if c, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}); err != nil || c.ConnectionState().NegotiatedProtocol != "h2" {
		t.Errorf("TLS 1.3: %v", err)
	} else {
		c.Close()
	}
}

// greet12 makes a handshake of TLS 1.2.
func greet12(t *testing.T, addr netip.AddrPort, suites []uint16, protocols []string, sessions tls.ClientSessionCache) (tls.ConnectionState, error) {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr.String(), &tls.Config{
		InsecureSkipVerify: true, ServerName: "a", MaxVersion: tls.VersionTLS12, CipherSuites: suites, NextProtos: protocols, ClientSessionCache: sessions,
	})
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

// Groups of today, among them one that a quantum computer does not break.
func TestScanGroups(t *testing.T) {
	addr := scanned(t, nil)
	for _, g := range []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521} {
		if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{g}}); err != nil || st.CurveID != g {
			t.Errorf("%s: %s, %v", g, st.CurveID, err)
		}
	}
	if st, err := greet(t, addr, &tls.Config{InsecureSkipVerify: true}); err != nil || st.CurveID != tls.X25519MLKEM768 {
		t.Errorf("a client of today: %s, %v", st.CurveID, err)
	}
}

// Answers of our own have HSTS as well: a redirect is often the only one that a
// browser sees of a name.
func TestScanHSTSOfOwnAnswers(t *testing.T) {
	addr, age := freeAddr(t), 60
	svc := withPolicies(keep(web(addr), pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")), nil,
		&model.RuledPolicy{Policy: &model.L7Policy{ID: "moved", Action: model.L7RedirectURL, RedirectURL: "https://www.a/", RedirectCode: 301}, Rules: onPath(model.L7StartsWith, "/old")},
		&model.RuledPolicy{Policy: &model.L7Policy{ID: "no", Action: model.L7Reject}, Rules: onPath(model.L7StartsWith, "/secret")})
	start(t, Config{Keys: clear{}}, https(svc, func(l *model.ListenerTLS) { l.HSTSMaxAge = &age }))
	for _, protocol := range []string{"http/1.1", "h2"} {
		hc := browser(t, addr, &tls.Config{InsecureSkipVerify: true})
		tr := hc.Transport.(*http.Transport)
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetHTTP1(protocol != "h2")
		tr.Protocols.SetHTTP2(protocol == "h2")
		hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for path, code := range map[string]int{"/": 503, "/old": 301, "/secret": 403, "/%": 400} {
			req, _ := http.NewRequest("GET", "https://a/", nil)
			req.URL.Opaque = path
			resp, err := hc.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := resp.Header["Strict-Transport-Security"]; resp.StatusCode != code || !slices.Equal(got, []string{"max-age=60;"}) {
				t.Errorf("%s %s: %s, HSTS %q", protocol, path, resp.Status, got)
			}
		}
	}
}
