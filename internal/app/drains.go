package app

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/internal/handover"
	"lbd/store/model"
)

// maxDraining bounds the earlier processes of this node that still serve
// connections: with one more, the one that began first is told to end.
const maxDraining = 4

// drains are those processes, as they tell it themselves.
type drains struct {
	ctx    context.Context // of the node
	leave  atomic.Bool     // another process goes on watching them
	mu     sync.Mutex
	open   map[*handover.Conn]model.DrainingProcess // guarded by mu
	stop   context.CancelFunc
	closed bool // guarded by mu
	wg     sync.WaitGroup
}

func newDrains(ctx context.Context, reg prometheus.Registerer) *drains {
	d := &drains{open: map[*handover.Conn]model.DrainingProcess{}}
	d.ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lbd_draining_processes", Help: "Earlier processes of this node that still serve connections."}, func() float64 {
			return float64(len(d.report()))
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lbd_draining_connections", Help: "Client connections that earlier processes of this node still serve."}, func() float64 {
			n := int64(0)
			for _, p := range d.report() {
				n += p.Connections
			}
			return float64(n)
		}),
	)
	return d
}

// add watches a process until it ends. Its end of c closes with it.
func (d *drains) add(c *handover.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		c.Close()
		return
	}
	d.open[c] = model.DrainingProcess{}
	d.wg.Go(func() { d.watch(c) })
}

func (d *drains) watch(c *handover.Conn) {
	defer func() {
		d.mu.Lock()
		delete(d.open, c)
		d.mu.Unlock()
		c.Close()
	}()
	for {
		m, err := c.Receive(d.ctx)
		if err != nil {
			if d.ctx.Err() != nil && !d.leave.Load() {
				_ = c.Send(handover.KindCut, handover.Cut{}) // the node ends, and that one with it
			}
			return
		}
		m.Close()
		var p handover.Draining
		if m.Kind != handover.KindDraining || m.Decode(&p) != nil {
			continue
		}
		d.mu.Lock()
		d.open[c] = model.DrainingProcess{PID: p.PID, Version: p.Build, Since: p.Since, Until: p.Until, Connections: p.Connections}
		d.mu.Unlock()
		d.bound()
	}
}

// bound tells the oldest to end when there are too many.
func (d *drains) bound() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.open) <= maxDraining {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Keys(d.open)), func(a, b *handover.Conn) int { return d.open[a].Since.Compare(d.open[b].Since) })
	_ = oldest.Send(handover.KindCut, handover.Cut{}) // it may have ended
}

// report lists those that have spoken, the oldest first.
func (d *drains) report() (all []model.DrainingProcess) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.open {
		if p.PID != 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b model.DrainingProcess) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.PID, b.PID))
	})
	return all
}

// conns are the sockets to them, with their process ids, for another process.
func (d *drains) conns() map[*handover.Conn]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[*handover.Conn]int{}
	for c, p := range d.open {
		all[c] = p.PID
	}
	return all
}

// close ends them all, unless another process goes on watching them.
func (d *drains) close(leave bool) {
	d.leave.Store(leave)
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.stop()
	d.wg.Wait()
}
