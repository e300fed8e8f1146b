package dataplane

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"lbd/dataplane/evhttp"
	"lbd/dataplane/evtcp"
	"lbd/dataplane/evudp"
	"lbd/dataplane/loop"
	"lbd/dataplane/semantics"
)

// worker is one event loop with what it serves.
type worker struct {
	loop *loop.Loop
	http *evhttp.Server
	tcp  *evtcp.Server
	udp  *evudp.Server
}

func (e *Engine) startLoops() error {
	n := e.cfg.Loops
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	for i := range max(0, n) {
		l, err := loop.New(e.panicked)
		if err != nil {
			return fmt.Errorf("start event loop: %w", err)
		}
		l.SetPipes(e.loopPipes / n)
		w := &worker{loop: l, tcp: evtcp.New(l, i), udp: evudp.New(l, i)}
		w.http = evhttp.New(l, evhttp.Config{
			Limits: semantics.Limits(e.cfg.Limits), NodeLine: e.http.NodeLine(), Idle: e.idle, Loops: n, Number: i,
			HandOver: e.takeOver,
		})
		e.workers = append(e.workers, w)
		e.loops.Go(func() {
			if err := l.Run(); err != nil {
				e.log.Error("event loop ended", "err", err)
			}
		})
	}
	e.sockets.workers, e.ports.workers = e.workers, e.workers
	return nil
}

// stopLoops ends the loops behind everything that was posted to them.
func (e *Engine) stopLoops() {
	for _, w := range e.workers {
		w.loop.Post(w.http.Close)
		w.loop.Stop()
	}
	e.loops.Wait()
}

// panicked counts what a state machine panicked with. The log may block, a loop
// must not.
func (e *Engine) panicked(p any) {
	e.panics.Add(1)
	stack := string(debug.Stack())
	e.conns.Go(func() {
		e.log.Error("connection handler panicked", "err", p, "stack", stack)
	})
}
