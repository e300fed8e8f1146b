package raft

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
)

// fsm hands committed entries to the store.
type fsm struct {
	st *store.Store
	// fail is told once when an entry cannot be understood. From then on nothing
	// is applied: going on would let this node's state differ from the others'.
	fail   func(error)
	failed atomic.Bool
	// applied is told of every entry that was; nil: nobody.
	applied func(index uint64)
	// persist writes a snapshot; nil: at once.
	persist func(hraft.SnapshotSink, *store.Snapshot) error
}

var errDiverging = errors.New("this node stopped applying entries")

// Apply implements hraft.FSM. The response is an error or nil.
func (f *fsm) Apply(l *hraft.Log) any {
	if f.failed.Load() {
		return errDiverging
	}
	if l.Index <= f.st.Index() {
		return nil // replayed at the start of this process
	}
	cmd, err := store.Decode(l.Data)
	if err != nil {
		f.failed.Store(true)
		f.fail(fmt.Errorf("log entry %d: %w; start a newer lbd on this data directory", l.Index, err))
		return errDiverging
	}
	err = f.st.Apply(l.Index, cmd)
	if f.applied != nil {
		f.applied(l.Index)
	}
	if err != nil {
		return err
	}
	return nil
}

// Snapshot implements hraft.FSM.
func (f *fsm) Snapshot() (hraft.FSMSnapshot, error) {
	if f.failed.Load() {
		return nil, errDiverging
	}
	s := fsmSnapshot{f.st.Snapshot(), f.persist}
	if s.persist == nil {
		s.persist = func(sink hraft.SnapshotSink, snap *store.Snapshot) error { return snap.Write(sink) }
	}
	return s, nil
}

// Restore implements hraft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error { return f.st.Restore(r) }

type fsmSnapshot struct {
	snap    *store.Snapshot
	persist func(hraft.SnapshotSink, *store.Snapshot) error
}

// Persist implements hraft.FSMSnapshot.
func (s fsmSnapshot) Persist(sink hraft.SnapshotSink) error {
	if err := s.persist(sink, s.snap); err != nil {
		sink.Cancel()
		return fmt.Errorf("write snapshot: %w", err)
	}
	return sink.Close()
}

// Release implements hraft.FSMSnapshot.
func (fsmSnapshot) Release() {}
