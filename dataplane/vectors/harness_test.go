package vectors

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lbd/dataplane"
	"lbd/internal/testutil/poll"
	"lbd/store/model"
)

const next = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"

// static is a configuration that does not change.
type static struct{ cfg *model.Config }

func (s static) Current() *model.Config   { return s.cfg }
func (s static) Changed() <-chan struct{} { return nil }

// engines are what serves the vectors: event loops, goroutines.
var engines = []struct {
	name  string
	loops int
}{{"loops", 2}, {"goroutines", -1}}

// bench is lbd in front of one strict member.
type bench struct {
	t      testing.TB
	addr   string
	member net.Listener
	wg     sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	seen    []*message // whole requests since the last take
	faults  []string   // what a strict member cannot read
	answers map[string]answer
}

// answer is what the member writes for a path, byte by byte.
type answer struct {
	raw   string
	close bool
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func addrOf(ln net.Listener) netip.AddrPort { return ln.Addr().(*net.TCPAddr).AddrPort() }

// newBench starts lbd until the test ends; change may add to the service.
func newBench(t testing.TB, loops int, change func(*dataplane.Config, *model.Service)) *bench {
	t.Helper()
	b := &bench{t: t, member: listen(t), conns: map[net.Conn]bool{}, answers: map[string]answer{}}
	free := listen(t)
	front := addrOf(free)
	free.Close()
	b.addr = front.String()
	up := model.Base{AdminStateUp: true, Provisioning: model.Active}
	svc := &model.Service{
		LoadBalancer: &model.LoadBalancer{ID: "lb", Base: up},
		Addresses:    []netip.Addr{front.Addr()},
		Listeners: []*model.Listener{{
			ID: "l", Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Port: front.Port(), ConnectionLimit: -1, DefaultPool: "p",
			TimeoutClientData: 5000, TimeoutMemberConnect: 5000, TimeoutMemberData: 5000,
		}},
		Pools: []*model.Backends{{
			Pool:    &model.Pool{ID: "p", Base: up, LoadBalancer: "lb", Protocol: model.HTTP, Algorithm: model.RoundRobin},
			Members: []model.Server{{ID: "m", AdminStateUp: true, Address: addrOf(b.member).Addr(), Port: addrOf(b.member).Port(), Weight: 1}},
		}},
	}
	cfg := dataplane.Config{Loops: loops, Drain: time.Second}
	if change != nil {
		change(&cfg, svc)
	}
	e, err := dataplane.New(cfg, static{&model.Config{Index: 1, Services: []*model.Service{svc}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	b.wg.Go(b.serve)
	t.Cleanup(func() {
		cancel()
		b.member.Close()
		b.mu.Lock()
		for c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		b.wg.Wait()
	})
	poll.Until(t, "it is in service", func() bool { return e.Report().Applied >= 1 })
	return b
}

func (b *bench) serve() {
	for {
		c, err := b.member.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conns[c] = true
		b.mu.Unlock()
		b.wg.Go(func() {
			b.requests(c)
			c.Close()
			b.mu.Lock()
			delete(b.conns, c)
			b.mu.Unlock()
		})
	}
}

// requests answers those of one connection.
func (b *bench) requests(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		m, err := readRequest(r)
		if err != nil {
			if m != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errCut) && !errors.Is(err, net.ErrClosed) {
				b.mu.Lock()
				b.faults = append(b.faults, err.Error())
				b.mu.Unlock()
			}
			return
		}
		method, target, _ := strings.Cut(m.start, " ")
		target, _, _ = strings.Cut(target, " ")
		b.mu.Lock()
		b.seen = append(b.seen, m)
		a, ok := b.answers[target]
		b.mu.Unlock()
		switch {
		case ok:
		case method == "HEAD":
			a.raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
		default:
			a.raw = "HTTP/1.1 200 OK\r\nX-Path: " + target + "\r\nContent-Length: 2\r\n\r\nok"
		}
		if _, err := io.WriteString(c, a.raw); err != nil || a.close {
			return
		}
	}
}

// take gives what the member saw since the last time.
func (b *bench) take() (seen []*message, faults []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen, faults = b.seen, b.faults
	b.seen, b.faults = nil, nil
	return seen, faults
}

// exchange is what a client got.
type exchange struct {
	interim []int
	finals  []*message
	err     error // nil: the connection ended between two answers
	kept    bool  // a further request was answered
}

// talk sends raw in pieces of the lengths in cuts and reads answers: as many as
// methods has, or up to the end of the connection; then it asks for /next.
func (b *bench) talk(raw string, cuts []int, methods []string, half bool) (x exchange) {
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	var sender sync.WaitGroup
	defer sender.Wait()
	sender.Go(func() {
		at := 0
		for _, cut := range append(cuts, len(raw)) {
			if _, err := io.WriteString(c, raw[at:cut]); err != nil {
				return
			}
			if at = cut; at < len(raw) {
				time.Sleep(100 * time.Microsecond) // most pieces are read alone; the outcome is the same if not
			}
		}
		if half {
			c.(*net.TCPConn).CloseWrite()
		}
	})
	r := bufio.NewReader(c)
	for asked := false; ; {
		method := "GET"
		if len(x.finals) < len(methods) {
			method = methods[len(x.finals)]
		} else if len(x.finals) == len(methods) && !asked && !half {
			sender.Wait()
			asked = true
			io.WriteString(c, next) // fails where lbd has closed
		}
		m, err := readAnswer(r, method)
		switch {
		case err != nil:
			if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset by peer") {
				x.err = err
			}
			return x
		case m.status() < 200:
			x.interim = append(x.interim, m.status())
		case asked && m.status() == 200 && len(x.finals) == len(methods) && strings.Join(m.get("X-Path"), "") == "/next":
			x.kept = true
			return x
		default:
			x.finals = append(x.finals, m)
			if m.toEnd {
				return x
			}
		}
	}
}

func codes(ms []*message) string {
	var s []string
	for _, m := range ms {
		s = append(s, strconv.Itoa(m.status()))
	}
	return strings.Join(s, " ")
}
