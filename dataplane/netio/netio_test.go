package netio

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lbd/internal/testutil/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is two ends of one loopback connection: ours and the peer's.
func pair(t testing.TB, pools *Pools) (*Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := Dial(context.Background(), ln.Addr().(*net.TCPAddr).AddrPort(), time.Second, pools)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close(); c.Release() })
	return c, peer.(*net.TCPConn)
}

func TestFillHoldsABufferOnlyForBytes(t *testing.T) {
	c, peer := pair(t, NewPools(0))
	c.ArmRead(20 * time.Millisecond)
	if _, err := c.Fill(); !IsTimeout(err) {
		t.Fatalf("Fill on a silent peer: %v, want a timeout", err)
	}
	if c.in != nil {
		t.Fatal("a buffer is held while nothing was read")
	}
	c.ArmRead(time.Second)
	peer.Write([]byte("hello"))
	n, err := c.Fill()
	if n != 5 || err != nil || string(c.Buffered()) != "hello" {
		t.Fatalf("Fill = %d, %v with %q", n, err, c.Buffered())
	}
	c.Discard(2)
	peer.Write([]byte(" you"))
	if _, err := c.Fill(); err != nil || string(c.Buffered()) != "llo you" {
		t.Fatalf("second Fill: %v with %q", err, c.Buffered())
	}
	c.Discard(7)
	if c.in != nil {
		t.Fatal("a buffer is held after everything was consumed")
	}
	peer.CloseWrite()
	if _, err := c.Fill(); err != io.EOF {
		t.Fatalf("Fill at the end: %v, want EOF", err)
	}
}

func TestGrowKeepsBytes(t *testing.T) {
	c, peer := pair(t, NewPools(0))
	want := make([]byte, LargeSize)
	rand.Read(want)
	go peer.Write(want)
	c.ArmRead(5 * time.Second)
	for len(c.Buffered()) < len(want) {
		if c.Full() && !c.Grow() {
			t.Fatalf("no room at %d bytes", len(c.Buffered()))
		}
		if _, err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(c.Buffered(), want) {
		t.Error("bytes changed while the buffer grew")
	}
	if !c.Full() || c.Grow() {
		t.Error("a full large buffer claims to have room")
	}
	if _, err := c.Fill(); err != io.ErrShortBuffer {
		t.Errorf("Fill without room: %v", err)
	}
}

func TestPeek(t *testing.T) {
	eventually := func(c *Conn, want PeerState) {
		t.Helper()
		poll.Until(t, fmt.Sprintf("Peek gives %d", want), func() bool { return c.Peek() == want })
	}
	pools := NewPools(0)
	c, peer := pair(t, pools)
	eventually(c, PeerQuiet)
	peer.Write([]byte("x"))
	eventually(c, PeerData)
	c.Fill()
	peer.CloseWrite()
	eventually(c, PeerFinished)
	c, peer = pair(t, pools)
	peer.SetLinger(0)
	peer.Close()
	eventually(c, PeerGone)
	c.Close()
	if c.Peek() != PeerGone {
		t.Error("a closed connection is not gone")
	}
}

func TestWriteGivesUpOnlyOnAStall(t *testing.T) {
	c, peer := pair(t, NewPools(0))
	const size, stall = 24 << 20, 300 * time.Millisecond
	slow := make(chan int64)
	go func() { // the whole takes longer than the timeout, each part does not
		var n int64
		buf := make([]byte, 2<<20)
		for n < size {
			time.Sleep(stall / 6)
			m, err := io.ReadFull(peer, buf)
			n += int64(m)
			if err != nil {
				break
			}
		}
		slow <- n
	}()
	start := time.Now()
	if n, err := c.Write(make([]byte, size), stall); n != size || err != nil {
		t.Fatalf("Write to a slow peer = %d, %v after %s", n, err, time.Since(start))
	}
	if n := <-slow; n != size {
		t.Fatalf("the peer got %d of %d bytes", n, size)
	}
	if took := time.Since(start); took < stall {
		t.Fatalf("the slow peer took only %s", took)
	}
	for total := 0; ; { // the kernel's buffers may take more than one Write
		n, err := c.Write(make([]byte, size), stall)
		total += n
		if errors.Is(err, os.ErrDeadlineExceeded) && n < size {
			break
		}
		if err != nil || total > 1<<30 {
			t.Fatalf("Write to a stalled peer = %d of %d, %v; want a timeout", n, total, err)
		}
	}
}

func TestSplice(t *testing.T) {
	pools := NewPools(2)
	t.Cleanup(pools.Close)
	src, in := pair(t, pools)
	dst, out := pair(t, pools)
	want := make([]byte, 3<<20)
	rand.Read(want)
	go func() {
		in.Write(want)
		in.CloseWrite()
	}()
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(out)
		got <- b
	}()
	var moved int64
	for {
		src.ArmRead(5 * time.Second)
		n, side, err := src.SpliceTo(dst, 1<<20, 5*time.Second)
		moved += n
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("side %d: %v", side, err)
		}
	}
	dst.CloseWrite()
	if moved != int64(len(want)) || !bytes.Equal(<-got, want) {
		t.Errorf("moved %d of %d bytes, or they differ", moved, len(want))
	}
	if pools.lent != 0 || len(pools.pipes) > 2 {
		t.Errorf("%d pipes lent, %d kept", pools.lent, len(pools.pipes))
	}
}

func TestSpliceWithoutPipes(t *testing.T) {
	pools := NewPools(0)
	src, in := pair(t, pools)
	dst, _ := pair(t, pools)
	in.Write([]byte("x"))
	src.ArmRead(time.Second)
	if _, _, err := src.SpliceTo(dst, 1, time.Second); err != ErrNoPipe {
		t.Fatalf("err = %v, want ErrNoPipe", err)
	}
	if _, err := src.Fill(); err != nil || string(src.Buffered()) != "x" {
		t.Errorf("after ErrNoPipe: %v, %q", err, src.Buffered())
	}
}

func TestLinger(t *testing.T) {
	c, peer := pair(t, NewPools(0))
	peer.Write(make([]byte, 100<<10))
	got := make(chan string, 1)
	c.Write([]byte("bye"), time.Second)
	go func() {
		time.Sleep(10 * time.Millisecond)
		b, err := io.ReadAll(peer)
		if err != nil {
			b = []byte(err.Error())
		}
		got <- string(b)
		peer.Close()
	}()
	if n := c.Linger(); n != 100<<10 {
		t.Errorf("dropped %d bytes", n)
	}
	if s := <-got; s != "bye" {
		t.Errorf("the peer read %q", s)
	}
}

func TestFillDoesNotAllocate(t *testing.T) {
	c, peer := pair(t, NewPools(0))
	msg := []byte("0123456789")
	n := testing.AllocsPerRun(200, func() {
		peer.Write(msg)
		c.ArmRead(time.Minute)
		if _, err := c.Fill(); err != nil {
			t.Fatal(err)
		}
		c.Discard(len(c.Buffered()))
		c.Write(msg, time.Minute)
	})
	if n > 0.5 {
		t.Errorf("%.1f allocations per read and write", n)
	}
}
