package dataplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"lbd/store/model"
)

// introduced reads a PROXY header, then answers each request with it.
func introduced(t testing.TB, v2 bool) *raw {
	return backend(t, func(c *net.TCPConn, r *bufio.Reader) {
		var hello string
		if v2 {
			var b [28]byte
			if _, err := io.ReadFull(r, b[:]); err != nil {
				return
			}
			hello = fmt.Sprintf("%x from %d.%d.%d.%d:%d", b[12:16], b[16], b[17], b[18], b[19], int(b[24])<<8|int(b[25]))
		} else {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			hello = strings.TrimSpace(line)
		}
		for {
			h := head(r)
			if h == "" {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(hello), hello)
		}
	})
}

func TestMembersAreToldTheClientByPROXY(t *testing.T) {
	for _, listener := range []model.Protocol{model.HTTP, model.TCP} {
		for _, pool := range []model.Protocol{model.Proxy, model.ProxyV2} {
			addr := freeAddr(t)
			member := introduced(t, pool == model.ProxyV2)
			svc := web(addr, member.addr)
			svc.Listeners[0].Protocol, svc.Pools[0].Pool.Protocol = listener, pool
			n := start(t, Config{}, svc)
			if f := n.Report().Failures; len(f) > 0 {
				t.Fatalf("failures %+v", f)
			}
			for range 2 { // a connection is never another client's
				w := dial(t, addr)
				for range 2 {
					_, body := w.get("/")
					port := w.LocalAddr().(*net.TCPAddr).Port
					want := fmt.Sprintf("PROXY TCP4 127.0.0.1 %s %d %d", addr.Addr(), port, addr.Port())
					if pool == model.ProxyV2 {
						want = fmt.Sprintf("2111000c from 127.0.0.1:%d", port)
					}
					if body != want {
						t.Errorf("%s to %s: the member was told %q, want %q", listener, pool, body, want)
					}
				}
				w.Close()
			}
		}
	}
}

func TestPROXYHeaderGoesToTheNextMemberToo(t *testing.T) {
	addr := freeAddr(t)
	dead := freeAddr(t)
	svc := web(addr, dead, introduced(t, false).addr)
	svc.Pools[0].Pool.Protocol = model.Proxy
	start(t, Config{}, svc)
	for range 4 { // refused by one, told to the other
		w := dial(t, addr)
		if resp, body := w.get("/"); resp.StatusCode != 200 || !strings.HasPrefix(body, "PROXY TCP4 ") {
			t.Errorf("%s %q", resp.Status, body)
		}
	}
}
