package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"lbd/raft"
	"lbd/store"
	"lbd/store/model"
)

// source is where the data plane gets its configuration: the store, or the last
// good configuration on disk while the store is still behind it (a node that
// boots without a quorum applies nothing).
type source struct {
	st       *store.Store
	watch    *store.Watch
	lastGood *model.Config // nil: none
}

func newSource(st *store.Store, node *raft.Node, log *slog.Logger) *source {
	good, err := node.LastGood()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("last good configuration is not usable", "err", err)
	}
	return &source{st: st, watch: st.Watch(), lastGood: good}
}

// Current implements dataplane.Source.
func (s *source) Current() *model.Config {
	c := s.st.Config()
	if s.lastGood != nil && c.Index < s.lastGood.Index {
		return s.lastGood
	}
	return c
}

// Changed implements dataplane.Source.
func (s *source) Changed() <-chan struct{} { return s.watch.C() }

// keepEvery is how often the last good configuration is kept at most: each time
// is an fsync, and losing the newest second only means that a node that boots
// without a quorum serves what it served a second before.
const keepEvery = time.Second

// longestKeep bounds how old it gets where writing takes long: all of a hundred
// thousand members is tens of megabytes, and costShare holds for it, too.
const longestKeep = 30 * time.Second

// keepAgain is the pause after a write that took so long.
func keepAgain(took time.Duration) time.Duration {
	return min(max(keepEvery, costShare*took), longestKeep)
}

// keepLastGood writes what the data plane has loaded to disk until ctx ends.
// applied tells the index the data plane serves, changed when it may have grown.
func (s *source) keepLastGood(ctx context.Context, node *raft.Node, applied func() uint64, log *slog.Logger) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	var next time.Time
	save := func() {
		c := s.Current()
		if c.Index == 0 || applied() < c.Index {
			return
		}
		began := time.Now()
		defer func() { next = time.Now().Add(keepAgain(time.Since(began)) - keepEvery/2) }() // the tick after it counts
		if err := node.SaveLastGood(c); err != nil {
			log.Warn("last good configuration was not saved", "err", err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			save()
			return nil
		case now := <-tick.C:
			if !now.Before(next) {
				save()
			}
		}
	}
}
