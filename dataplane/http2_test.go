package dataplane

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"lbd/internal/testutil/pki"
	"lbd/store/model"
)

// http2Service is a TLS listener at addr in front of member, and a stock HTTP/2 client of it.
func http2Service(t *testing.T, member netip.AddrPort, change func(*model.Listener)) (*node, *http.Client) {
	t.Helper()
	ca := pki.NewCA(t, "ca")
	addr := freeAddr(t)
	svc := https(keep(web(addr, member), ca.ECDSA("a.example").PKCS12(t, "")), nil)
	if change != nil {
		svc = edit(svc, change)
	}
	n := start(t, Config{Keys: clear{}}, svc)
	c := browser(t, addr, &tls.Config{RootCAs: ca.Pool()})
	tr := c.Transport.(*http.Transport)
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP2(true)
	tr.MaxConnsPerHost = 1
	return n, c
}

func TestHTTP2(t *testing.T) {
	n, c := http2Service(t, handler(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.Host, " ", r.URL, " ", r.Proto, " ", r.Header.Get("X-Forwarded-Proto"), " ", r.Header.Get("Cookie")))
		w.Write(body)
	}), func(l *model.Listener) { l.InsertHeaders = map[string]string{"X-Forwarded-Proto": "true"} })
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			body := strings.Repeat("x", i*5000)
			req, _ := http.NewRequest("POST", fmt.Sprintf("https://a.example/p%d?q", i), strings.NewReader(body))
			req.Header["Cookie"] = []string{"a=1", "b=2"}
			resp, err := c.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || string(got) != body || resp.ProtoMajor != 2 {
				t.Errorf("%d bytes over %s, want %d: %v", len(got), resp.Proto, len(body), err)
			}
			if want := fmt.Sprintf("POST a.example /p%d?q HTTP/1.1 https a=1; b=2", i); resp.Header.Get("X-Seen") != want {
				t.Errorf("the member saw %q, want %q", resp.Header.Get("X-Seen"), want)
			}
		})
	}
	wg.Wait()
	n.counters("l", "requests are counted, and one connection", func(c model.ListenerCounters) bool {
		return c.Requests == 40 && c.TotalConnections == 1 && c.ActiveConnections == 1 && c.RequestErrors == 0
	})
}

func TestHTTP2MemberFaults(t *testing.T) {
	b := backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		for {
			h := head(r)
			switch {
			case h == "":
				return
			case strings.Contains(h, "/cut"):
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
				return
			case strings.Contains(h, "/junk"):
				io.WriteString(c, "junk\r\n\r\n")
				return
			default:
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
	_, c := http2Service(t, b.addr, nil)
	for range 2 { // one stream's fault is not the connection's
		for path, want := range map[string]int{"/": 200, "/junk": 502} {
			resp, err := c.Get("https://a.example" + path)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: %s", path, resp.Status)
			}
		}
		resp, err := c.Get("https://a.example/cut")
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%q looks complete", body)
		}
		resp.Body.Close()
	}
}

// A client that gives a stream up is noticed at the member.
func TestHTTP2AbortReachesTheMember(t *testing.T) {
	arrived, left := make(chan bool), make(chan bool)
	_, c := http2Service(t, handler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/wait" {
			return
		}
		arrived <- true
		<-r.Context().Done()
		close(left)
	}), nil)
	req, _ := http.NewRequest("GET", "https://a.example/wait", nil)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		_, err := c.Do(req.WithContext(ctx))
		over <- err
	}()
	<-arrived
	cancel()
	if err := <-over; err == nil {
		t.Error("the aborted request succeeded")
	}
	<-left
	resp, err := c.Get("https://a.example/")
	if err != nil {
		t.Fatalf("the connection went with it: %v", err)
	}
	resp.Body.Close()
}

// Removing the listener loses none of the requests under way.
func TestHTTP2Drains(t *testing.T) {
	arrived, finish := make(chan bool), make(chan bool)
	n, c := http2Service(t, handler(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-finish
	}), nil)
	over := make(chan error, 1)
	go func() {
		resp, err := c.Get("https://a.example/")
		if err == nil {
			resp.Body.Close()
		}
		over <- err
	}()
	<-arrived
	n.apply()
	close(finish)
	if err := <-over; err != nil {
		t.Errorf("the request under way: %v", err)
	}
}
