package dataplane

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"lbd/dataplane/loop"
	"lbd/store/model"
)

// calls sums the system calls of all loops.
func (n *node) calls() (sum loop.Calls) {
	for _, w := range n.workers {
		got := make(chan loop.Calls)
		w.loop.Post(func() { got <- w.loop.Calls() })
		c := <-got
		sum.Wait += c.Wait
		sum.Read += c.Read
		sum.Write += c.Write
		sum.Splice += c.Splice
		sum.Peek += c.Peek
		sum.Connect += c.Connect
	}
	return sum
}

// callsDuring is what fn costs the loops.
func (n *node) callsDuring(fn func()) loop.Calls {
	a := n.calls()
	fn()
	b := n.calls()
	return loop.Calls{
		Wait: b.Wait - a.Wait, Read: b.Read - a.Read, Write: b.Write - a.Write, Splice: b.Splice - a.Splice,
		Peek: b.Peek - a.Peek, Connect: b.Connect - a.Connect,
	}
}

// A request on lasting connections is two reads and two writes, and nothing else
// but waiting.
func TestCallsOfARequest(t *testing.T) {
	if !withLoops {
		t.Skipf("SKIP %s: goroutines serve in this run, event loops in the other", t.Name())
	}
	const count = 200
	addr := freeAddr(t)
	n := start(t, Config{Loops: 1}, web(addr, page(t, "hello").addr))
	w := dial(t, addr)
	w.get("/")
	w.get("/") // the member's connection has had its options by now
	c := n.callsDuring(func() {
		for range count {
			w.get("/")
		}
	})
	if c.Read != 2*count || c.Write != 2*count || c.Peek+c.Connect+c.Splice > 0 {
		t.Errorf("%d requests: %+v", count, c)
	}
	// Each comes in one event from the client and one from the member; before it
	// sleeps, a loop looks once. Some for what is posted.
	if c.Wait > 4*count+20 {
		t.Errorf("%d requests: %d waits", count, c.Wait)
	}
}

// A TCP connection for one request: accept, socket, connect, watching both, one
// shutdown and two closes; request, answer and both ends are read, the member's
// with its answer if it came with it.
func TestCallsOfAShortConnection(t *testing.T) {
	if !withLoops {
		t.Skipf("SKIP %s: goroutines serve in this run, event loops in the other", t.Name())
	}
	const count = 50
	addr := freeAddr(t)
	n := start(t, Config{Loops: 1}, tcp(web(addr, page(t, "hello").addr)))
	c := n.callsDuring(func() {
		for range count {
			w := dial(t, addr)
			w.get("/")
			w.CloseWrite()
			io.ReadAll(w)
		}
		n.counters("l", "all are over", func(c model.ListenerCounters) bool { return c.ActiveConnections == 0 })
	})
	if per := float64(c.Sum()-c.Wait) / count; per > 15 {
		t.Errorf("%.1f calls a connection: %+v", per, c)
	}
}

// A read stops short at an urgent byte: that is not the end, although the FIN is there.
func TestUrgentByteIsNotTheEnd(t *testing.T) {
	addr := freeAddr(t)
	start(t, Config{}, tcp(web(addr, echo(t).addr)))
	for range 20 {
		w := dial(t, addr)
		raw, err := w.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { // in one go: FIN and all are there when it is read
			for _, p := range []struct {
				data  string
				flags int
			}{{"before", 0}, {"!", unix.MSG_OOB}, {"behind", 0}} {
				if err := unix.Send(int(fd), []byte(p.data), p.flags); err != nil {
					t.Error(err)
				}
			}
			unix.Shutdown(int(fd), unix.SHUT_WR)
		})
		if got, err := io.ReadAll(w); string(got) != "beforebehind" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}
