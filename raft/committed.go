package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
)

// committedFile remembers the newest entry that this node has applied, and which is
// therefore committed. Raft learns that anew from a leader after each start, so
// that a node which starts without a quorum, or with the arbiter seat alone, would
// show an empty store. It is not synced: a process that is killed loses nothing of
// it, and after a power cut an older index, or none, is true as well.
const committedFile = "committed"

type committed struct{ f *os.File }

func openCommitted(dir string) (*committed, error) {
	f, err := os.OpenFile(filepath.Join(dir, committedFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the index of what is committed: %w", err)
	}
	return &committed{f}, nil
}

// index is 0 when nothing is known.
func (c *committed) index() uint64 {
	var b [16]byte
	if _, err := c.f.ReadAt(b[:], 0); err != nil {
		return 0
	}
	i := binary.BigEndian.Uint64(b[:8])
	if i != ^binary.BigEndian.Uint64(b[8:]) {
		return 0 // torn
	}
	return i
}

func (c *committed) note(index uint64) error {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], index)
	binary.BigEndian.PutUint64(b[8:], ^index)
	_, err := c.f.WriteAt(b[:], 0)
	return err
}

// past is what a data directory holds.
type past struct {
	servers     []hraft.Server
	index, term uint64
}

// replay brings st to what snapshot and log say, up to the entry upTo, without the
// library. servers are those of the newest configuration, committed or not.
func (d *disk) replay(st *store.Store, upTo uint64) (*past, error) {
	p := &past{}
	var failed error
	f := &fsm{st: st, fail: func(err error) { failed = err }}
	metas, err := d.snaps.List()
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	if len(metas) > 0 {
		meta, r, err := d.snaps.Open(metas[0].ID)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", metas[0].ID, err)
		}
		err = f.Restore(r)
		if cerr := r.Close(); err == nil && !errors.Is(cerr, io.EOF) {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", metas[0].ID, err)
		}
		p.servers, p.index, p.term = meta.Configuration.Servers, meta.Index, meta.Term
	}
	last, err := d.logs.LastIndex()
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	for i := p.index + 1; i <= last; i++ {
		var l hraft.Log
		if err := d.logs.GetLog(i, &l); err != nil {
			return nil, fmt.Errorf("log entry %d: %w", i, err)
		}
		switch {
		case l.Type == hraft.LogConfiguration:
			p.servers = hraft.DecodeConfiguration(l.Data).Servers // checked when the log was opened
		case l.Type == hraft.LogCommand && i <= upTo && failed == nil:
			f.Apply(&l) // a refusal by the store is a result like any other
		}
		p.index, p.term = l.Index, l.Term
	}
	return p, failed
}
