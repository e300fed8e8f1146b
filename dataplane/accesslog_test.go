package dataplane

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"lbd/dataplane/accesslog"
	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// journal is a sink that keeps the lines of an access log.
type journal struct {
	t     testing.TB
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (j *journal) Write(_ context.Context, batch []accesslog.Line) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range batch {
		j.lines = append(j.lines, string(l.Text))
	}
	return nil
}

func (j *journal) Close() error { return nil }

// logged is the one line that is there or comes.
type logged struct {
	Listener, Loadbalancer, Client, VIP, Protocol, TLS, Method, Host, Target string
	Policy, Pool, Member, End                                                string
	MemberAddr                                                               string `json:"member_addr"`
	Status, Tries                                                            int
	In                                                                       int64 `json:"bytes_in"`
	Out                                                                      int64 `json:"bytes_out"`
	Reused                                                                   bool
	Head                                                                     int64 `json:"head_us"`
	Connect                                                                  int64 `json:"connect_us"`
	Wait                                                                     int64 `json:"wait_us"`
	Transfer                                                                 int64 `json:"transfer_us"`
	Total                                                                    int64 `json:"total_us"`
}

func (j *journal) next() (l logged) {
	j.t.Helper()
	var line string
	until(j.t, "a line in the access log", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		if len(j.lines) == 0 {
			return false
		}
		line, j.lines = j.lines[0], j.lines[1:]
		return true
	})
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		j.t.Fatalf("%s: %v", line, err)
	}
	if sum := l.Head + l.Connect + l.Wait + l.Transfer; l.Total-sum > 4 || sum > l.Total { // each is rounded down
		j.t.Errorf("%s: the parts are %d us", line, sum)
	}
	return l
}

// logs runs an engine with an access log in JSON.
func logs(t testing.TB, cfg Config, services ...*model.Service) (*node, *journal) {
	t.Helper()
	f, err := accesslog.ParseFormat("json")
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{t: t}
	cfg.Access = accesslog.New(accesslog.Config{Format: f, Sink: j, Sample: 1})
	return start(t, cfg, services...), j
}

