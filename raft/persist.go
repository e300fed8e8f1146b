package raft

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
)

// persist writes a snapshot beside everything else that a node does: of a hundred
// thousand members it is tens of megabytes and most of a second of one core, and the
// log waits for the same disk. While the node closes it goes on without pauses.
func (n *Node) persist(sink hraft.SnapshotSink, snap *store.Snapshot) error {
	// The library's sink waits for the disk only at its end. This is the same file.
	f, err := os.Open(filepath.Join(n.cfg.DataDir, "snapshots", sink.ID()+".tmp", "state.bin"))
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", sink.ID(), err)
	}
	defer f.Close()
	out := bufio.NewWriterSize(&pieces{w: sink, sync: f.Sync, began: time.Now(), rest: func(d time.Duration) {
		_ = n.pause(context.Background(), d)
	}}, pieceSize)
	if err := snap.Write(out); err != nil {
		return err
	}
	return out.Flush()
}
