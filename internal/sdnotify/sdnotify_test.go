package sdnotify

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "s"), fmt.Sprintf("@lbd-test-%d", time.Now().UnixNano())} {
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		t.Setenv("NOTIFY_SOCKET", name)
		for _, tc := range []struct {
			tell func() error
			want string
		}{
			{Ready, "READY=1"},
			{func() error { return Main(42) }, "MAINPID=42\nREADY=1"},
			{Reloading, "RELOADING=1\nMONOTONIC_USEC="},
			{Stopping, "STOPPING=1"},
		} {
			if err := tc.tell(); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 200)
			if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := l.Read(b)
			if err != nil || !strings.HasPrefix(string(b[:n]), tc.want) {
				t.Errorf("told %q, want %q (%v)", b[:n], tc.want, err)
			}
		}
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if Enabled() || Ready() != nil {
		t.Error("without a service manager there is nobody to tell")
	}
}
