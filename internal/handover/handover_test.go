package handover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair gives both ends in this process.
func pair(t *testing.T) (old, new *Conn) {
	t.Helper()
	old, f, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if new, err = Open(fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close(); new.Close() })
	return old, new
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestAListeningSocketKeepsItsQueue: who has connected to the old process's socket
// and was not accepted yet is accepted by the new one, after the old one has
// closed its own.
func TestAListeningSocketKeepsItsQueue(t *testing.T) {
	old, new := pair(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var give Set
	defer give.Close()
	f, err := Dup(ln.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	key := Key{"vip", "tcp", ln.Addr().String()}
	give.Add(key, f)
	if err := give.Send(old); err != nil {
		t.Fatal(err)
	}
	ln.Close()
	give.Close()

	m, err := new.Receive(within(t))
	if err != nil {
		t.Fatal(err)
	}
	var got Set
	defer got.Close()
	if err := got.Receive(&m); err != nil {
		t.Fatal(err)
	}
	if k, ok := got.Find("vip"); !ok || k != key {
		t.Fatalf("got %v, want %v", k, key)
	}
	mine := got.Take(key)
	if got.Take(key) != nil {
		t.Error("a socket was taken twice")
	}
	of := os.NewFile(uintptr(mine.Take()), "")
	l2, err := net.FileListener(of)
	of.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Close()
	c, err := l2.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("accepted %s, want %s", c.RemoteAddr(), client.LocalAddr())
	}
}

// TestManySockets: more than one message takes, several with one key.
func TestManySockets(t *testing.T) {
	old, new := pair(t)
	const n = 2*MaxFiles + 3
	var give, got Set
	defer give.Close()
	defer got.Close()
	for i := range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		give.Add(Key{"vip", "udp", fmt.Sprint(i % (n - 5))}, NewFile(fd))
	}
	sent := make(chan error, 1)
	go func() { sent <- give.Send(old) }()
	count := 0
	for count < n {
		m, err := new.Receive(within(t))
		if err != nil {
			t.Fatal(err)
		}
		count += len(m.Files)
		if err := got.Receive(&m); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if len(got.Keys()) != n-5 || len(got.files[Key{"vip", "udp", "0"}]) != 2 {
		t.Errorf("%d keys, %d sockets of the first; want %d and 2", len(got.Keys()), len(got.files[Key{"vip", "udp", "0"}]), n-5)
	}
}

func TestExpect(t *testing.T) {
	old, new := pair(t)
	if err := new.Send(KindHello, Hello{Build: "1", HolderWire: 7}); err != nil {
		t.Fatal(err)
	}
	var h Hello
	if _, err := old.Expect(within(t), KindHello, &h); err != nil || h.HolderWire != 7 {
		t.Errorf("got %+v, %v", h, err)
	}
	if err := new.Send(KindFault, Fault{"--api: what is that?"}); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Expect(within(t), KindHello, &h); err == nil || err.Error() != "--api: what is that?" {
		t.Errorf("a fault: %v", err)
	}
	if err := new.Send(KindDone, Done{}); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Expect(within(t), KindServing, &Serving{}); err == nil || !strings.Contains(err.Error(), "done instead of serving") {
		t.Errorf("another kind: %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	if _, err := old.Receive(ctx); err == nil || err.Error() != "enough" {
		t.Errorf("a wait that was ended: %v", err)
	}
	new.Close()
	if _, err := old.Receive(within(t)); !errors.Is(err, io.EOF) {
		t.Errorf("the other end is gone: %v", err)
	}
}

// TestFilesOfABadMessageAreClosed: what is refused leaks no descriptor.
func TestFilesOfABadMessageAreClosed(t *testing.T) {
	old, new := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, p := range [][]byte{{}, {Version}, {Version + 1, 1, '{', '}'}, {Version, 0, '{', '}'}, {Version, byte(KindSockets), '{'}, bytes.Repeat([]byte{Version, 3}, MaxBody)} {
		if _, _, err := old.c.WriteMsgUnix(p, unix.UnixRights(int(w.Fd())), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := new.Receive(within(t)); err == nil {
			t.Errorf("message %.8x was taken", p)
		}
	}
	if err := old.Send(KindSockets, Sockets{Keys: []Key{{}, {}}}, NewFile(int(w.Fd()))); err != nil {
		t.Fatal(err)
	}
	m, err := new.Receive(within(t))
	if err != nil {
		t.Fatal(err)
	}
	var s Set
	if err := s.Receive(&m); err == nil {
		t.Error("two names for one descriptor were taken")
	}
	w.Close()
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the pipe is still open: %d, %v", n, err)
	}
}

// FuzzDecode: whatever comes, the answer is a message whose body is JSON of
// bounded size, or an error.
func FuzzDecode(f *testing.F) {
	for k, b := range map[Kind]any{
		KindHello: Hello{Build: "v1", HolderWire: 1, Leads: true}, KindSockets: Sockets{[]Key{{"vip", "tcp", "10.0.0.5:80"}}}, KindGo: Go{Holder: 7, Lead: 3, Obeyed: 4},
		KindVerdicts: Verdicts{[]Verdict{{Pool: "p", Member: "m", Status: "ONLINE"}}}, KindHolder: Holder{1, 2, 3}, KindDraining: Draining{PID: 5},
		KindSessions: Sessions{Pool: "p", Persistence: []byte(`{"type":"SOURCE_IP"}`), List: []Session{{[]byte{1}, "m", 5}}},
	} {
		p, err := encode(k, b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Add([]byte{})
	f.Add([]byte{Version, byte(kindEnd), '{', '}'})
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := decode(p)
		if err != nil {
			return
		}
		if m.Kind == 0 || m.Kind >= kindEnd || len(m.body) > MaxBody {
			t.Fatalf("%v with %d bytes was taken", m.Kind, len(m.body))
		}
		for _, into := range []any{&Hello{}, &Fault{}, &Sockets{}, &Verdicts{}, &Go{}, &Serving{}, &Holder{}, &Draining{}, &Sessions{}} {
			_ = m.Decode(into) // refused or not, it must return
		}
	})
}
