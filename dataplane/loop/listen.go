package loop

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Listen has on called whenever connections wait in the listening socket fd, which
// others own. Several loops may listen to one socket: the kernel wakes one that
// sleeps. s must not be used for anything else.
func (s *Sock) Listen(l *Loop, fd int, on Handler) error {
	*s = Sock{loop: l, on: on, fd: int32(fd)}
	for fd >= len(l.slots) {
		l.slots = append(l.slots, make([]slot, max(256, len(l.slots)/2))...)
	}
	sl := &l.slots[fd]
	sl.gen++
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLEXCLUSIVE, Fd: int32(fd), Pad: int32(sl.gen)}
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("watch listening socket: %w", err)
	}
	sl.sock = s
	l.conns.Add(1)
	return nil
}

// Mute ends watching; the socket stays open.
func (s *Sock) Mute() {
	l := s.loop
	if s.fd <= 0 || int(s.fd) >= len(l.slots) || l.slots[s.fd].sock != s {
		return
	}
	// It can only fail if the socket is closed, which ends watching as well.
	_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, int(s.fd), &unix.EpollEvent{})
	l.slots[s.fd].sock = nil
	l.conns.Add(-1)
}