func TestAccessLogOfRequests(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			if h == "" {
				return
			}
			if strings.HasPrefix(h, "POST") {
				io.CopyN(io.Discard, r, 100<<10)
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	_, j := logs(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	for i := range 3 {
		was, got := w.out.Load(), w.in.Load()
		body := ""
		if i == 2 {
			body = strings.Repeat("x", 100<<10)
			w.send("POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
		} else {
			w.send("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		}
		w.status("GET", 200)
		l := j.next()
		want := logged{
			Listener: "l", Loadbalancer: "lb", Client: w.LocalAddr().String(), VIP: addr.String(), Protocol: "HTTP/1.1", Method: "GET", Host: "a",
			Target: fmt.Sprintf("/%d", i), Pool: "p", Member: "m0", MemberAddr: b.addr.String(), End: "completed", Status: 200, Tries: 1,
			In: w.out.Load() - was, Out: w.in.Load() - got, Reused: i > 0,
			Head: l.Head, Connect: l.Connect, Wait: l.Wait, Transfer: l.Transfer, Total: l.Total,
		}
		if body != "" {
			want.Method = "POST"
		}
		if l != want {
			t.Errorf("request %d:\n%+v, want\n%+v", i, l, want)
		}
	}
}

func TestAccessLogSaysWhyARequestEnded(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	silent := func(c *net.TCPConn, r *bufio.Reader) { io.Copy(io.Discard, r) }
	says := func(answer string) func(c *net.TCPConn, r *bufio.Reader) {
		return func(c *net.TCPConn, r *bufio.Reader) { head(r); io.WriteString(c, answer) }
	}
	for name, tc := range map[string]struct {
		member  func(c *net.TCPConn, r *bufio.Reader) // nil: none
		request string
		leave   bool // the client does, after the request
		status  int
		end     string
	}{
		"malformed":        {nil, "GET / HTTP/1.1\r\n\r\n", false, 400, "client-malformed"},
		"malformed body":   {silent, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false, 400, "client-malformed"},
		"slow head":        {nil, "GET / HTTP/1.1\r\nHo", false, 408, "client-timeout"},
		"slow body":        {silent, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx", false, 408, "client-timeout"},
		"gone in the head": {nil, "GET / HTTP/1.1\r\nHo", true, 0, "client-aborted"},
		"no member":        {nil, get, false, 503, "no-member"},
		"member closed":    {says(""), get, false, 502, "member-closed"},
		"member silent":    {silent, get, false, 504, "member-timeout"},
		"member malformed": {says("HTTP/9\r\n\r\n"), get, false, 502, "member-malformed"},
		"member cut":       {says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), get, false, 200, "member-cut"},
		"bad chunk":        {says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nax\r\n"), get, false, 502, "member-malformed"},
		"bad chunk later":  {says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n96000\r\n" + strings.Repeat("y", 0x96000) + "x\r\n"), get, false, 200, "member-malformed"},
		"here":             {nil, "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", false, 405, "answered"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := freeAddr(t)
			var members []netip.AddrPort
			if tc.member != nil {
				members = append(members, backend(t, tc.member).addr)
			}
			_, j := logs(t, Config{}, edit(web(addr, members...), func(l *model.Listener) { l.TimeoutClientData, l.TimeoutMemberData = 150, 200 }))
			w := dial(t, addr)
			w.send("%s", tc.request)
			if tc.leave {
				w.Close()
			}
			if l := j.next(); l.Status != tc.status || l.End != tc.end {
				t.Errorf("status %d, end %s: %+v", l.Status, l.End, l)
			}
		})
	}
}

// Who stays and takes nothing of an answer is told from who leaves.
func TestAccessLogOfReadersThatStall(t *testing.T) {
	for name, framing := range map[string]string{"copied": "Transfer-Encoding: chunked\r\n\r\n10000000\r\n", "spliced": fmt.Sprintf("Content-Length: %d\r\n\r\n", 256<<20)} {
		for _, leaves := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", leaves ", leaves), func(t *testing.T) {
				addr := freeAddr(t)
				b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
					head(r)
					io.WriteString(c, "HTTP/1.1 200 OK\r\n"+framing)
					io.Copy(c, zeroes{})
				})
				patience, end := 200, "client-timeout"
				if leaves {
					patience, end = 20_000, "client-aborted"
				}
				n, j := logs(t, Config{}, edit(web(addr, b.addr), func(l *model.Listener) { l.TimeoutClientData = patience }))
				w := dial(t, addr)
				if err := w.SetReadBuffer(16 << 10); err != nil {
					t.Fatal(err)
				}
				w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				if leaves {
					n.counters("l", "the answer has begun", func(c model.ListenerCounters) bool { return c.BytesOut > 0 })
					w.SetLinger(0)
					w.Close()
				}
				if l := j.next(); l.Status != 200 || l.End != end {
					t.Errorf("status %d, end %s, want %s", l.Status, l.End, end)
				}
			})
		}
	}
	t.Run("HTTP/2", func(t *testing.T) {
		e := &edge{t: t, addr: freeAddr(t), wait: 10 * time.Second}
		svc := https(keep(web(e.addr, page(t, "x").addr), pki.NewCA(t, "ca").ECDSA("a").PKCS12(t, "")), nil)
		_, j := logs(t, Config{Keys: clear{}}, edit(svc, func(l *model.Listener) { l.TimeoutClientData = 200 }))
		w := e.dialHTTP2()
		w.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		w.headers(1, true, asks())
		if got := w.outcome(1); !strings.HasPrefix(got, "reset ") {
			t.Errorf("the stream: %s", got)
		}
		if l := j.next(); l.Status != 200 || l.End != "client-timeout" {
			t.Errorf("status %d, end %s", l.Status, l.End)
		}
	})
}

func TestAccessLogOfPolicies(t *testing.T) {
	addr := freeAddr(t)
	svc := web(addr, page(t, "x").addr)
	svc.Policies = []*model.RuledPolicy{{Policy: &model.L7Policy{
		ID: "policy-1", Base: svc.Listeners[0].Base, Listener: "l", Action: model.L7Reject, Position: 1,
	}, Rules: []*model.L7Rule{{ID: "r", Base: svc.Listeners[0].Base, Policy: "policy-1", Type: model.L7Path, Compare: model.L7StartsWith, Value: "/no"}}}}
	_, j := logs(t, Config{}, svc)
	w := dial(t, addr)
	if resp, _ := w.get("/no"); resp.StatusCode != 403 {
		t.Fatal(resp.Status)
	}
	if l := j.next(); l.Policy != "policy-1" || l.End != "rejected" || l.Status != 403 || l.Pool != "" {
		t.Errorf("%+v", l)
	}
}

func TestAccessLogOfConnections(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) { io.Copy(c, r) })
	n, j := logs(t, Config{}, tcp(web(addr, b.addr)))
	w := dial(t, addr)
	w.send("hello")
	w.CloseWrite()
	if got, err := io.ReadAll(w); string(got) != "hello" || err != nil {
		t.Fatalf("%q %v", got, err)
	}
	l := j.next()
	want := logged{
		Listener: "l", Loadbalancer: "lb", Client: w.LocalAddr().String(), VIP: addr.String(), Protocol: "TCP", Pool: "p", Member: "m0",
		MemberAddr: b.addr.String(), End: "completed", Tries: 1, In: 5, Out: 5,
		Connect: l.Connect, Transfer: l.Transfer, Total: l.Total,
	}
	if l != want {
		t.Errorf("%+v, want\n%+v", l, want)
	}
	n.apply(tcp(web(addr)))
	dial(t, addr).closed()
	if l := j.next(); l.End != "no-member" || l.Member != "" {
		t.Errorf("%+v", l)
	}
}

