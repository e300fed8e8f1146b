package loop

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A slot takes a datagram of any size from anybody, whatever was in it before and
// however many slots the calls before have filled.
func TestSlotsAreUsedAgain(t *testing.T) {
	l, err := New(func(any) {})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	fd, err := ListenDatagram(netip.MustParseAddrPort("127.0.0.1:0"), false, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*unix.SockaddrInet4).Port}
	var clients [3]*net.UDPConn
	for i := range clients {
		if clients[i], err = net.DialUDP("udp", nil, to); err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
	}
	d := NewDatagrams()
	if _, errno := l.Receive(fd, d); errno != unix.EAGAIN {
		t.Fatalf("an empty socket: %v", errno)
	}
	sizes := [...]int{5000, 0, 1, 65507, 64, 9000}
	for turn, count := range []int{3, 1, 3, 5, 2, BatchSize, 1, BatchSize} {
		want := make([][]byte, count)
		for i := range want {
			want[i] = bytes.Repeat([]byte{byte('a' + i)}, sizes[(turn+i)%len(sizes)]/max(1, count/8))
			if _, err := clients[(turn+i)%len(clients)].Write(want[i]); err != nil {
				t.Fatal(err)
			}
		}
		for got := 0; got < count; { // all that is there, in one call or a few
			await(t, fd)
			n, errno := l.Receive(fd, d)
			if errno != 0 {
				t.Fatalf("turn %d: %v", turn, errno)
			}
			for i := range n {
				from := clients[(turn+got)%len(clients)].LocalAddr().(*net.UDPAddr).AddrPort()
				if b := d.Bytes(i); !bytes.Equal(b, want[got]) || d.Addr(i).AddrPort() != from {
					t.Errorf("turn %d, datagram %d: %d bytes of %s, want %d of %s", turn, got, len(b), d.Addr(i).AddrPort(), len(want[got]), from)
				}
				got++
			}
		}
		if _, errno := l.Receive(fd, d); errno != unix.EAGAIN {
			t.Fatalf("turn %d, when all is taken: %v", turn, errno)
		}
	}
}

// await returns when something can be read from fd.
func await(t *testing.T, fd int) {
	t.Helper()
	within := unix.NsecToTimespec(int64(10 * time.Second))
	for {
		n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &within, nil)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Fatalf("nothing comes: %v", err)
		}
		return
	}
}
