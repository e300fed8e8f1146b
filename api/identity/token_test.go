package identity

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lbd/api/deps"
	"lbd/store"
	"lbd/store/model"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func sampleToken() token {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678000, time.UTC)
	return token{
		User: model.UserID(strings.Repeat("a", 32)), Project: model.ProjectID(strings.Repeat("b", 32)), Method: "token,application_credential",
		App: model.AppCredentialID(strings.Repeat("c", 32)), UserEpoch: 1 << 20, ScopeEpoch: 1 << 40,
		Issued: at, Expires: at.Add(time.Hour), Audit: rand.Text()[:22], First: rand.Text()[:22],
	}
}

func TestTokenSurvivesTheWire(t *testing.T) {
	want := sampleToken()
	text, err := signer{testKey}.sign(want)
	if err != nil || len(text) > 256 {
		t.Fatalf("%v, %d bytes", err, len(text))
	}
	got, err := signer{testKey}.read(text)
	if err != nil || got != want {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if _, err := (signer{[]byte("another key of thirty-two bytes!")}).read(text); err == nil {
		t.Error("read with another key")
	}
	// No bit is without meaning.
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		if _, err := (signer{testKey}).read(string(changed)); err == nil {
			t.Errorf("byte %d does not matter", i)
		}
	}
	want.Audit = strings.Repeat("x", maxField+1)
	if _, err := (signer{testKey}).sign(want); err == nil {
		t.Error("signed a field that is too long")
	}
}

func FuzzToken(f *testing.F) {
	text, err := signer{testKey}.sign(sampleToken())
	if err != nil {
		f.Fatal(err)
	}
	empty, err := signer{testKey}.sign(token{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{text, empty, "", "lbd1.", "lbd1.AAAA", text[:len(text)-4], text + "A", text[:9] + "\r\n" + text[9:], strings.ReplaceAll(text, "lbd1", "lbd2")} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := signer{testKey}.read(s)
		if err != nil {
			return
		}
		again, err := signer{testKey}.sign(got)
		if err != nil || again != s {
			t.Errorf("%q reads as %+v, which signs as %q, %v", s, got, again, err)
		}
	})
}

func TestPasswordStrings(t *testing.T) {
	stored, err := hashPassword("secret", rand.Reader)
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q %v", stored, err)
	}
	c := newChecker()
	yes := func() bool { return true }
	for _, tc := range []struct {
		stored, password string
		ok               bool
		err              error
	}{
		{stored, "secret", true, nil},
		{stored, "Secret", false, nil},
		{stored, "", false, nil},
		{stored, strings.Repeat("x", maxPassword+1), false, nil},
		{"", "", false, nil}, // nobody has no password, not an empty one
		{"plain", "plain", false, errHashFormat},
		{"x" + stored, "secret", false, errHashFormat},
		{strings.Replace(stored, "m=19456", "m=4294967295", 1), "secret", false, errHashFormat},
		{strings.Replace(stored, "t=2", "t=0", 1), "secret", false, errHashFormat},
		{strings.Replace(stored, "p=1", "p=0", 1), "secret", false, errHashFormat},
		{strings.Replace(stored, "v=19", "v=16", 1), "secret", false, errHashFormat},
		{stored[:len(stored)-30], "secret", false, errHashFormat},
	} {
		if ok, _, err := c.check(context.Background(), tc.stored, tc.password, yes); ok != tc.ok || err != tc.err {
			t.Errorf("%q with %.20q: %v %v", tc.stored, tc.password, ok, err)
		}
	}
	if _, err := hashPassword(strings.Repeat("x", maxPassword+1), rand.Reader); err == nil {
		t.Error("hashed a password that is too long")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.sem.Acquire(context.Background(), hashesAtOnce); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.check(ctx, stored, "another", yes); err == nil {
		t.Error("did not wait for its turn")
	}
}

func TestLimiterIsBoundedAndForgives(t *testing.T) {
	l := newLimiter()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	l.now = func() time.Time { return now }
	a := from("u", "192.0.2.1")
	for range 10 {
		if !l.allowed(a) {
			t.Fatal("refused too early")
		}
		l.failed(a)
	}
	if l.allowed(a) {
		t.Error("the eleventh is allowed")
	}
	if w := l.wait(a); w < 5*time.Second || w > 6*time.Second {
		t.Errorf("has to wait %s, want 6 s", w)
	}
	now = now.Add(6 * time.Second)
	if !l.allowed(a) {
		t.Error("not allowed after a pause")
	}
	if from("u", "2001:db8::1") != from("u", "2001:db8::ffff:1") || from("u", "2001:db8::1") == from("u", "2001:db8:0:1::1") {
		t.Error("an IPv6 host is not its /64")
	}
	for i := range maxKeys {
		at := from("u", time.Duration(i).String())
		l.failed(at)
		l.succeeded(at)
		now = now.Add(time.Microsecond)
	}
	if len(l.keys) > maxKeys || len(l.known) > maxKeys {
		t.Errorf("%d keys, %d known", len(l.keys), len(l.known))
	}
}

func TestExpiredAndForeignTokensAreRefused(t *testing.T) {
	p := New(deps.Config{}, store.New(), nil, nil, slog.New(slog.DiscardHandler))
	if len(p.sign.key) < minKey {
		t.Error("signs with a short key")
	}
	q := New(deps.Config{}, store.New(), nil, nil, slog.New(slog.DiscardHandler))
	text, err := p.sign.sign(sampleToken())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.sign.read(text); err == nil {
		t.Error("without a key, two nodes take each other's tokens")
	}
	expired := sampleToken()
	expired.Expires = time.Now().Add(-time.Second)
	if text, err = p.sign.sign(expired); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Authenticate(context.Background(), text); err == nil {
		t.Error("took an expired token")
	}
}
