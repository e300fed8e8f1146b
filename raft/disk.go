package raft

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	hraft "github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// disk is where the library keeps its things.
type disk struct {
	bolt  *raftboltdb.BoltStore
	logs  hraft.LogStore
	snaps *hraft.FileSnapshotStore
	done  *committed
}

// prepareDir makes the data directory and tries to write in it.
func prepareDir(dir string) error {
	if dir == "" {
		return errors.New("no data directory is given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	f, err := os.CreateTemp(dir, ".write-*")
	if err != nil {
		return fmt.Errorf("data directory %s is not writable: %w", dir, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// openDisk opens log and snapshots after making sure that they can be used.
func openDisk(dir string, log *slog.Logger) (_ *disk, err error) {
	path := filepath.Join(dir, logFile)
	if err := precheckBolt(path); err != nil && !errors.Is(err, errNewDB) {
		return nil, damaged(path, err)
	}
	d := &disk{}
	err = guarded(func() (err error) {
		d.bolt, err = raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: &bbolt.Options{
			Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType,
		}})
		return err
	})
	if err != nil {
		return nil, damaged(path, err)
	}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.snaps, err = hraft.NewFileSnapshotStoreWithLogger(dir, retainSnapshots, newBridge(log, "snapshot")); err != nil {
		return nil, fmt.Errorf("snapshots in %s: %w", dir, err)
	}
	var first, last uint64
	if err := guarded(func() error { first, last, err = checkLog(d.bolt); return err }); err != nil {
		return nil, damaged(path, err)
	}
	if err := d.checkSnapshots(dir, first, last); err != nil {
		return nil, err
	}
	if d.logs, err = hraft.NewLogCache(logCacheSize, d.bolt); err != nil {
		return nil, fmt.Errorf("cache of the log: %w", err)
	}
	if d.done, err = openCommitted(dir); err != nil {
		return nil, err
	}
	return d, nil
}

// checkLog reads every entry: the log is short, and an entry that is missing or
// cannot be read would make the library panic later.
func checkLog(b *raftboltdb.BoltStore) (first, last uint64, err error) {
	if first, err = b.FirstIndex(); err != nil {
		return 0, 0, err
	}
	if last, err = b.LastIndex(); err != nil {
		return 0, 0, err
	}
	if first == 0 {
		return 0, 0, nil
	}
	var l hraft.Log
	for i := first; i <= last; i++ {
		if err := b.GetLog(i, &l); err != nil {
			return 0, 0, fmt.Errorf("entry %d of %d to %d: %w", i, first, last, err)
		}
		if l.Index != i {
			return 0, 0, fmt.Errorf("entry %d says it is entry %d", i, l.Index)
		}
		if l.Type == hraft.LogConfiguration {
			hraft.DecodeConfiguration(l.Data) // panics when damaged
		}
	}
	return first, last, nil
}

// checkSnapshots refuses a damaged newest snapshot, and a log that begins after
// the newest snapshot ends.
func (d *disk) checkSnapshots(dir string, first, last uint64) error {
	path := filepath.Join(dir, "snapshots")
	metas, err := d.snaps.List()
	if err != nil {
		return fmt.Errorf("snapshots in %s: %w", path, err)
	}
	var upTo uint64
	if len(metas) > 0 {
		_, r, err := d.snaps.Open(metas[0].ID)
		if err != nil {
			return damaged(filepath.Join(path, metas[0].ID), err)
		}
		r.Close()
		upTo = metas[0].Index
	}
	if first > upTo+1 || first == 0 && last == 0 && upTo == 0 && d.hasTerm() && hasEntries(path) {
		return damaged(path, fmt.Errorf("the newest readable snapshot ends at entry %d but the log begins at %d", upTo, first))
	}
	return nil
}

func (d *disk) hasTerm() bool {
	t, err := d.bolt.GetUint64([]byte("CurrentTerm"))
	return err == nil && t > 0
}

// hasEntries tells whether there are finished snapshots, readable or not.
func hasEntries(path string) bool {
	es, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	for _, e := range es {
		if e.IsDir() && filepath.Ext(e.Name()) != ".tmp" {
			return true
		}
	}
	return false
}

func (d *disk) close() {
	if d.bolt != nil {
		d.bolt.Close()
	}
	if d.done != nil {
		d.done.f.Close()
	}
}

// stable is the library's store for term and vote. The library panics when the
// term cannot be written, for example on a full disk; this waits instead until it
// can, so that traffic goes on. Nothing is promised meanwhile: the main loop
// stands still.
type stable struct {
	hraft.StableStore
	log  *slog.Logger
	done <-chan struct{}
}

var keyCurrentTerm = []byte("CurrentTerm")

// SetUint64 implements hraft.StableStore.
func (s stable) SetUint64(key []byte, v uint64) error {
	pause := 50 * time.Millisecond
	for {
		err := s.StableStore.SetUint64(key, v)
		if err == nil || !bytes.Equal(key, keyCurrentTerm) {
			return err
		}
		select {
		case <-s.done:
			return nil // closing: the term is forgotten, and nothing was answered in it
		default:
		}
		s.log.Error("the term cannot be written to disk, waiting", "err", err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, 2*time.Second)
		case <-s.done:
			return nil
		}
	}
}
