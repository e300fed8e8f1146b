package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lbd/internal/status"
	"lbd/store"
	"lbd/store/model"
)

const (
	// totalsFile in the data directory remembers what all nodes have counted.
	totalsFile = "counters.json"
	// totalsEvery is how often it is written while something is counted: what a node
	// counted since is lost to it, but not to its peers, when it is killed.
	totalsEvery = time.Second
	// pruneEvery is how often what is remembered is compared with what exists.
	pruneEvery = 30 * time.Second
)

// newLedger remembers what the file says. Without one, or with one that cannot be
// read, counting begins anew: it serves nobody to refuse service for that.
func (n *node) newLedger() *status.Ledger {
	remembered, err := readTotals(filepath.Join(n.cfg.DataDir, totalsFile))
	if err != nil {
		n.log.Warn("counters of earlier processes are not known", "err", err)
	}
	return status.NewLedger(remembered)
}

func readTotals(path string) (map[model.NodeID]status.Totals, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	var out map[model.NodeID]status.Totals
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("read counters of %s: %w", path, err)
	}
	return out, nil
}

// writeTotals replaces the file as a whole.
func writeTotals(path string, all map[model.NodeID]status.Totals) error {
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode counters: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".counters-*")
	if err != nil {
		return fmt.Errorf("write counters: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write counters: %w", err)
	}
	return nil
}

// keepTotals writes the ledger down while it changes, and at the end.
func (n *node) keepTotals(ctx context.Context) error {
	var (
		pause  = totalsEvery
		pruned time.Time
		last   model.ListenerCounters
	)
	defer func() { n.saveTotals(&last) }()
	for sleep(ctx, pause); ctx.Err() == nil; sleep(ctx, pause) {
		began := time.Now()
		if began.Sub(pruned) >= pruneEvery {
			n.pruneTotals()
			pruned = began
		}
		n.saveTotals(&last)
		// The larger the cluster, the less often: see costShare.
		pause = max(totalsEvery, costShare*time.Since(began))
	}
	return nil
}

// saveTotals writes the ledger down unless nothing was counted since last.
func (n *node) saveTotals(last *model.ListenerCounters) {
	all := n.ledger.Remember()
	var sum model.ListenerCounters
	for _, t := range all {
		for _, c := range t {
			sum.BytesIn += c.BytesIn
			sum.BytesOut += c.BytesOut
			sum.TotalConnections += c.TotalConnections
		}
	}
	if sum == *last {
		return
	}
	if err := writeTotals(filepath.Join(n.cfg.DataDir, totalsFile), all); err != nil {
		n.log.Warn("counters are not kept", "err", err)
		return
	}
	*last = sum
}

func (n *node) pruneTotals() {
	nodes, listeners := map[model.NodeID]bool{}, map[model.ListenerID]bool{}
	n.st.Read(func(st *store.State) {
		for _, x := range st.Nodes() {
			nodes[x.ID] = true
		}
		for _, l := range st.Listeners() {
			listeners[l.ID] = true
		}
	})
	if len(nodes) == 0 {
		return // nothing is known yet
	}
	n.ledger.Prune(func(id model.NodeID) bool { return nodes[id] }, func(id model.ListenerID) bool { return listeners[id] })
}

func (n *node) hasListener(id model.ListenerID) (ok bool) {
	n.st.Read(func(st *store.State) { _, ok = st.Listener(id) })
	return ok
}
