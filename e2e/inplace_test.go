package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lbd/e2e/harness"
)

// tunnel is something long through the VIP, such as an upgraded connection, on which lines
// come back for as long as the test wants.
type tunnel struct {
	name  string
	end   func()
	mu    sync.Mutex
	lines int   // guarded by mu
	err   error // guarded by mu; how it ended
	done  chan struct{}
}

// open connects through addr and says something every 20 ms.
func openTunnel(w *harness.World, name, addr string) *tunnel {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := w.Client.Dial(ctx, "tcp", addr)
	if err != nil {
		w.T.Fatal(err)
	}
	r := bufio.NewReader(c)
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		c.Close()
		w.T.Fatalf("%s: %v, %v", name, resp, err)
	}
	return talk(w, name, func() { c.Close() }, func(line string) (string, error) {
		c.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, line+"\n")
		l, err := r.ReadString('\n')
		return strings.TrimSuffix(l, "\n"), err
	})
}

// talk says something every 20 ms until the test ends, or end is called, or something else
// comes back.
func talk(w *harness.World, name string, end func(), say func(line string) (back string, err error)) *tunnel {
	t := &tunnel{name: name, end: end, done: make(chan struct{})}
	w.T.Cleanup(func() { t.close() })
	go func() {
		defer close(t.done)
		for i := 0; ; i++ {
			line := fmt.Sprintf("LINE %d", i)
			back, err := say(line)
			if err == nil && back != line {
				err = errorf("%q came back as %q", line, back)
			}
			t.mu.Lock()
			t.lines, t.err = i, err
			t.mu.Unlock()
			if err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return t
}

// close ends it and returns how many lines came back, and what went wrong before.
func (t *tunnel) close() (lines int, err error) {
	t.mu.Lock()
	lines, err = t.lines, t.err
	t.mu.Unlock()
	t.end()
	<-t.done
	return lines, err
}

// alive fails the test when it has ended, and waits for five more lines.
func (t *tunnel) alive(w *harness.World, when string) {
	w.T.Helper()
	t.mu.Lock()
	from := t.lines
	t.mu.Unlock()
	w.Until(10*time.Second, t.name+" goes on "+when, func() error {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.err != nil {
			w.T.Fatalf("%s ended %s after %d lines: %v", t.name, when, t.lines, t.err)
		}
		if t.lines < from+5 {
			return errorf("%d lines", t.lines)
		}
		return nil
	})
}

// TestRestartInPlace restarts the only node of a cluster, again and again, under load: into
// the same binary, into some that fail at each stage, and back. No request fails, and
// a WebSocket-like tunnel and a TCP relay that were open before the first restart
// live through all of them.
func TestRestartInPlace(t *testing.T) {
	good, err := os.ReadFile(harness.Binary())
	if err != nil {
		t.Fatal(err)
	}
	w := harness.New(t, harness.Options{Nodes: 1})
	n := w.Nodes[0]
	n.Install(good)
	w.StartCluster()
	s := w.MakeService(map[string]any{"type": "HTTP", "delay": 1, "timeout": 1, "max_retries": 1})
	relayed := n.Post(harness.Octavia+"listeners", "listener", map[string]any{"name": "tcp", "loadbalancer_id": s.LB, "protocol": "TCP", "protocol_port": 8080})
	pool := n.Post(harness.Octavia+"pools", "pool", map[string]any{"name": "pool2", "listener_id": relayed["id"], "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN"})
	n.Post(harness.Octavia+"pools/"+pool["id"].(string)+"/members", "member", map[string]any{"address": "10.0.0.6", "protocol_port": 80})
	w.Until(10*time.Second, "the TCP listener serves", func() error {
		_, err := w.Curl("--fail", "http://"+s.FIP+":8080/")
		return err
	})
	ws, tcp := openTunnel(w, "the tunnel", s.FIP+":80"), openTunnel(w, "the relay", s.FIP+":8080")
	l := startLoad(w, w.Client, s.FIP+":80")
	l.passed("before the restart")

	self := func() harness.NodeView {
		t.Helper()
		v, err := n.Self()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	check := func(when string) {
		t.Helper()
		l.passed(when)
		ws.alive(w, when)
		tcp.alive(w, when)
		if v := self(); v.Role != "active" || len(v.VIPs) == 0 || !n.HasAddress(s.VIP) {
			t.Errorf("%s the node says it is %s with %v", when, v.Role, v.VIPs)
		}
	}
	first := self().PID
	n.Install(good) // the same bytes, in another file
	began := time.Now()
	out, err := n.TryCLI(time.Minute, "restart", "--wait", "20s")
	if err != nil {
		t.Fatalf("restart: %v\n%s", err, out)
	}
	t.Logf("%s (%s)", out, time.Since(began).Round(time.Millisecond))
	if v := self(); v.PID == first || !n.RunsInstalled() {
		t.Errorf("process %d, before it was %d", v.PID, first)
	}
	w.Until(10*time.Second, "the first process drains two connections", func() error {
		if v := self(); len(v.Draining) != 1 || v.Draining[0].PID != first || v.Draining[0].Connections != 2 {
			return errorf("it says %+v", v.Draining)
		}
		return nil
	})
	if out := n.CLI("status"); !strings.Contains(out, fmt.Sprintf("process %d (", first)) || !strings.Contains(out, "serves 2 connections") {
		t.Errorf("status does not tell of the process that drains:\n%s", out)
	}
	check("after the restart")

	speaks := "#!/bin/sh\n[ \"$1\" = version ] && echo lbd 9.9 && echo handover 1 && exit\n"
	second := self().PID
	for _, bad := range []struct{ what, script, says string }{
		{"ends at once", speaks + "exit 3\n", "ended before it had taken over: exit status 3"},
		{"says nothing", speaks + "exec sleep 60\n", "did not take over: nothing heard from it within"},
		{"does not know its flags", speaks + "exec " + harness.Binary() + " \"$@\" --no-such-flag\n", "flag provided but not defined: -no-such-flag"},
	} {
		n.Install([]byte(bad.script))
		out, err := n.TryCLI(time.Minute, "restart", "--wait", "20s")
		if err == nil || !strings.Contains(out, "The node goes on as it is: ") || !strings.Contains(out, bad.says) {
			t.Errorf("a binary that %s: %v\n%s", bad.what, err, out)
		}
		if pid := self().PID; pid != second {
			t.Errorf("a binary that %s: process %d goes on, want %d", bad.what, pid, second)
		}
	}
	check("after three binaries that could not start")

	// This one fails when the process before has already let go of the data.
	n.Install([]byte(speaks + "exec " + harness.Binary() + " \"$@\" --name other\n"))
	out, err = n.TryCLI(time.Minute, "restart", "--wait", "20s")
	if err == nil || !strings.Contains(out, "it goes on with the binary it had: ") || !strings.Contains(out, "a node keeps its name") {
		t.Errorf("a binary that fails late: %v\n%s", err, out)
	}
	check("after a binary that failed late")

	n.Install(good)
	if out, err := n.TryCLI(time.Minute, "upgrade"); err != nil {
		t.Errorf("upgrade: %v\n%s", err, out)
	}
	check("at the end")
	for _, c := range []*tunnel{ws, tcp} {
		lines, err := c.close()
		t.Logf("%d lines came back on %s", lines, c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	w.Until(10*time.Second, "no process drains", func() error {
		if v := self(); len(v.Draining) != 0 {
			return errorf("it says %+v", v.Draining)
		}
		return nil
	})
	l.check()
	if err := n.Stop(); err != nil { // whoever started the first process still can
		t.Error(err)
	}
}
