package route

import (
	"testing"

	"lbd/dataplane/http1"
)

type byHost struct{ host, pool string }

func (b byHost) Decide(r *http1.Request, _ *Client) (Verdict[string], bool) {
	return Verdict[string]{Pool: b.pool}, string(r.Host) == b.host
}

func TestFirstStepThatDecidesWins(t *testing.T) {
	c := Chain[string]{Default: "rest", Steps: []Step[string]{byHost{"a", "first"}, byHost{"a", "second"}, byHost{"b", "third"}}}
	for host, want := range map[string]string{"a": "first", "b": "third", "c": "rest"} {
		if got := c.Choose(&http1.Request{Host: []byte(host)}, &Client{}); got.Pool != want {
			t.Errorf("host %s goes to %q, want %q", host, got.Pool, want)
		}
	}
}

func TestChoosingAllocatesNothing(t *testing.T) {
	c := Chain[string]{Default: "rest", Steps: []Step[string]{byHost{"a", "first"}}}
	r, cl := &http1.Request{Host: []byte("z")}, &Client{}
	if n := testing.AllocsPerRun(100, func() { c.Choose(r, cl) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRedirectLocation(t *testing.T) {
	for _, tc := range []struct {
		target string
		prefix bool
		in     string // request target
		want   string
	}{
		{"https://new.example/", false, "/a?b=1", "https://new.example/"},
		{"https://new.example", true, "/a/b?c=1", "https://new.example/a/b?c=1"},
		{"https://new.example", true, "/a?", "https://new.example/a?"},
		{"https://new.example", true, "http://old.example?x", "https://new.example/?x"},
		{"https://new.example/é\r\nX: y", false, "/", ""},
		{"https://new.example/é", false, "/", "https://new.example/%C3%A9"},
		{"/relative", false, "/", ""},
		{"ftp://host/", false, "/", ""},
	} {
		r, err := NewRedirect(302, tc.target, tc.prefix)
		if err != nil {
			if tc.want != "" {
				t.Errorf("%q: %v", tc.target, err)
			}
			continue
		}
		req := request(t, "GET "+tc.in+" HTTP/1.1\r\nHost: old.example\r\n\r\n")
		if got := string(r.AppendLocation(nil, req)); got != tc.want {
			t.Errorf("%q with %q: Location %q, want %q", tc.target, tc.in, got, tc.want)
		}
	}
	if _, err := NewRedirect(200, "http://a/", false); err == nil {
		t.Error("code 200 was accepted")
	}
}

// request parses a request head.
func request(t testing.TB, head string) *http1.Request {
	t.Helper()
	lim := http1.DefaultLimits()
	r := &http1.Request{}
	if n, err := r.Parse([]byte(head), &lim); err != nil || n != len(head) {
		t.Fatalf("%q: %d, %v", head, n, err)
	}
	return r
}
