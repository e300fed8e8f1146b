package raft

import (
	"net"
	"testing"
	"time"
)

func TestWhoHungUpBeforeTheHandshake(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	out, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if hungUp(in) {
		t.Error("hung up before anything was said")
	}
	if _, err := out.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if hungUp(in) {
		t.Error("hung up while the other end waits for an answer")
	}
	out.Close()
	for end := time.Now().Add(5 * time.Second); !hungUp(in); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not seen, with what was said before still unread")
		}
	}
}
