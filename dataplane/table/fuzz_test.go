package table

import (
	"bytes"
	"net/netip"
	"testing"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

// FuzzCookies: a cookie binds to a member only if its value is that member's own
// token, wherever in the fields it stands and whatever stands beside it.
func FuzzCookies(f *testing.F) {
	svc := service()
	svc.Pools[0].Pool.Persistence = &model.Persistence{Type: "HTTP_COOKIE"}
	p := NewCompiler(newFresh()).Compile(&model.Config{Services: []*model.Service{svc}}).pool("p")
	tokens := map[string]*Member{}
	for token, m := range p.sticky.tokens {
		tokens[token] = m
		f.Add([]byte("a=b; SRV="+token), []byte("SRV="))
		f.Add([]byte("SRV=\""+token+"\""), []byte("SRV="+token))
	}
	f.Add([]byte("SRV"), []byte(";;=; SRV==x; SRV"))
	lim := http1.DefaultLimits()
	f.Fuzz(func(t *testing.T, one, two []byte) {
		head := append(append(append(append([]byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: "), one...), "\r\ncookie: "...), two...), "\r\n\r\n"...)
		var req http1.Request
		if n, err := req.Parse(head, &lim); n != len(head) || err != nil {
			return
		}
		s := p.Session(&req, netip.Addr{})
		if s.member == nil {
			return
		}
		for token, m := range tokens {
			if m == s.member && !bytes.Contains(head, []byte("SRV="+token)) && !bytes.Contains(head, []byte(token)) {
				t.Fatalf("bound to %s without its token: %q", m.ID(), head)
			}
		}
	})
}
