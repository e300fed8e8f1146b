package keystone

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lbd/api/auth"
	"lbd/store"
)

const answer = `{"token":{"methods":["password"],"expires_at":%q,"user":{"id":"u1","name":"bob","domain":{"id":"default","name":"Default"}},
 "project":{"id":"p1","name":"demo","domain":{"id":"default","name":"Default"}},"roles":[{"id":"r1","name":"member"},{"id":"r2","name":"reader"}]}}`

// cloud is a Keystone that knows the token "good".
type cloud struct {
	*httptest.Server
	asked   atomic.Int64
	expires atomic.Pointer[time.Time]
	status  atomic.Int64  // overrides the answer when set
	body    atomic.Value  // string; overrides the body
	hold    chan struct{} // when set, answers wait for it
}

func newCloud(t *testing.T, secure bool) *cloud {
	k := &cloud{}
	in := time.Now().Add(time.Hour)
	k.expires.Store(&in)
	k.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.asked.Add(1)
		if k.hold != nil {
			<-k.hold
		}
		token := r.Header.Get("X-Subject-Token")
		if r.URL.Path != "/v3/auth/tokens" || r.Method != "GET" || r.Header.Get("X-Auth-Token") != token {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if s := int(k.status.Load()); s != 0 {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(s)
			return
		}
		if token != "good" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if b, ok := k.body.Load().(string); ok {
			fmt.Fprint(w, b)
			return
		}
		fmt.Fprintf(w, answer, k.expires.Load().UTC().Format("2006-01-02T15:04:05.000000Z"))
	}))
	if secure {
		k.StartTLS()
	} else {
		k.Start()
	}
	t.Cleanup(k.Close)
	return k
}

func newClient(t *testing.T, url string, ca []byte) *Client {
	t.Helper()
	c, err := New(Config{URL: url, CA: ca, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestATokenIsAskedForOnceInAWhile(t *testing.T) {
	k := newCloud(t, false)
	c := newClient(t, k.URL, nil)
	now := time.Now()
	c.now = func() time.Time { return now }
	want := &auth.Caller{UserID: "u1", UserName: "bob", Project: "p1", ProjectName: "demo", Roles: []string{"member", "reader"}}
	ask := func(token string, asked int64) *auth.Caller {
		t.Helper()
		got, err := c.Authenticate(t.Context(), token)
		if (got == nil) != errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("%q: %v %v", token, got, err)
		}
		if n := k.asked.Load(); n != asked {
			t.Errorf("%q: asked %d times, want %d", token, n, asked)
		}
		return got
	}
	got := ask("good", 1)
	want.ExpiresAt = got.ExpiresAt
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	ask("good", 1)
	for range 2 {
		if ask("bad", 2) != nil {
			t.Error("took a bad token")
		}
	}
	for _, never := range []string{"", "a b", "a\nb", "ä", strings.Repeat("x", maxToken+1)} {
		if ask(never, 2) != nil {
			t.Errorf("took %q", never)
		}
	}
	now = now.Add(badFor)
	ask("bad", 3)
	now = now.Add(goodFor)
	ask("good", 4)
	// What ends within the time that answers are kept ends in time.
	end := now.Add(10 * time.Second)
	k.expires.Store(&end)
	now = now.Add(goodFor)
	end = now.Add(10 * time.Second)
	k.expires.Store(&end)
	if ask("good", 5) == nil {
		t.Error("refused a token that is good for ten more seconds")
	}
	now = end
	if ask("good", 6) != nil {
		t.Error("took a token after its end")
	}
}

func TestManyAskersMakeOneQuestion(t *testing.T) {
	k := newCloud(t, false)
	k.hold = make(chan struct{})
	c := newClient(t, k.URL, nil)
	var wg sync.WaitGroup
	var took atomic.Int64
	for range 100 {
		wg.Go(func() {
			if who, err := c.Authenticate(t.Context(), "good"); err == nil && who.UserID == "u1" {
				took.Add(1)
			}
		})
	}
	left, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Authenticate(left, "good"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v", err)
	}
	close(k.hold)
	wg.Wait()
	// Who comes after the answer finds it kept, so that it is one in any order.
	if n := k.asked.Load(); n != 1 || took.Load() != 100 {
		t.Errorf("%d questions, %d answers", n, took.Load())
	}
}

func TestNoAnswerIsNoVerdict(t *testing.T) {
	k := newCloud(t, false)
	c := newClient(t, k.URL, nil)
	unavailable := func(what string) {
		t.Helper()
		if who, err := c.Authenticate(t.Context(), "good"); who != nil || store.KindOf(err) != store.Unavailable {
			t.Errorf("%s: %v %v", what, who, err)
		}
	}
	for _, s := range []int{500, 503, 302, 429, 418} {
		k.status.Store(int64(s))
		unavailable(fmt.Sprint(s))
	}
	k.status.Store(0)
	for _, b := range []string{"", "[]", "{}", `{"token":{}}`, `{"token":{"user":{"id":"u"}}}`, `{"token":{"expires_at":5}}`, strings.Repeat(" ", maxAnswer+1)} {
		k.body.Store(b)
		unavailable(fmt.Sprintf("%.20q", b))
	}
	if c.cache.size() != 0 {
		t.Error("kept what was no answer")
	}
	k.Close()
	unavailable("gone")
}

func TestTheCertificateCounts(t *testing.T) {
	k := newCloud(t, true)
	k.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw})
	if who, err := newClient(t, k.URL, ca).Authenticate(t.Context(), "good"); err != nil || who.UserID != "u1" {
		t.Errorf("with the CA: %v %v", who, err)
	}
	if _, err := newClient(t, k.URL, nil).Authenticate(t.Context(), "good"); store.KindOf(err) != store.Unavailable {
		t.Errorf("without the CA: %v", err)
	}
	if _, err := New(Config{URL: k.URL, CA: []byte("x"), Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("took a CA file without a certificate")
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"https://k:5000": "https://k:5000/v3", "https://k:5000/": "https://k:5000/v3", "https://k/identity/v3/": "https://k/identity/v3", "http://[::1]:5000/v3": "http://[::1]:5000/v3",
		"": "", "k:5000": "", "ftp://k": "", "https://": "", "https://u:p@k": "", "https://k?x=1": "", "https://k#x": "", "http://%zz": "",
	} {
		got := ""
		if u, err := ParseURL(in); err == nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	c := cache{m: map[cacheKey]cached{}}
	now := time.Now()
	good := keyOf("good")
	c.put(good, cached{&auth.Caller{}, now.Add(goodFor)})
	for i := range 3 * maxCached {
		c.put(keyOf(fmt.Sprint(i)), cached{nil, now.Add(badFor)})
	}
	if c.size() > maxCached {
		t.Errorf("%d kept", c.size())
	}
	if _, ok := c.get(good, now); !ok {
		t.Error("bad tokens pushed a good one out")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(answer, "2030-01-01T00:00:00.000000Z")))
	f.Add([]byte(`{"token":{"expires_at":"2030-01-01T00:00:00Z","user":{"id":"u"},"domain":{"id":"d"},"roles":null}}`))
	f.Add([]byte(`{"token":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := readToken(b)
		if err == nil && (c.UserID == "" || c.ExpiresAt.IsZero()) {
			t.Errorf("%q reads as %+v", bytes.TrimSpace(b), c)
		}
	})
}
