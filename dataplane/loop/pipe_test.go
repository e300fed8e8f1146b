package loop

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestPipesAreBoundedAndNeverLentWithOldBytes(t *testing.T) {
	l := newLoop(t)
	if l.LendPipe() != nil {
		t.Error("a pipe is lent where none is allowed")
	}
	l.SetPipes(1)
	p := l.LendPipe()
	if p == nil || l.LendPipe() != nil {
		t.Fatal("the bound is not one")
	}
	l.ReturnPipe(p)
	if again := l.LendPipe(); again != p {
		t.Error("an empty pipe is not used again")
	}
	a, other := pair(t, l)
	unix.Write(other, []byte("somebody's"))
	turn(t, l)
	if n, errno := a.sock.SpliceIn(p, 4); n != 4 || errno != 0 || p.Len() != 4 {
		t.Fatalf("%d, %v, %d in the pipe", n, errno, p.Len())
	}
	l.ReturnPipe(p)
	if q := l.LendPipe(); q == nil || q == p || q.Len() != 0 {
		t.Errorf("after one with bytes was returned: %+v", q)
	}
}

func TestSpliceStopsWhereThePeerIsFull(t *testing.T) {
	l := newLoop(t)
	l.SetPipes(1)
	from, feeder := pair(t, l)
	to, reader := pair(t, l)
	turn(t, l)
	p, block := l.LendPipe(), make([]byte, 32<<10)
	in, out := 0, 0
	for p.Len() == 0 {
		if in > 64<<20 {
			t.Fatal("the peer is never full")
		}
		unix.Write(feeder, block)
		n, errno := from.sock.SpliceIn(p, PipeSize)
		if errno != 0 {
			t.Fatal(errno)
		}
		in += n
		n, errno = to.sock.SpliceOut(p)
		if errno != 0 {
			t.Fatal(errno)
		}
		out += n
	}
	if to.sock.Writable || in != out+p.Len() {
		t.Errorf("writable %v, %d in, %d out, %d kept", to.sock.Writable, in, out, p.Len())
	}
	got := 0
	for got < in {
		n, err := unix.Read(reader, block)
		if err != nil {
			t.Fatal(err)
		}
		if got += n; p.Len() > 0 {
			to.sock.SpliceOut(p)
		}
	}
	from.sock.Readable = true
	if _, errno := from.sock.SpliceIn(p, PipeSize); errno != unix.EAGAIN || from.sock.Readable {
		t.Errorf("empty: %v, readable %v", errno, from.sock.Readable)
	}
	unix.Shutdown(feeder, unix.SHUT_WR)
	if n, errno := from.sock.SpliceIn(p, PipeSize); n != 0 || errno != 0 {
		t.Errorf("end: %d, %v", n, errno)
	}
}
