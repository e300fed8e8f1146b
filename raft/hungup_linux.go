package raft

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// hungUp tells whether the other end has closed a connection that was just accepted.
// Members give up after dialTimeout and dial again; a process that was stopped for
// seconds finds dozens of their connections, and a handshake for each would keep it
// from its beats for longer than a lease.
func hungUp(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var n int
	err = rc.Control(func(fd uintptr) {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}, 0)
	})
	return err == nil && n > 0
}