func TestAccessLogOfTunnels(t *testing.T) {
	addr := freeAddr(t)
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c, r)
	})
	_, j := logs(t, Config{}, web(addr, b.addr))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
	head(w.r)
	w.send("0123456789")
	io.ReadFull(w.r, make([]byte, 10))
	w.CloseWrite()
	w.closed()
	if l := j.next(); l.Status != 101 || l.End != "completed" || l.In != w.out.Load() || l.Out != w.in.Load() {
		t.Errorf("%d bytes out, %d in: %+v", w.out.Load(), w.in.Load(), l)
	}
}

func TestAccessLogOfAListenerThatIsGone(t *testing.T) {
	addr := freeAddr(t)
	arrived := make(chan bool)
	m := handler(t, func(w http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	n, j := logs(t, Config{Drain: 50 * time.Millisecond}, web(addr, m))
	w := dial(t, addr)
	w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	n.apply()
	if l := j.next(); l.End != "cut" && l.End != "client-aborted" {
		t.Errorf("%+v", l)
	}
}

func TestAccessLogSwitchedOffByTag(t *testing.T) {
	addr := freeAddr(t)
	svc := edit(web(addr, page(t, "x").addr), func(l *model.Listener) { l.Tags = []string{"access-log=off"} })
	n, j := logs(t, Config{}, svc)
	w := dial(t, addr)
	w.get("/quiet")
	n.apply(edit(svc, func(l *model.Listener) { l.Tags = nil }))
	w.get("/loud") // the same connection takes the newest configuration
	if l := j.next(); l.Target != "/loud" {
		t.Errorf("%+v", l)
	}
}

func TestAccessLogOverTLS(t *testing.T) {
	ca := pki.NewCA(t, "ca")
	addr := freeAddr(t)
	_, j := logs(t, Config{Keys: clear{}}, https(keep(web(addr, page(t, "hello").addr), ca.ECDSA("a.example").PKCS12(t, "")), nil))
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		c := browser(t, addr, &tls.Config{RootCAs: ca.Pool()})
		tr := c.Transport.(*http.Transport)
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetHTTP1(proto == "HTTP/1.1")
		tr.Protocols.SetHTTP2(proto == "HTTP/2.0")
		resp, err := c.Get("https://a.example/x?y")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if l := j.next(); l.TLS != "TLS 1.3" || l.Protocol != proto || l.Status != 200 || l.End != "completed" || l.Target != "/x?y" || l.In == 0 || l.Out == 0 {
			t.Errorf("%s: %+v", proto, l)
		}
	}
}
