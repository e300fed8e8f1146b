package raft

import (
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
)

func TestStamps(t *testing.T) {
	start := time.Now()
	mine, other := newStamps(start), newStamps(start)
	at := start.Add(1234567 * time.Nanosecond)
	h := hraft.RPCHeader{Addr: []byte("192.0.2.1:9877")}
	putStamp(&h, mine.make(at))
	stamp := takeStamp(&h)
	if string(h.Addr) != "192.0.2.1:9877" {
		t.Errorf("address %q", h.Addr)
	}
	if got, ok := mine.read(stamp); !ok || !got.Equal(at) {
		t.Errorf("read %v %v, want %v", got, ok, at)
	}
	if _, ok := other.read(stamp); ok {
		t.Error("another process takes the stamp for its own")
	}
	for _, bad := range []string{"", ".", mine.boot, mine.boot + ".", mine.boot + ".-1", mine.boot + ".1x", "." + "5"} {
		if at, ok := mine.read(bad); ok {
			t.Errorf("%q is read as %v", bad, at)
		}
	}
	if putStamp(&h, ""); takeStamp(&h) != "" || string(h.Addr) != "192.0.2.1:9877" {
		t.Errorf("without a stamp: %q", h.Addr)
	}
}
