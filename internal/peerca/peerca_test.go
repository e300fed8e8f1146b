package peerca

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newCA(t testing.TB) *CA {
	t.Helper()
	ca, err := NewCA("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func newNode(t *testing.T, ca *CA, id string, now time.Time) tls.Certificate {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ParseCSR(csr)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := ca.Sign(pub, id, []string{"127.0.0.1:9877", "lb1.example"}, now)
	if err != nil {
		t.Fatal(err)
	}
	kp, err := EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.TLS(pem, kp)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateNamesTheNodeAndItsAddresses(t *testing.T) {
	ca := newCA(t)
	leaf := newNode(t, ca, "n1", time.Now()).Leaf
	if got := leaf.DNSNames; !cmp.Equal(got, []string{"n1.lbd.internal", "lb1.example"}) {
		t.Errorf("names: %v", got)
	}
	if len(leaf.IPAddresses) != 1 || !leaf.IPAddresses[0].Equal(net.IPv4(127, 0, 0, 1)) {
		t.Errorf("addresses: %v", leaf.IPAddresses)
	}
	id, err := ca.VerifyPeer([]*x509.Certificate{leaf}, x509.ExtKeyUsageClientAuth, time.Now())
	if err != nil || id != "n1" {
		t.Errorf("verify: %q, %v", id, err)
	}
}

func TestVerifyPeerRefuses(t *testing.T) {
	ca, other := newCA(t), newCA(t)
	f := func(name string, chain []*x509.Certificate) {
		t.Helper()
		if id, err := ca.VerifyPeer(chain, x509.ExtKeyUsageServerAuth, time.Now()); err == nil {
			t.Errorf("%s: accepted as %q", name, id)
		}
	}
	f("nothing", nil)
	f("another cluster's", []*x509.Certificate{newNode(t, other, "n1", time.Now()).Leaf})
	f("expired", []*x509.Certificate{newNode(t, ca, "n1", time.Now().Add(-2*NodeLife)).Leaf})
	f("the CA itself", []*x509.Certificate{ca.cert})
}

func TestCASurvivesItsPEM(t *testing.T) {
	ca := newCA(t)
	key, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadCA(ca.CertPEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	if ca.Fingerprint() != again.Fingerprint() {
		t.Error("another fingerprint")
	}
	if _, err := LoadCA(newCA(t).CertPEM(), key); err == nil {
		t.Error("a key of another CA was accepted")
	}
}

func TestToken(t *testing.T) {
	ca := newCA(t)
	key := []byte("0123456789abcdef0123456789abcdef")
	now := time.Unix(1_700_000_000, 0)
	tok, err := NewToken(ca.Hash(), key, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, tok string, key []byte, at time.Time, want error) {
		t.Helper()
		if err := CheckToken(tok, ca.Hash(), key, at); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	f("good", tok, key, now, nil)
	f("good, with white space", " "+tok+"\n", key, now, nil)
	f("last moment", tok, key, now.Add(time.Hour-time.Nanosecond), nil)
	f("expired", tok, key, now.Add(time.Hour), ErrTokenExpired)
	f("other key", tok, []byte("x"), now, ErrTokenForeign)
	f("expired and other key", tok, []byte("x"), now.Add(2*time.Hour), ErrTokenForeign)
	f("empty", "", key, now, ErrTokenFormat)
	f("cut", tok[:len(tok)-1], key, now, ErrTokenFormat)
	f("long", tok+"A", key, now, ErrTokenFormat)
	flipped := []byte(tok)
	flipped[len(tokenPrefix)+50] ^= 1
	if err := CheckToken(string(flipped), ca.Hash(), key, now); err == nil {
		t.Error("a changed token was accepted")
	}
	if err := CheckToken(tok, newCA(t).Hash(), key, now); !errors.Is(err, ErrTokenForeign) {
		t.Errorf("other CA: %v", err)
	}
}

func FuzzParseToken(f *testing.F) {
	tok, err := NewToken(sha256.Sum256([]byte("ca")), []byte("key"), time.Unix(1_700_000_000, 0))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{tok, "", "lbd1.", tok[:40], strings.ToUpper(tok), "lbd2" + tok[4:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err != nil {
			return
		}
		if got := tok.encode(); got != strings.TrimSpace(s) {
			t.Fatalf("%q parses but encodes as %q", s, got)
		}
		if err := CheckToken(s, tok.CAHash, []byte("a key it was not made with"), time.Unix(0, 0)); err == nil {
			t.Fatalf("forged token %q accepted", s)
		}
	})
}

// handshake lets a client with cfg talk to a node that shows cert.
func handshake(t *testing.T, cfg *tls.Config, cert tls.Certificate) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		_ = tls.Server(conn, &tls.Config{
			Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		}).Handshake()
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { <-done }()
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	return tls.Client(conn, cfg).Handshake()
}

func TestPinAcceptsOneCA(t *testing.T) {
	ca, other := newCA(t), newCA(t)
	h := ca.Hash()
	if err := handshake(t, PinTLS(&h, nil), newNode(t, ca, "n1", time.Now())); err != nil {
		t.Errorf("own CA: %v", err)
	}
	if err := handshake(t, PinTLS(&h, nil), newNode(t, other, "n1", time.Now())); !errors.Is(err, ErrWrongCA) {
		t.Errorf("other CA: %v", err)
	}
	// A member of another cluster that adds our CA to its chain proves nothing.
	mixed := newNode(t, other, "n1", time.Now())
	mixed.Certificate = append(mixed.Certificate, ca.cert.Raw)
	if err := handshake(t, PinTLS(&h, nil), mixed); err == nil {
		t.Error("a chain that only shows our CA was accepted")
	}
	bare := newNode(t, ca, "n1", time.Now())
	bare.Certificate = bare.Certificate[:1]
	if err := handshake(t, PinTLS(&h, nil), bare); !errors.Is(err, ErrNotMember) {
		t.Errorf("no CA shown: %v", err)
	}
	var saw [sha256.Size]byte
	if err := handshake(t, PinTLS(nil, func(h [sha256.Size]byte) { saw = h }), newNode(t, ca, "n1", time.Now())); err != nil || saw != h {
		t.Errorf("first use: %v, hash seen: %v", err, saw == h)
	}
}

func TestCodeDependsOnBothSides(t *testing.T) {
	ca := newCA(t)
	k1, _ := NewKey()
	k2, _ := NewKey()
	code := func(h [sha256.Size]byte, k int) string {
		pub := &k1.PublicKey
		if k == 2 {
			pub = &k2.PublicKey
		}
		c, err := Code(h, pub)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := code(ca.Hash(), 1)
	if len(c) != 6 || c != code(ca.Hash(), 1) {
		t.Errorf("code %q is not six digits or not stable", c)
	}
	if c == code(ca.Hash(), 2) && c == code(newCA(t).Hash(), 1) {
		t.Error("code ignores key and CA")
	}
}

func TestSecretsStayOutOfLogs(t *testing.T) {
	ca := newCA(t)
	key, _ := ca.KeyPEM()
	s, err := NewSecrets(key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeSecrets(b)
	if err != nil || !cmp.Equal(s, again) {
		t.Errorf("secrets do not survive: %v", err)
	}
	if _, err := DecodeSecrets([]byte(`{"ca_key":"eA=="}`)); err == nil {
		t.Error("missing keys accepted")
	}
	if s.String() != "[cluster keys]" {
		t.Error("keys are printed")
	}
}
