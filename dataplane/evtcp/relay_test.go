package evtcp

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lbd/dataplane/loop"
)

// quiet is a handler of events that no test waits for: tests say themselves what is ready.
type quiet struct{}

func (quiet) Ready()    {}
func (quiet) Panicked() {}

// bench is a relay between two socket pairs; client and server are the far ends.
type bench struct {
	Relay
	client, server int
	in, out        atomic.Int64
}

// newBench makes a relay whose server pair takes up to buffer bytes, 0 for the
// system's default. It is not run by its loop but by the test.
func newBench(t *testing.T, buffer int) *bench {
	t.Helper()
	l, err := loop.New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	t.Cleanup(func() {
		go func() { over <- l.Run() }()
		l.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	b := &bench{}
	end := func(size int) (*loop.Sock, int) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_SNDBUF, size); err != nil {
				t.Fatal(err)
			}
		}
		s := new(loop.Sock)
		s.Adopt(l, fds[0], quiet{})
		s.Readable, s.Writable = true, true
		t.Cleanup(func() { s.Close(); unix.Close(fds[1]) })
		return s, fds[1]
	}
	b.Loop, b.In, b.Out = l, &b.in, &b.out
	b.Client, b.client = end(0)
	b.Server, b.server = end(buffer)
	b.ClientIdle, b.ServerIdle = time.Minute, time.Minute
	b.Start(nil, nil)
	t.Cleanup(b.Release)
	return b
}

// After a stall no new edge tells that there was more to read: the relay remembers.
func TestReadableIsRememberedThroughAStall(t *testing.T) {
	b := newBench(t, 16<<10)
	var sent, got []byte
	fill := func() {
		for {
			p := bytes.Repeat([]byte{byte(len(sent) >> 10)}, 4<<10)
			n, err := unix.Write(b.client, p)
			if err != nil {
				return
			}
			sent = append(sent, p[:n]...)
		}
	}
	drain := func() {
		for p := make([]byte, 64<<10); ; {
			n, err := unix.Read(b.server, p)
			if err != nil || n == 0 {
				return
			}
			got = append(got, p[:n]...)
		}
	}
	fill()
	if s := b.Run(); s != Waiting {
		t.Fatalf("state %d", s)
	}
	fill() // the last of it: its edge comes now, and no other
	b.Client.Readable = true
	for range 1000 {
		before := len(got)
		drain()
		b.Server.Writable = true // this is an event
		b.Run()
		if len(got) == before && len(got) > 0 {
			break
		}
	}
	drain()
	if !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes came through", len(got), len(sent))
	}
}
