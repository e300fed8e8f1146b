package dataplane

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
	"lbd/store/model"
)

// named answers every request with its name, the cookies it was shown and the
// extra lines.
func named(t testing.TB, name, lines string) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			shown := ""
			for l := range strings.SplitSeq(h, "\r\n") {
				if k, v, _ := strings.Cut(l, ": "); strings.EqualFold(k, "cookie") {
					shown += "[" + v + "]"
				}
			}
			body := name + shown
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", lines, len(body), body)
		}
	})
}

// keeping is a service of two members with session persistence.
func keeping(as model.Persistence, addr netip.AddrPort, members ...netip.AddrPort) *model.Service {
	svc := web(addr, members...)
	svc.Pools[0].Pool.Persistence = &as
	return svc
}

func (w *wire) withCookie(cookie string) (*http.Response, string) {
	w.t.Helper()
	w.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n\r\n", cookie)
	return w.answer("GET")
}

func srv(resp *http.Response) *http.Cookie {
	for _, c := range resp.Cookies() {
		if c.Name == "SRV" {
			return c
		}
	}
	return nil
}

func TestCookieKeepsTheMember(t *testing.T) {
	addr := freeAddr(t)
	a, b := named(t, "a", "Set-Cookie: SRV=forged\r\nSet-Cookie: app=1\r\n"), named(t, "b", "")
	svc := keeping(model.Persistence{Type: "HTTP_COOKIE"}, addr, a.addr, b.addr)
	key := func() []byte { return []byte("0123456789abcdef") }
	n := start(t, Config{SessionKey: key}, svc)
	w := dial(t, addr)
	tokens := map[string]*http.Cookie{} // by member
	for len(tokens) < 2 {
		resp, body := w.get("/")
		c := srv(resp)
		if c == nil || len(c.Value) != sticky.TokenLen || !c.HttpOnly || c.Secure || c.Path != "/" || resp.Header.Get("Cache-Control") != "private" {
			t.Fatalf("%s: cookie %+v, %v", body, c, resp.Header)
		}
		if strings.Contains(c.Value, "127") || strings.Contains(c.Value, "m0") {
			t.Errorf("the cookie tells of the member: %s", c.Value)
		}
		if body == "a" && len(resp.Cookies()) != 2 {
			t.Errorf("cookies %v: the member's own is lost or its SRV is not", resp.Cookies())
		}
		tokens[body] = c
	}
	for range 4 {
		for name, c := range tokens {
			resp, body := w.withCookie("x=y; SRV=" + c.Value + "; z")
			if body != name+"[x=y; z]" || srv(resp) != nil {
				t.Errorf("%s's client came to %q, cookie %v", name, body, srv(resp))
			}
		}
	}
	if _, body := w.withCookie("SRV=" + tokens["a"].Value); body != "a" {
		t.Errorf("alone: %q", body)
	}
	// Nothing but the exact value is one.
	for _, bad := range []string{"", "x", tokens["a"].Value + "A", tokens["a"].Value[:21] + "!", strings.ToLower(tokens["a"].Value)} {
		if resp, _ := w.withCookie("SRV=" + bad); srv(resp) == nil {
			t.Errorf("%q passes for a session", bad)
		}
	}

	// Another node makes the same cookies; a changed table keeps them.
	other := freeAddr(t)
	start(t, Config{SessionKey: key}, keeping(model.Persistence{Type: "HTTP_COOKIE"}, other, a.addr, b.addr))
	w2 := dial(t, other)
	n.apply(keeping(model.Persistence{Type: "HTTP_COOKIE"}, addr, a.addr, b.addr))
	for range 3 {
		for name, c := range tokens {
			if _, body := w2.withCookie("SRV=" + c.Value); body != name {
				t.Errorf("another node sends %s's client to %q", name, body)
			}
			if _, body := w.withCookie("SRV=" + c.Value); body != name {
				t.Errorf("after a change %s's client came to %q", name, body)
			}
		}
	}
}

func TestSessionsOfMembersThatLeave(t *testing.T) {
	addr := freeAddr(t)
	a, b := named(t, "a", ""), named(t, "b", "")
	make := func() *model.Service {
		return keeping(model.Persistence{Type: "HTTP_COOKIE"}, addr, a.addr, b.addr)
	}
	n := start(t, Config{}, make())
	w := dial(t, addr)
	var toA string
	for toA == "" {
		if resp, body := w.get("/"); body == "a" {
			toA = "SRV=" + srv(resp).Value
		}
	}

	drained := make()
	drained.Pools[0].Members[0].Weight = 0
	n.apply(drained)
	for range 4 {
		if _, body := w.withCookie(toA); body != "a" {
			t.Errorf("weight 0: a session came to %q", body)
		}
		if _, body := w.get("/"); body != "b" {
			t.Errorf("weight 0: a new client came to %q", body)
		}
	}

	off := make()
	off.Pools[0].Members[0].AdminStateUp = false
	n.apply(off)
	resp, body := w.withCookie(toA)
	if body != "b" || srv(resp) == nil {
		t.Errorf("switched off: came to %q, cookie %v", body, srv(resp))
	}

	refusing := make()
	refusing.Pools[0].Members[0].Port = freeAddr(t).Port() // the same member, where nobody listens
	n.apply(refusing)
	resp, body = w.withCookie(toA)
	if body != "b" || srv(resp) == nil {
		t.Errorf("refused: came to %q, cookie %v", body, srv(resp))
	}

	backups := make()
	backups.Pools[0].Members[1].Backup = true
	n.apply(backups)
	if _, body := w.withCookie("SRV=" + srv(resp).Value); body != "b" {
		t.Errorf("a session on a backup member came to %q", body)
	}
}

