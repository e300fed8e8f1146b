package raft

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	hraft "github.com/hashicorp/raft"
)

// stamps are times of this process that others give back. What a peer sends together
// with a stamp it has sent after the stamp was made, whatever the clocks say and
// however long messages take.
type stamps struct {
	start time.Time
	boot  string // of this process only
}

func newStamps(start time.Time) stamps {
	return stamps{start, strconv.FormatUint(rand.Uint64(), 36)}
}

func (s stamps) make(now time.Time) string { return fmt.Sprintf("%s.%d", s.boot, now.Sub(s.start)) }

// read is when a stamp was made; ok is false for one of another process.
func (s stamps) read(stamp string) (at time.Time, ok bool) {
	boot, ns, _ := strings.Cut(stamp, ".")
	n, err := strconv.ParseInt(ns, 10, 64)
	if boot != s.boot || err != nil || n < 0 {
		return time.Time{}, false
	}
	return s.start.Add(time.Duration(n)), true
}

// putStamp writes a stamp behind the address in a header, which the library does not
// look at in answers and in requests to take over.
func putStamp(h *hraft.RPCHeader, stamp string) {
	if stamp != "" {
		h.Addr = fmt.Appendf(nil, "%s|%s", h.Addr, stamp)
	}
}

// takeStamp reads it, and leaves the bare address.
func takeStamp(h *hraft.RPCHeader) (stamp string) {
	addr, s, _ := bytes.Cut(h.Addr, []byte("|"))
	h.Addr = addr
	return string(s)
}
