package rewrite

import (
	"strings"
	"testing"

	"lbd/dataplane/http1"
)

func TestHiddenCookie(t *testing.T) {
	for in, want := range map[string]string{
		"a=b":                          "Cookie: a=b",
		"SRV=1":                        "",
		" SRV = 1 ;":                   "",
		"SRV=1; SRV=2":                 "",
		"a=b; SRV=1":                   "Cookie: a=b",
		"SRV=1; a=b":                   "Cookie: a=b",
		"a=b;SRV=1;c = d ; e; f=\"g\"": "Cookie: a=b; c = d; e; f=\"g\"",
		"xSRV=1; srv=2; a=SRV=1":       "Cookie: xSRV=1; srv=2; a=SRV=1",
		"; ;SRV=1;;a":                  "Cookie: a",
	} {
		r := request(t, get+"Cookie: "+in+"\r\n\r\n")
		got := string(AppendRequest(nil, r, &RequestOptions{HideCookie: "SRV"}))
		line := strings.TrimSuffix(strings.TrimPrefix(got, get), "\r\n")
		if want != "" {
			want += "\r\n"
		}
		if line != want {
			t.Errorf("%q becomes %q, want %q", in, line, want)
		}
		if got := string(AppendRequest(nil, r, &RequestOptions{})); got != get+"Cookie: "+strings.Trim(in, " ")+"\r\n\r\n" {
			t.Errorf("nothing to hide: %q becomes %q", in, got)
		}
	}
}

func TestLinesAndHiddenSetCookie(t *testing.T) {
	lim := http1.DefaultLimits()
	r := &http1.Response{}
	in := "HTTP/1.1 200 OK\r\nSet-Cookie: SRV=x; Path=/\r\nset-cookie:SRV=y\r\nSet-Cookie: SRVX=1\r\nX: SRV=1\r\n\r\n"
	if _, err := r.Parse([]byte(in), &lim, http1.Asked{}); err != nil {
		t.Fatal(err)
	}
	o := &ResponseOptions{ClientMinor: 1, KeepAlive: true, Framing: http1.Chunks, Lines: []byte("A: b\r\nC: d\r\n"), HideCookie: "SRV"}
	want := "HTTP/1.1 200 OK\r\nSet-Cookie: SRVX=1\r\nX: SRV=1\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked\r\n\r\n"
	if got := string(AppendResponse(nil, r, o)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
