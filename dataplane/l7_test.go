package dataplane

import (
	"net/netip"
	"strings"
	"testing"

	"lbd/store/model"
)

// withPolicies gives a service L7 policies, and pools "blue" and so on for them.
func withPolicies(svc *model.Service, pools map[model.PoolID]netip.AddrPort, policies ...*model.RuledPolicy) *model.Service {
	up := model.Base{AdminStateUp: true, Provisioning: model.Active}
	for id, addr := range pools {
		svc.Pools = append(svc.Pools, &model.Backends{
			Pool:    &model.Pool{ID: id, Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Algorithm: model.RoundRobin},
			Members: []model.Server{{ID: model.MemberID("m-" + id), AdminStateUp: true, Address: addr.Addr(), Port: addr.Port(), Weight: 1}},
		})
	}
	for i, p := range policies {
		p.Policy.Base, p.Policy.Listener, p.Policy.Position = up, "l", i+1
		for _, r := range p.Rules {
			r.Base = up
		}
	}
	svc.Policies = policies
	return svc
}

func onPath(cmp model.L7Compare, value string) []*model.L7Rule {
	return []*model.L7Rule{{ID: "r", Type: model.L7Path, Compare: cmp, Value: value}}
}

func TestPoliciesDecideWhatHappensToARequest(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, withPolicies(web(addr, page(t, "default").addr), map[model.PoolID]netip.AddrPort{"blue": page(t, "blue").addr},
		&model.RuledPolicy{
			Policy: &model.L7Policy{ID: "to-blue", Action: model.L7RedirectPool, RedirectPool: "blue"},
			Rules:  []*model.L7Rule{{Type: model.L7Cookie, Compare: model.L7EqualTo, Key: "colour", Value: "blue"}},
		},
		&model.RuledPolicy{
			Policy: &model.L7Policy{ID: "moved", Action: model.L7RedirectURL, RedirectURL: "https://new.example/", RedirectCode: 308},
			Rules:  onPath(model.L7StartsWith, "/old"),
		},
		&model.RuledPolicy{
			Policy: &model.L7Policy{ID: "secure", Action: model.L7RedirectPrefix, RedirectPrefix: "https://www.example.test"},
			Rules:  onPath(model.L7EndsWith, ".html"),
		},
		&model.RuledPolicy{Policy: &model.L7Policy{ID: "no", Action: model.L7Reject}, Rules: onPath(model.L7Contains, "secret")},
	))
	w := dial(t, addr) // all on one connection
	for _, tc := range []struct {
		request, body, location string
		code                    int
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "default", "", 200},
		{"GET / HTTP/1.1\r\nHost: a\r\nCookie: x=y; colour=blue\r\n\r\n", "blue", "", 200},
		{"GET /old/x HTTP/1.1\r\nHost: a\r\nCookie: colour=blue\r\n\r\n", "308 Permanent Redirect\n", "https://new.example/", 308},
		{"POST /a.html?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "302 Found\n", "https://www.example.test/a.html?b=c", 302},
		{"POST /secret HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "403 Forbidden\n", "", 403},
		{"HEAD /secret HTTP/1.1\r\nHost: a\r\n\r\n", "", "", 403},
		{"GET /old/secret HTTP/1.1\r\nHost: a\r\n\r\n", "403 Forbidden\n", "", 403},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "default", "", 200},
	} {
		w.send("%s", tc.request)
		resp, body := w.answer(strings.Fields(tc.request)[0])
		if resp.StatusCode != tc.code || body != tc.body || resp.Header.Get("Location") != tc.location || resp.Close {
			t.Errorf("%q: %s, Location %q, body %q, close %v", tc.request, resp.Status, resp.Header.Get("Location"), body, resp.Close)
		}
	}
}

// A body that has not come is not waited for; what comes of it is not taken for a request.
func TestRejectedUploadClosesTheConnection(t *testing.T) {
	addr := freeAddr(t)
	member := page(t, "x")
	n := start(t, Config{}, withPolicies(web(addr, member.addr), nil,
		&model.RuledPolicy{Policy: &model.L7Policy{ID: "no", Action: model.L7Reject}, Rules: onPath(model.L7StartsWith, "/")}))
	for _, rest := range []string{"Content-Length: 100\r\n\r\n", "Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"} {
		w := dial(t, addr)
		w.send("PUT /up HTTP/1.1\r\nHost: a\r\n%s", rest)
		resp, _ := w.answer("PUT")
		if resp.StatusCode != 403 || !resp.Close {
			t.Errorf("%q: %s, close %v", rest, resp.Status, resp.Close)
		}
		w.CloseWrite()
		w.closed()
	}
	w := dial(t, addr)
	w.send("PUT /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
	w.status("PUT", 400)
	if member.conns.Load() != 0 {
		t.Error("a rejected request reached the member")
	}
	n.counters("l", "all are counted", func(c model.ListenerCounters) bool { return c.Requests == 3 && c.RequestErrors == 1 })
}

func TestPoliciesChangeWithTheTable(t *testing.T) {
	addr := freeAddr(t)
	member := page(t, "x").addr
	n := start(t, Config{}, web(addr, member))
	w := dial(t, addr)
	w.get("/")
	reject := &model.RuledPolicy{Policy: &model.L7Policy{ID: "no", Action: model.L7Reject}, Rules: onPath(model.L7StartsWith, "/")}
	n.apply(withPolicies(web(addr, member), nil, reject))
	if resp, _ := w.get("/"); resp.StatusCode != 403 {
		t.Errorf("after the change: %s", resp.Status)
	}
	off := withPolicies(web(addr, member), nil, reject)
	reject.Policy.AdminStateUp = false
	n.apply(off)
	if resp, _ := w.get("/"); resp.StatusCode != 200 {
		t.Errorf("switched off: %s", resp.Status)
	}
}

func TestNoPoolIs503(t *testing.T) {
	addr := freeAddr(t)
	svc := web(addr, page(t, "x").addr)
	svc.Listeners[0].DefaultPool = ""
	start(t, Config{}, withPolicies(svc, nil, &model.RuledPolicy{
		Policy: &model.L7Policy{ID: "p", Action: model.L7RedirectPool, RedirectPool: "p"}, Rules: onPath(model.L7StartsWith, "/in"),
	}))
	w := dial(t, addr)
	if resp, _ := w.get("/in"); resp.StatusCode != 200 {
		t.Errorf("in: %s", resp.Status)
	}
	if resp, _ := w.get("/out"); resp.StatusCode != 503 {
		t.Errorf("out: %s", resp.Status)
	}
}