func TestAppCookieIsLearned(t *testing.T) {
	addr := freeAddr(t)
	a, b := named(t, "a", "Set-Cookie: app=from-a; Path=/\r\n"), named(t, "b", "Set-Cookie: other=1\r\nSet-Cookie: app=from-b\r\n")
	as := model.Persistence{Type: "APP_COOKIE", CookieName: "app"}
	n := start(t, Config{}, keeping(as, addr, a.addr, b.addr))
	w := dial(t, addr)
	seen := map[string]bool{}
	for len(seen) < 2 {
		resp, body := w.get("/")
		if srv(resp) != nil {
			t.Error("a cookie of ours is set")
		}
		seen[body] = true
	}
	n.apply(keeping(as, addr, a.addr, b.addr))
	for range 4 {
		for _, name := range []string{"a", "b"} {
			if _, body := w.withCookie("x=y; app=from-" + name); body != name+"[x=y; app=from-"+name+"]" {
				t.Errorf("%s's session came to %q", name, body)
			}
		}
	}
	// The standby, told what was learned.
	other := freeAddr(t)
	m := start(t, Config{}, keeping(as, other, a.addr, b.addr))
	n.ExportSessions(time.Hour, func(k table.SessionsKey, e sticky.Entry) bool {
		if !m.ImportSession(k, e) {
			t.Error("the other node does not know the pool")
		}
		return true
	})
	w2 := dial(t, other)
	for range 4 {
		for _, name := range []string{"a", "b"} {
			if _, body := w2.withCookie("app=from-" + name); !strings.HasPrefix(body, name+"[") {
				t.Errorf("after the failover %s's session came to %q", name, body)
			}
		}
	}
	if m.ImportSession(table.SessionsKey{Pool: "gone"}, sticky.Entry{}) {
		t.Error("a session of an unknown pool was taken")
	}
}

func TestSourceIPKeepsTheClient(t *testing.T) {
	for _, mode := range []string{"http", "tcp"} {
		addr := freeAddr(t)
		a, b := named(t, "a", ""), named(t, "b", "")
		make := func(weights ...int) *model.Service {
			svc := keeping(model.Persistence{Type: "SOURCE_IP"}, addr, a.addr, b.addr)
			for i, wt := range weights {
				svc.Pools[0].Members[i].Weight = uint16(wt)
			}
			if mode == "tcp" {
				return tcp(svc)
			}
			return svc
		}
		n := start(t, Config{}, make())
		_, first := dial(t, addr).get("/")
		for range 6 {
			if _, body := dial(t, addr).get("/"); body != first {
				t.Errorf("%s: one client came to %q and %q", mode, first, body)
			}
		}
		// A member that drains keeps its clients; their address is in the table.
		weights := []int{0, 1}
		if first == "b" {
			weights = []int{1, 0}
		}
		n.apply(make(weights...))
		if _, body := dial(t, addr).get("/"); body != first {
			t.Errorf("%s: weight 0 moved a session to %q", mode, body)
		}
	}
}

// Without a table in common, another node sends new clients to the same members.
func TestSourceIPAgreesBetweenNodes(t *testing.T) {
	a, b := named(t, "a", ""), named(t, "b", "")
	got := [2]string{}
	for i := range got {
		addr := freeAddr(t)
		start(t, Config{}, keeping(model.Persistence{Type: "SOURCE_IP"}, addr, a.addr, b.addr))
		for client := range 16 {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(client+1))}, Timeout: 5 * time.Second}
			c, err := d.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			w := &wire{TCPConn: c.(*net.TCPConn), t: t, r: bufio.NewReader(c)}
			w.SetDeadline(time.Now().Add(10 * time.Second))
			_, body := w.get("/")
			got[i] += body
			c.Close()
		}
	}
	if got[0] != got[1] || !strings.Contains(got[0], "a") || !strings.Contains(got[0], "b") {
		t.Errorf("16 clients come to %s on one node, %s on the other", got[0], got[1])
	}
}

func TestPersistenceGoesWhenItIsRemoved(t *testing.T) {
	addr := freeAddr(t)
	a, b := named(t, "a", ""), named(t, "b", "")
	n := start(t, Config{}, keeping(model.Persistence{Type: "SOURCE_IP"}, addr, a.addr, b.addr))
	dial(t, addr).get("/")
	n.apply(web(addr, a.addr, b.addr))
	_, first := dial(t, addr).get("/")
	if _, second := dial(t, addr).get("/"); first == second {
		t.Errorf("both connections came to %s", first)
	}
}
