package raft

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	hraft "github.com/hashicorp/raft"
)

// on writes the note behind the sender's id in the header of a beat, the one
// field of the library's messages that takes any bytes: id|holder|lease in ns, and
// where Spread was ever used |obeyed.
func (n note) on(id []byte) []byte {
	b := fmt.Appendf(nil, "%s|%d|%d", id, n.holder, n.lease)
	if n.obeyed != 0 {
		b = fmt.Appendf(b, "|%d", n.obeyed)
	}
	return b
}

// takeNote reads the note of a beat and leaves the bare id in the header, as the
// library expects it. A beat without a readable note asks on behalf of a holder
// that nobody can know to be gone.
func takeNote(h *hraft.RPCHeader) (from hraft.ServerID, n note) {
	id, rest, _ := strings.Cut(string(h.ID), "|")
	h.ID = []byte(id)
	holder, rest, _ := strings.Cut(rest, "|")
	lease, obeyed, _ := strings.Cut(rest, "|")
	var err error
	if n.obeyed, err = strconv.ParseUint(obeyed, 10, 64); err != nil {
		n.obeyed = 0
	}
	if n.holder, err = strconv.ParseUint(holder, 10, 64); err != nil {
		n.holder = 0
	}
	ns, err := strconv.ParseInt(lease, 10, 64)
	if err == nil && ns > 0 {
		n.lease = time.Duration(ns)
	}
	return hraft.ServerID(id), n
}
