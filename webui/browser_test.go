package webui

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lbd/internal/testutil/cdp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shotsDir is where the screenshots go: LBD_SHOTS, to look at them, else a
// folder that is removed with the test.
func shotsDir(t *testing.T) string {
	if d := os.Getenv("LBD_SHOTS"); d != "" {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		return d
	}
	return t.TempDir()
}

// open gives a page on a fake node, at the login form.
func open(t *testing.T, b *cdp.Browser) (*fake, *cdp.Page) {
	t.Helper()
	f := newFake(t)
	srv := httptest.NewServer(f.handler())
	t.Cleanup(func() {
		srv.CloseClientConnections() // the event streams
		srv.Close()
	})
	p := b.Page(t)
	p.Navigate(srv.URL + "/ui/")
	p.Wait(`document.querySelector("#user")`)
	return f, p
}

func login(p *cdp.Page) {
	p.Type("#user", "admin")
	p.Type("#password", "secret")
	p.Click("button[type=submit]")
	p.Wait(`document.querySelector(".statement")`)
}

// noProblems: no exception, no refused inline style, no failed request but
// those expected.
func noProblems(t *testing.T, p *cdp.Page, expected ...string) {
	t.Helper()
	for _, problem := range p.Problems() {
		if !slices.ContainsFunc(expected, func(e string) bool { return strings.Contains(problem, e) }) {
			t.Errorf("the browser complained: %s", problem)
		}
	}
}

// contains fails unless every part is in text, in this order.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q is missing (in this order) in:\n%s", part, text)
			return
		}
		rest = after
	}
}

// The first question, whether a login is needed at all, is answered 401.
const firstQuestion = "401"

