package dataplane

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What RFC 9110 obliges an intermediary to add or to change on its own account.

func TestFinalAnswersHaveADate(t *testing.T) {
	const own = "Tue, 15 Nov 1994 08:12:31 GMT"
	for name, tc := range map[string]struct{ answer, want string }{
		"none":                        {empty200, ""},
		"the member's is kept":        {"HTTP/1.1 200 OK\r\ndate: " + own + "\r\nContent-Length: 0\r\n\r\n", own},
		"nominated, so not passed on": {"HTTP/1.1 200 OK\r\nDate: " + own + "\r\nConnection: date\r\nContent-Length: 0\r\n\r\n", ""},
	} {
		addr := freeAddr(t)
		b, _ := recorder(t, tc.answer)
		start(t, Config{}, web(addr, b.addr))
		resp, _ := dial(t, addr).get("/")
		dates := resp.Header.Values("Date")
		if len(dates) != 1 {
			t.Errorf("%s: Date %q", name, dates)
			continue
		}
		if tc.want != "" && dates[0] != tc.want {
			t.Errorf("%s: Date %q, want %q", name, dates[0], tc.want)
		}
		at, err := http.ParseTime(dates[0])
		if tc.want == "" && (err != nil || time.Since(at).Abs() > time.Minute) {
			t.Errorf("%s: Date %q is not now: %v", name, dates[0], err)
		}
	}
}

func TestInformationalAnswersHaveNoDate(t *testing.T) {
	addr := freeAddr(t)
	b, _ := recorder(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+empty200)
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	hint := head(w.r)
	if !strings.HasPrefix(hint, "HTTP/1.1 103 ") || field(hint, "Date") != nil {
		t.Errorf("%q", hint)
	}
	w.status("GET", 200)
}

func TestOwnAnswersHaveADate(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr)) // no member
	if resp, _ := dial(t, addr).get("/"); resp.StatusCode != 503 || len(resp.Header.Values("Date")) != 1 {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\n\r\n")
	if resp, _ := w.answer("GET"); resp.StatusCode != 400 || len(resp.Header.Values("Date")) != 1 {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

func TestMethodNotAllowedSaysWhatIs(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, web(addr, page(t, "x").addr))
	w := dial(t, addr)
	w.send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
	if resp, _ := w.answer("CONNECT"); resp.StatusCode != 405 || !strings.Contains(resp.Header.Get("Allow"), "GET") {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

func TestMaxForwards(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, empty200)
	start(t, Config{}, web(addr, b.addr))
	for _, tc := range []struct {
		method, fields string
		status         int
		want           string // at the member; "-": the request is not to come there
	}{
		{"OPTIONS", "Max-Forwards: 5\r\n", 200, "4"},
		{"TRACE", "max-forwards: 1\r\n", 200, "0"},
		{"OPTIONS", "Max-Forwards: 3\r\nMax-Forwards: 2\r\n", 200, "1"},
		{"OPTIONS", "Max-Forwards: 99999999999999999999\r\n", 200, "9223372036854775806"},
		{"OPTIONS", "Max-Forwards: many\r\n", 200, "many"},
		{"OPTIONS", "", 200, ""},
		{"GET", "Max-Forwards: 0\r\n", 200, "0"}, // other methods: as it is
		{"OPTIONS", "Max-Forwards: 0\r\n", 200, "-"},
		{"TRACE", "Max-Forwards: 0\r\n", 405, "-"},
	} {
		w := dial(t, addr)
		w.send("%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", tc.method, tc.fields)
		resp, _ := w.answer(tc.method)
		if resp.StatusCode != tc.status || resp.Close {
			t.Errorf("%s %q: %s, close %v", tc.method, tc.fields, resp.Status, resp.Close)
		}
		if tc.want == "-" {
			if resp.Header.Get("Allow") == "" {
				t.Errorf("%s %q: answered without Allow", tc.method, tc.fields)
			}
			continue
		}
		if got := strings.Join(field(<-heads, "Max-Forwards"), ","); got != tc.want {
			t.Errorf("%s %q: Max-Forwards %q at the member, want %q", tc.method, tc.fields, got, tc.want)
		}
	}
	select {
	case h := <-heads:
		t.Errorf("the member got %q", h)
	default:
	}
}

// A minor version that nobody knows is served as the highest that is known
// (RFC 9110 section 2.5), and each hop has its own.
func TestLaterMinorVersion(t *testing.T) {
	addr := freeAddr(t)
	b, heads := recorder(t, "HTTP/1.3 200 OK\r\nContent-Length: 0\r\n\r\n")
	start(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for range 2 { // it persists, as HTTP/1.1
		w.send("GET / HTTP/1.2\r\nHost: a\r\n\r\n")
		if resp, _ := w.answer("GET"); resp.Proto != "HTTP/1.1" || resp.StatusCode != 200 {
			t.Errorf("%s %s", resp.Proto, resp.Status)
		}
		if h := <-heads; !strings.HasPrefix(h, "GET / HTTP/1.1\r\n") {
			t.Errorf("the member got %q", h)
		}
	}
}
