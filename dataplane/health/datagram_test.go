package health

import (
	"net"
	"strings"
	"testing"
	"time"

	"lbd/store/model"
)

func TestDatagramProbe(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := c.LocalAddr().(*net.UDPAddr).AddrPort()
	hm := model.HealthMonitor{Type: model.MonitorUDPConnect}

	// Silence until the timeout is good.
	if reason := run1(t, spec(t, hm, addr)); reason != "" {
		t.Errorf("a silent member: %s", reason)
	}
	// An answer is not waited for to the end.
	go func() {
		b := make([]byte, 16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = c.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	s := spec(t, hm, addr)
	s.Timeout = time.Hour
	if reason := run1(t, s); reason != "" {
		t.Errorf("a member that answers: %s", reason)
	}
	c.Close()
	if reason := run1(t, s); !strings.HasPrefix(reason, "datagram to "+addr.String()+": ") || !strings.Contains(reason, "refused") {
		t.Errorf("nobody there: %q", reason)
	}
}