func TestBrowser(t *testing.T) {
	b := cdp.Start(t, cdp.Options{})
	shots := shotsDir(t)
	shot := func(p *cdp.Page, name string) { p.Screenshot(filepath.Join(shots, name+".png")) }

	t.Run("login", func(t *testing.T) {
		_, p := open(t, b)
		shot(p, "login")
		p.Type("#user", "admin")
		p.Type("#password", "wrong")
		p.Press("Enter")
		p.WaitText("#login-error", "The request you have made requires authentication. <b>wrong password</b>")
		var inMarkup bool
		p.Eval(`!!document.querySelector("#login-error b")`, &inMarkup)
		if inMarkup {
			t.Error("the server's text became markup")
		}
		shot(p, "login-refused")
		var focus, value string
		p.Eval(`document.activeElement.id`, &focus)
		p.Eval(`document.querySelector("#password").value`, &value)
		if focus != "password" || value != "" {
			t.Errorf("after a refusal the focus is on %q and the password is %q", focus, value)
		}
		p.Type("#password", "secret")
		p.Press("Enter")
		p.WaitText(".statement", "node-a is active")
		p.Reload() // the session survives a reload
		p.WaitText(".statement", "node-a is active")
		p.Click("#logout")
		p.Wait(`document.querySelector("#user")`)
		p.Reload()
		p.Wait(`document.querySelector("#user")`)
		noProblems(t, p, firstQuestion)
	})

	t.Run("overview", func(t *testing.T) {
		_, p := open(t, b)
		login(p)
		contains(t, p.Text(".statement"), "node-a is active", "since", "3 h 12 min", "lease 180 ms left", "measured 0 ms ago", "10.0.0.9", "quorum ok", "term 7")
		lb := `[data-lb="lb1"]`
		contains(t, p.Text(lb+" .vip"), "VIP", "10.0.0.9", "on node-a", "floating IP", "172.24.4.3", "on node-a")
		contains(t, p.Text(lb+` [data-kind="pool"]`), "pool1", "round robin", "HTTP / every 5 s", "2 of 2", "configured", "ACTIVE", "observed", "ONLINE")
		contains(t, p.Text(lb+" .members"), "web1", "10.0.0.6:80", "ONLINE", "web2", "10.0.0.3:80", "ONLINE")
		// Two samples a second apart make a rate, as served.
		p.Wait(`Math.abs(parseFloat(document.querySelector(".gauge b").textContent) - 240) < 110`)
		p.Wait(`document.querySelectorAll(".wires path").length === 4`)
		p.Wait(`(document.querySelectorAll(".spark path")[1].getAttribute("d").match(/L/g) ?? []).length > 4`)
		contains(t, p.Text("footer"), "lbd 0.1.0-test")
		// By keyboard: the first thing reached leads past the navigation.
		p.Press("Tab")
		p.WaitText(":focus", "Skip to content")
		p.Press("Enter")
		p.Wait(`document.activeElement.id === "content"`)
		if os.Getenv("LBD_SHOTS") != "" { // a curve to look at takes a while to be measured
			p.Wait(`(document.querySelectorAll(".spark path")[1].getAttribute("d").match(/L/g) ?? []).length > 25`)
		}
		shot(p, "overview")
		p.Dark(true)
		shot(p, "overview-dark")
		p.Click(lb + " summary")
		contains(t, p.Text(lb+" .lines"), "openstack loadbalancer status show lb1", "openstack loadbalancer member set --weight 0 pool1 web1")
		p.Dark(false)
		p.Size(390, 800)
		noSidewaysScroll(t, p)
		shot(p, "overview-phone")
		noProblems(t, p, firstQuestion)
	})

	t.Run("a module does not arrive", func(t *testing.T) {
		f := newFake(t)
		var broken atomic.Bool
		broken.Store(true)
		whole := f.handler()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ui/diff.js" && broken.Load() {
				panic(http.ErrAbortHandler)
			}
			whole.ServeHTTP(w, r)
		}))
		t.Cleanup(func() {
			srv.CloseClientConnections()
			srv.Close()
		})
		p := b.Page(t)
		p.Navigate(srv.URL + "/ui/")
		p.WaitText("#app", "A part of this page did not arrive")
		broken.Store(false)
		p.Wait(`document.querySelector("#user")`)
	})

	t.Run("member down", func(t *testing.T) {
		f, p := open(t, b)
		login(p)
		p.WaitText(`[data-member="web2"]`, "ONLINE")
		p.Wait(`!isNaN(parseFloat(document.querySelector(".gauge b").textContent))`)
		f.set(func(f *fake) { f.topology = memberDown(f.start) })
		p.WaitText(`[data-member="web2"]`, "connection refused, 3 of 3")
		contains(t, p.Text(`[data-member="web2"]`), "ACTIVE", "ERROR", "since", "s)")
		contains(t, p.Text(`[data-lb="lb1"] > header`), "ACTIVE", "DEGRADED", "pool1: 1 of 2 members not online", "since")
		p.WaitText(".changes [role=status]", "load balancer lb1: ONLINE to DEGRADED")
		contains(t, p.Text(".log"), "load balancer lb1", "ONLINE →", "DEGRADED", "member web2 of pool1", "ERROR", "connection refused")
		p.Wait(`document.querySelectorAll(".wires .bad").length === 1`)
		p.Wait(`document.title.startsWith("(3) ")`)
		shot(p, "member-down")
		noProblems(t, p, firstQuestion)
	})

	t.Run("crowded", func(t *testing.T) {
		f, p := open(t, b)
		f.set(func(f *fake) { f.topology, f.cluster = crowded(f.start), threeNodes(f.start) })
		login(p)
		p.WaitText(`[data-lb="shop"]`, "<img src=x onerror=alert(1)>")
		contains(t, p.Text(`[data-lb="shop"]`), "DRAINING", "weight 0", "PENDING_CREATE", "OFFLINE", "backup", "NO_MONITOR", "no health monitor", "no route to host")
		contains(t, p.Text(`[data-lb="broken"]`), "ERROR", "OFFLINE", "node-b: no interface has an address", "on no node")
		p.Wait(`document.querySelectorAll('[data-lb="shop"] .wires path').length === 12`)
		p.Wait(`!isNaN(parseFloat(document.querySelector('[data-lb="shop"] .gauge b').textContent))`)
		p.Size(1440, 900)
		shot(p, "crowded")
		p.Size(1024, 800)
		noSidewaysScroll(t, p)
		shot(p, "crowded-1024")
		p.Size(390, 800)
		noSidewaysScroll(t, p)
		shot(p, "crowded-phone")
		noProblems(t, p, firstQuestion)
	})

	t.Run("empty", func(t *testing.T) {
		f, p := open(t, b)
		f.set(func(f *fake) { f.topology = nil })
		login(p)
		p.WaitText(".empty", "No load balancer yet")
		contains(t, p.Text(".empty"), "export OS_CLOUD=lbd", "openstack loadbalancer create --name lb1", "healthmonitor create")
		p.Click(".empty .copy")
		p.WaitText(".empty .copy", "cop")
		shot(p, "empty")
		noProblems(t, p, firstQuestion)
	})

	t.Run("cluster", func(t *testing.T) {
		f, p := open(t, b)
		f.set(func(f *fake) { f.cluster = threeNodes(f.start) })
		login(p)
		p.Click(`a[href="#/cluster"]`)
		p.WaitText(".statement.large", "node-a is active")
		contains(t, p.Text(`[data-name="node-a"]`), "this node", "data", "active", "180 ms", "10.0.0.9", "2001:db8::20", "and 1 more", "leader", "7", "leader of term 7")
		contains(t, p.Text(`[data-name="node-b"]`), "standby", "112 ms ago", "follower", "33", "data plane not ready", "address already in use")
		contains(t, p.Text(`[data-name="witness-1"]`), "witness", "witness")
		f.set(func(f *fake) {
			f.pending = []any{obj{"code": "204816", "name": "node-c", "kind": "data", "from": "10.0.0.12:40112", "since": stamp(f.start, 0)}}
		})
		p.WaitText(".waiting", "204816")
		p.Wait(`document.querySelector(".waiting")`)
		contains(t, p.Text("#app"), "lbd token", "lbd --join node-a.example:9876", "lbd approve 204816")
		p.Wait(`(document.querySelectorAll(".trace .spark path")[1].getAttribute("d").match(/L/g) ?? []).length > 3`)
		shot(p, "cluster")
		p.Dark(true)
		shot(p, "cluster-dark")
		p.Dark(false)
		p.Size(390, 800)
		noSidewaysScroll(t, p)
		shot(p, "cluster-phone")
		noProblems(t, p, firstQuestion)
	})

	t.Run("shares", func(t *testing.T) {
		f, p := open(t, b)
		f.set(func(f *fake) { f.cluster = sharedNodes(f.start) })
		login(p)
		p.Click(`a[href="#/cluster"]`)
		p.WaitText(".nodes thead", "share")
		contains(t, p.Text(`[data-name="node-a"] .share`), "3 of 4")
		contains(t, p.Text(`[data-name="node-b"] .share`), "? of 1")
		contains(t, p.Text(`[data-name="witness-1"] .share`), "–")
		p.Size(390, 800)
		noSidewaysScroll(t, p)
		f.set(func(f *fake) { f.cluster = threeNodes(f.start) })
		p.Wait(`!document.querySelector(".nodes .share")`)
		noProblems(t, p, firstQuestion)
	})

	t.Run("takeovers", func(t *testing.T) {
		f, p := open(t, b)
		f.set(func(f *fake) { f.cluster, f.history = twoNodes(f.start), nil })
		login(p)
		p.Click(`a[href="#/takeovers"]`)
		p.WaitText("main", "Nobody has held a VIP yet.")
		f.set(func(f *fake) {
			f.cluster, f.history = afterFailover(f.start), takenOver(f.start)
		})
		p.WaitText(".takeovers", "the VIP holder of the leader before died")
		contains(t, p.Text(".facts.row"), "4 takeovers", " s ago", "21 ms", "268 ms", "3 ms", "lbd history")
		contains(t, p.Text(".takeovers"), "nobody answered for", "margin", "node-a", "node-b", "9", "12 ms", "3 ms", "the leader before handed over",
			"node-b", "node-a", "8", "21 ms", "6 ms", "node-a", "node-gone", "7", "268 ms", "52 ms", "fell silent", "node-gone", "–", "1", "–", "–", "nobody else leads")
		shot(p, "takeovers")
		p.Dark(true)
		shot(p, "takeovers-dark")
		p.Dark(false)
		p.Size(390, 800)
		noSidewaysScroll(t, p)
		shot(p, "takeovers-phone")
		f.set(func(f *fake) {
			f.history[0].(obj)["margin_ms"] = -4
			f.cluster = twoNodes(f.start)
		})
		p.WaitText(".takeovers .bad", "−4 ms")
		if text := p.Text("main"); strings.Contains(text, "Shares") {
			t.Errorf("shares are shown where there are none:\n%s", text)
		}
		f.set(func(f *fake) {
			f.shares = []any{obj{
				"version": 9, "at": stamp(f.start, 0), "from": "n2", "from_name": "node-b", "to": "n1", "to_name": "node-a", "count": 3,
				"loadbalancers": []any{"lb1"}, "why": "the node before fell silent",
			}}
			f.cluster = afterFailover(f.start)
		})
		p.WaitText(".shares", "fell silent")
		contains(t, p.Text(".shares"), "node-a", "node-b", "3", "the node before fell silent")
		noSidewaysScroll(t, p)
		noProblems(t, p, firstQuestion)
	})

	t.Run("switchover", func(t *testing.T) {
		f, p := open(t, b)
		login(p)
		p.Click(`a[href="#/cluster"]`)
		p.Size(1280, 960)
		p.Click("#switchover")
		p.WaitText("dialog", "lbd switchover node-b")
		shot(p, "switchover")
		p.Press("Escape")
		p.Wait(`!document.querySelector("dialog").open`)
		f.mu.Lock()
		early := len(f.posts)
		f.mu.Unlock()
		if early != 0 {
			t.Error("something was done before it was confirmed")
		}
		p.Click("#switchover")
		p.Click("#switch-go")
		p.WaitText(".act [role=status]", "asked node-b to take over")
		f.mu.Lock()
		posts := slices.Clone(f.posts)
		f.mu.Unlock()
		if want := []string{`/v1/cluster/switchover {"node":"node-b"}`}; !slices.Equal(posts, want) {
			t.Errorf("posted %q, want %q", posts, want)
		}
		f.set(func(f *fake) { f.cluster = afterFailover(time.Now()) })
		p.WaitText(".statement.large", "node-b is active")
		p.WaitText("#quorum", "held by arbiter, writes closed")
		contains(t, p.Text(`[data-name="node-a"]`), "unknown", "4.2 s ago", "silent for 4.2 s")
		if text := p.Text(`[data-name="node-a"]`); strings.Contains(text, "active") || strings.Contains(text, "10.0.0.9") || strings.Contains(text, "leader") {
			t.Errorf("a silent node is shown with what it said before:\n%s", text)
		}
		contains(t, p.Text(".log"), "node node-b", "standby →", "active")
		shot(p, "node-unknown")
		noProblems(t, p, firstQuestion)
	})

	t.Run("who may not see the nodes", func(t *testing.T) {
		f, p := open(t, b)
		f.set(func(f *fake) { f.reader = true })
		login(p)
		p.WaitText(".statement", "Who is active is not shown: Policy does not allow this request to be performed.")
		p.WaitText(".fresh", "live, polling")
		contains(t, p.Text(`[data-lb="lb1"]`), "10.0.0.9", "listener1", "pool1", "web1", "ONLINE")
		if text := p.Text(".vip"); strings.Contains(text, "node") {
			t.Errorf("the VIP says more than is known:\n%s", text)
		}
		p.Click(`a[href="#/cluster"]`)
		p.WaitText("main", "Who is active is not shown")
		noProblems(t, p, firstQuestion, "403")
	})

	t.Run("stale and expired", func(t *testing.T) {
		f, p := open(t, b)
		login(p)
		p.WaitText(`[data-member="web1"]`, "ONLINE")
		f.set(func(f *fake) { f.down = true })
		p.WaitText(".fresh.late", "this node is stopping")
		contains(t, p.Text(".statement"), "Not known now. Last seen: node-a is active")
		contains(t, p.Text(".vip"), "not seen now")
		shot(p, "stale")
		f.set(func(f *fake) { f.down = false })
		p.WaitText(".fresh", "live")
		f.set(func(f *fake) { f.expired = true })
		p.WaitText(".notice", "The session has ended")
		noProblems(t, p, firstQuestion, "503")
	})
}

func noSidewaysScroll(t *testing.T, p *cdp.Page) {
	t.Helper()
	p.Wait(`document.querySelector(".statement")`)
	var over string
	p.Eval(`document.documentElement.scrollWidth <= innerWidth ? "" :
		[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll"))
			.slice(0, 5).map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).join(" ") || "something"`, &over)
	if over != "" {
		t.Errorf("the page is wider than the window because of: %s", over)
	}
}
