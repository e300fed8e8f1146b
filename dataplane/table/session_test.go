package table

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

func TestFindingASessionAllocatesNothing(t *testing.T) {
	lim := http1.DefaultLimits()
	for _, as := range []model.Persistence{{Type: "HTTP_COOKIE"}, {Type: "APP_COOKIE", CookieName: "app"}, {Type: "SOURCE_IP"}} {
		svc := service()
		svc.Pools[0].Pool.Persistence = &as
		p := NewCompiler(newFresh()).Compile(&model.Config{Services: []*model.Service{svc}}).pool("p")
		m := p.members[1]
		answer := &http1.Response{}
		if _, err := answer.Parse([]byte("HTTP/1.1 200 OK\r\nSet-Cookie: app=secret; Path=/\r\n\r\n"), &lim, http1.Asked{}); err != nil {
			t.Fatal(err)
		}
		client := netip.MustParseAddrPort("192.0.2.7:4000")
		var s Session
		p.Bind(&s, m)
		cookie := "app=secret"
		if line := string(p.Answered(&Session{}, m, answer, false)); line != "" {
			cookie, _, _ = strings.Cut(strings.TrimPrefix(line, "Set-Cookie: "), ";")
			if !strings.Contains(string(p.Answered(&Session{}, m, answer, true)), "; Secure\r\n") {
				t.Error("over TLS the cookie is not marked Secure")
			}
		}
		s = p.Session(nil, client.Addr())
		p.Bind(&s, m)
		req := &http1.Request{}
		if _, err := req.Parse(fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: a\r\nCookie: x=y; %s\r\n\r\n", cookie), &lim); err != nil {
			t.Fatal(err)
		}
		var got *Member
		var tried Tried // part of what a request holds anyway
		if n := testing.AllocsPerRun(100, func() {
			s := p.Session(req, client.Addr())
			got = p.Pick(client, &s, &tried)
			p.Bind(&s, got)
			p.Answered(&s, got, answer, false)
		}); n != 0 {
			t.Errorf("%s: %v allocations", as.Type, n)
		}
		if got != m {
			t.Errorf("%s: the session went elsewhere", as.Type)
		}
	}
}
