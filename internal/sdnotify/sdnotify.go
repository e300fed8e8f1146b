// Package sdnotify tells the service manager how this process is, by the protocol
// of sd_notify(3): lines of VARIABLE=value in one datagram to the socket that
// NOTIFY_SOCKET names. Without that variable nothing is told.
package sdnotify

import (
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Enabled reports whether somebody wants to know.
func Enabled() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// Ready says that the start, or a reload, is over.
func Ready() error { return send("READY=1") }

// Reloading says that another process of this service is about to take over.
func Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	return send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
}

// Main says that another process is the service's main one from now on, and
// ready. It must be sent by the one that is so far.
func Main(pid int) error { return send(fmt.Sprintf("MAINPID=%d", pid), "READY=1") }

// Stopping says that the end has begun.
func Stopping() error { return send("STOPPING=1") }

func send(lines ...string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// "@" is how an abstract address is written, here as in package net.
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}
