package tether

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if t := os.Getenv("TETHER_TEST_TARGET"); t != "" {
		tieAndWait(t)
	}
	goleak.VerifyTestMain(m)
}

const patience = 10 * time.Second

func server(t *testing.T, host string) *Server {
	t.Helper()
	s, err := Listen(host)
	if errors.Is(err, ErrUnsupported) {
		t.Skipf("SKIP %s: %v", t.Name(), err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func expect(t *testing.T, s *Server, host string) (Target, <-chan struct{}) {
	t.Helper()
	ended := make(chan struct{}, 2)
	port, key, token, err := s.Expect(func() { ended <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	return Target{netip.AddrPortFrom(netip.MustParseAddr(host), port), key, token}, ended
}

func (s *Server) idle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.open)
		s.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections are still open", n)
		}
	}
}

func TestTheEndOfTheStreamIsTold(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		for _, bind := range []string{"", host} {
			s := server(t, bind)
			target, ended := expect(t, s, host)
			c, err := Tie(context.Background(), target, 0)
			if err != nil {
				t.Fatalf("%s on %q: %v", host, bind, err)
			}
			select {
			case <-ended:
				t.Fatal("told before the end")
			default:
			}
			c.Close()
			select {
			case <-ended:
			case <-time.After(patience):
				t.Fatalf("%s on %q: the end was not told", host, bind)
			}
		}
	}
}

func TestWhatIsNoStatement(t *testing.T) {
	s := server(t, "127.0.0.1")
	none := func(what string, ended <-chan struct{}) {
		t.Helper()
		s.idle(t)
		if len(ended) > 0 {
			t.Errorf("%s counts as the holder's end", what)
		}
	}
	target, ended := expect(t, s, "127.0.0.1")
	c, err := Tie(context.Background(), target, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Untie()
	none("a reset", ended)

	if _, err := Tie(context.Background(), target, 0); err == nil {
		t.Error("a token is good for a second connection")
	}
	none("the second use of a token", ended)

	target, ended = expect(t, s, "127.0.0.1")
	if c, err = Tie(context.Background(), target, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	none("a connection with something to say", ended)

	target, ended = expect(t, s, "127.0.0.1")
	target.Token[0]++
	if _, err := Tie(context.Background(), target, 0); err == nil {
		t.Error("a wrong token is taken")
	}
	none("a wrong token", ended)

	target, ended = expect(t, s, "127.0.0.1")
	if c, err = Tie(context.Background(), target, 0); err != nil {
		t.Fatal(err)
	}
	s.Close()
	c.Wait()
	c.Close()
	none("the server's own end", ended)
}

func TestUnsignedSegmentsAreNotSeen(t *testing.T) {
	s := server(t, "127.0.0.1")
	target, _ := expect(t, s, "127.0.0.1")
	d := net.Dialer{Timeout: 200 * time.Millisecond}
	if c, err := d.Dial("tcp", target.Addr.String()); err == nil {
		c.Close()
		t.Fatal("a connection without a signature is taken")
	}
	target.Key[0]++
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if c, err := Tie(ctx, target, 0); err == nil {
		c.Close()
		t.Fatal("a connection with a wrong signature is taken")
	}
}

// tieAndWait is the other process of the next test.
func tieAndWait(target string) {
	f := strings.Fields(target)
	t := Target{Addr: netip.MustParseAddrPort(f[0])}
	key, err := hex.DecodeString(f[1])
	if err != nil {
		panic(err)
	}
	token, err := hex.DecodeString(f[2])
	if err != nil {
		panic(err)
	}
	t.Key, t.Token = Key(key), Token(token)
	if _, err := Tie(context.Background(), t, 0); err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("tied\n")
	select {}
}

func TestAKilledProcessEndsItsTether(t *testing.T) {
	target, ended := expect(t, server(t, "127.0.0.1"), "127.0.0.1")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("TETHER_TEST_TARGET=%s %x %x", target.Addr, target.Key, target.Token))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "tied\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	begun := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Logf("told %v after the kill", time.Since(begun))
	case <-time.After(patience):
		t.Error("the death of the process was not told")
	}
	_ = cmd.Wait() // it was killed
}
