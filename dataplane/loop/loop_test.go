package loop

import (
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// probe counts what it is told.
type probe struct {
	sock          Sock
	ready, failed int
	do            func()
}

func (p *probe) Ready() {
	p.ready++
	if p.do != nil {
		p.do()
	}
}

func (p *probe) Panicked() { p.failed++ }

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

// pair is a watched socket and the other end of it.
func pair(t *testing.T, l *Loop) (p *probe, other int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	p = &probe{}
	p.sock.Adopt(l, fds[0], p)
	if err := p.sock.Watch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.sock.Close(); unix.Close(fds[1]) })
	return p, fds[1]
}

// turn is one round of a loop.
func turn(t *testing.T, l *Loop) {
	t.Helper()
	n, err := l.wait()
	if err != nil {
		t.Fatal(err)
	}
	l.batch++
	l.stir(n)
	for i := range n {
		l.dispatch(&l.events[i])
	}
	l.turns()
}

func TestOldEventsDoNotReachANewSocket(t *testing.T) {
	l := newLoop(t)
	a, other := pair(t, l)
	unix.Write(other, []byte("x"))
	n, err := l.wait()
	if err != nil || n != 1 {
		t.Fatalf("%d events, %v", n, err)
	}
	fd := a.sock.fd
	a.sock.Close()
	b, _ := pair(t, l)
	if b.sock.fd != fd {
		t.Skip("the number was not used again")
	}
	b.sock.Readable = false
	l.dispatch(&l.events[0])
	if b.ready != 0 || b.sock.Readable {
		t.Error("an event of the closed socket reached the one that has its number now")
	}
}

func TestShortReadBeforeAnEndLeavesTheFlag(t *testing.T) {
	l := newLoop(t)
	p, other := pair(t, l)
	unix.Write(other, []byte("abc"))
	unix.Shutdown(other, unix.SHUT_WR)
	turn(t, l)
	buf := make([]byte, 10)
	if n, _ := p.sock.Read(buf); n != 3 || !p.sock.Readable || !p.sock.Finished {
		t.Fatalf("%d bytes, %+v", n, p.sock)
	}
	if n, errno := p.sock.Read(buf); n != 0 || errno != 0 {
		t.Errorf("end: %d, %v", n, errno)
	}
}

func TestShortReadWithoutAnEndSparesTheNextCall(t *testing.T) {
	l := newLoop(t)
	p, other := pair(t, l)
	unix.Write(other, []byte("abc"))
	turn(t, l)
	if n, _ := p.sock.Read(make([]byte, 10)); n != 3 || p.sock.Readable {
		t.Errorf("%d bytes, readable %v", n, p.sock.Readable)
	}
}

func TestParkedSocketThatStirredIsKnownBeforeItsEvent(t *testing.T) {
	l := newLoop(t)
	p, other := pair(t, l)
	turn(t, l) // it is writable
	p.sock.Park()
	if !p.sock.Unpark() {
		t.Error("nothing happened and it is not quiet")
	}
	p.sock.Park()
	unix.Write(other, []byte("unasked"))
	n, err := l.wait()
	if err != nil {
		t.Fatal(err)
	}
	l.stir(n)
	if p.sock.Unpark() {
		t.Error("quiet with bytes waiting")
	}
}

func TestPanicIsTheHandlersOwn(t *testing.T) {
	l := newLoop(t)
	var told any
	l.onPanic = func(p any) { told = p }
	bad, _ := pair(t, l)
	bad.do = func() { panic("boom") }
	good, _ := pair(t, l)
	turn(t, l)
	if told != "boom" || bad.failed != 1 || good.ready == 0 || good.failed != 0 {
		t.Errorf("told %v, bad %+v, good %+v", told, bad, good)
	}
}

func TestRequeuedHandlersComeAfterTheOthers(t *testing.T) {
	l := newLoop(t)
	var order []string
	a, _ := pair(t, l)
	b, _ := pair(t, l)
	a.do = func() {
		order = append(order, "a")
		if len(order) < 4 {
			l.Again(a)
		}
	}
	b.do = func() { order = append(order, "b") }
	turn(t, l)
	if len(order) != 3 || order[2] != "a" {
		t.Fatalf("first round %v", order)
	}
	turn(t, l) // does not sleep: somebody waits for a turn
	if len(order) != 4 {
		t.Errorf("second round %v", order)
	}
}

func TestCommandsWakeASleepingLoop(t *testing.T) {
	l, err := New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- l.Run() }()
	for range 1000 {
		ran := make(chan bool)
		l.Post(func() { close(ran) })
		<-ran
	}
	runtime.GC() // a sleeping loop does not hold the collector up
	l.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if l.Post(func() {}) {
		t.Error("a command is taken after the end")
	}
}

// A loop that slept in a call the scheduler knows nothing of would keep its processor:
// others would run when the scheduler's monitor interrupts it, 10 ms later each time.
func TestASleepingLoopLeavesItsProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l, err := New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- l.Run() }()
	fastest := time.Hour
	for range 30 {
		begin := time.Now()
		time.Sleep(time.Millisecond)
		fastest = min(fastest, time.Since(begin))
	}
	if fastest > 5*time.Millisecond {
		t.Errorf("a sleep of 1 ms took %s at least", fastest)
	}
	l.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTimersFireInASleepingLoop(t *testing.T) {
	l, err := New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- l.Run() }()
	fired := make(chan time.Time, 1)
	begin := time.Now()
	var tm Timer
	l.Post(func() { l.Arm(&tm, alarm{fired}, 50*time.Millisecond) })
	if took := (<-fired).Sub(begin); took < 45*time.Millisecond {
		t.Errorf("fired after %s", took)
	}
	l.Stop()
	<-done
}

type alarm struct{ c chan time.Time }

func (a alarm) Expire() { a.c <- time.Now() }

// Where the FIN came with the last bytes, a call for it is spared.
func TestEndThatIsKnownIsNotAskedFor(t *testing.T) {
	l := newLoop(t)
	p, other := pair(t, l)
	unix.Write(other, []byte("abc"))
	unix.Shutdown(other, unix.SHUT_WR)
	turn(t, l)
	buf := make([]byte, 10)
	p.sock.Read(buf)
	before := l.Calls().Read
	if n, errno := p.sock.Read(buf); n != 0 || errno != 0 || l.Calls().Read != before {
		t.Errorf("%d, %v, %d calls", n, errno, l.Calls().Read-before)
	}
}

func TestFirstSmallWriteNeedsNoOption(t *testing.T) {
	for first, option := range map[int]int{10: 0, oneSegment + 1: 1} {
		l := newLoop(t)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		var s Sock
		if err := s.Dial(l, ln.Addr().(*net.TCPAddr).AddrPort(), &probe{}); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if c, err := ln.Accept(); err != nil {
			t.Fatal(err)
		} else {
			defer c.Close()
		}
		for i, want := range []int{option, 1} {
			if n, errno := s.Write(make([]byte, first)); n != first || errno != 0 {
				t.Fatal(n, errno)
			}
			if got, err := unix.GetsockoptInt(int(s.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY); got != want || err != nil {
				t.Errorf("write %d of %d bytes: TCP_NODELAY is %d, want %d; %v", i, first, got, want, err)
			}
		}
	}
}
