package raft

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store"
	"lbd/store/model"
)

// RecoverConfig says which data directory is to become a cluster of its own.
type RecoverConfig struct {
	DataDir string
	// Lost are the names of all other members. Empty: only look.
	Lost []string
	// Guard, if not nil, looks at the state for signs that the others live; an
	// error stops the recovery.
	Guard func(*store.Store) error
	Log   *slog.Logger // nil: discarded

	dial dialFunc // nil: net.Dialer
}

// Recovery is what Recover found, and whether it changed anything.
type Recovery struct {
	Name      string // of this node
	Others    []LostNode
	LastIndex uint64 // the newest entry this node has, known to be committed or not
	LastTerm  uint64
	Done      bool
}

// LostNode is another member of the configuration.
type LostNode struct {
	ID      model.NodeID
	Name    string
	Kind    model.NodeKind
	Cluster string // host:port
}

// Names of the others, for the command line.
func (r *Recovery) Names() string {
	var names []string
	for _, o := range r.Others {
		names = append(names, o.Name)
	}
	return strings.Join(names, ",")
}

// Recover makes a stopped data node a cluster of one with the data it has, when
// every other member is lost for good and a quorum can never be had again. It
// changes nothing unless all others are named, none of them takes connections,
// and Guard agrees. What they acknowledged and this node has not heard of is lost.
func Recover(ctx context.Context, cfg RecoverConfig) (*Recovery, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.dial == nil {
		cfg.dial = (&net.Dialer{}).DialContext
	}
	if fi, err := os.Stat(filepath.Join(cfg.DataDir, identityFile)); err != nil || fi.Size() == 0 {
		return nil, fmt.Errorf("there is no node in %s: name the data directory of the node that is left with --data-dir", cfg.DataDir)
	}
	l, err := openLocal(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	defer l.close()
	ident, err := l.load()
	if err != nil {
		return nil, err
	}
	switch {
	case ident == nil || !ident.Entered:
		return nil, fmt.Errorf("the node of %s is a member of no cluster: there is nothing to recover", cfg.DataDir)
	}
	if err := l.checkRemoved(); err != nil {
		return nil, err
	}
	d, err := openDisk(cfg.DataDir, cfg.Log)
	if err != nil {
		return nil, err
	}
	defer d.close()
	st := store.New()
	p, err := d.replay(st, math.MaxUint64)
	if err != nil {
		return nil, err
	}
	kind := ident.Kind
	st.Read(func(st *store.State) {
		if self, ok := st.Node(ident.ID); ok {
			kind = self.Kind // a spare may have taken the place of a lost node
		}
	})
	if kind != model.DataNode {
		return nil, fmt.Errorf("node %s is a %s, which cannot serve alone: recover on a data node", ident.Name, kind)
	}
	rec := &Recovery{Name: ident.Name, LastIndex: p.index, LastTerm: p.term, Others: p.others(st, ident.ID)}
	if len(p.servers) == 1 && len(rec.Others) == 0 {
		return rec, fmt.Errorf("node %s is the only member of its cluster: there is nothing to recover", ident.Name)
	}
	if len(cfg.Lost) == 0 && len(rec.Others) > 0 {
		return rec, nil
	}
	if err := rec.check(cfg.Lost); err != nil {
		return rec, err
	}
	if err := rec.answered(ctx, cfg.dial); err != nil {
		return rec, err
	}
	if cfg.Guard != nil {
		if err := cfg.Guard(st); err != nil {
			return rec, err
		}
	}
	if err := rec.force(l, d, ident, p, cfg.Log); err != nil {
		return rec, err
	}
	rec.Done = true
	return rec, nil
}

// check wants every other member named, and nobody else.
func (r *Recovery) check(lost []string) error {
	for _, name := range lost {
		if !slices.ContainsFunc(r.Others, func(o LostNode) bool { return o.Name == name }) {
			return fmt.Errorf("there is no member %q besides %s: the others are %s", name, r.Name, r.Names())
		}
	}
	for _, o := range r.Others {
		if !slices.Contains(lost, o.Name) {
			return fmt.Errorf("node %s is not said to be lost: as long as it may live this would make two clusters; start it, or name it too", o.Name)
		}
	}
	return nil
}

// answered refuses when one of the others takes a connection: it lives, or is
// frozen and may go on at any moment.
func (r *Recovery) answered(ctx context.Context, dial dialFunc) error {
	var wg sync.WaitGroup
	errs := make([]error, len(r.Others))
	for i, o := range r.Others {
		wg.Go(func() {
			for range recoverTries {
				tctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
				c, err := dial(tctx, "tcp", o.Cluster)
				cancel()
				if err == nil {
					c.Close()
					errs[i] = fmt.Errorf("node %s takes connections at %s, so it is not lost: stop it, or switch its machine off", o.Name, o.Cluster)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// force writes the new configuration. A crash at any point leaves what a second try
// can use: exiles count only once the configuration lacks them, and the library
// makes its snapshot before it drops the log.
func (r *Recovery) force(l *local, d *disk, ident *identity, p *past, log *slog.Logger) error {
	e, err := openExiles(l)
	if err != nil {
		return err
	}
	var ids []model.NodeID
	for _, o := range r.Others {
		ids = append(ids, o.ID)
	}
	if err := e.add(time.Now(), ids...); err != nil {
		return err
	}
	self := hraft.Server{ID: hraftID(ident.ID), Address: hraft.ServerAddress(ident.Advertise)}
	if s, ok := inConfig(p.servers, self.ID); ok {
		self.Address = s.Address
	}
	conf := hraft.DefaultConfig()
	conf.LocalID, conf.NoLegacyTelemetry, conf.Logger = self.ID, true, newBridge(log, "raft")
	_, trans := hraft.NewInmemTransport(self.Address) // to write addresses down, nothing more
	f := &fsm{st: store.New(), fail: func(error) {}}
	return guarded(func() error {
		return hraft.RecoverCluster(conf, f, d.logs, d.bolt, d.snaps, trans, hraft.Configuration{Servers: []hraft.Server{self}})
	})
}

// others are all members but self, by name.
func (p *past) others(st *store.Store, self model.NodeID) (out []LostNode) {
	st.Read(func(st *store.State) {
		for _, s := range p.servers {
			id := model.NodeID(s.ID)
			if id == self || s.ID == seatID {
				continue
			}
			o := LostNode{ID: id, Name: string(id), Cluster: string(s.Address)}
			if n, ok := st.Node(id); ok {
				o.Name, o.Kind = n.Name, n.Kind
			}
			out = append(out, o)
		}
	})
	slices.SortFunc(out, func(a, b LostNode) int { return strings.Compare(a.Name, b.Name) })
	return out
}
