package app

import (
	"context"

	"lbd/internal/lifecycle"
)

// keeper has parts that can go on when the node's control part has ended for
// another process that takes over. It is for one goroutine, but for the parts'
// own.
type keeper struct {
	kept map[string]*keptPart
}

type keptPart struct {
	run    func(context.Context) error
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid after done is closed
}

// part makes p one that goes on when it is asked to stop while on says so. It has
// to be ended by end then.
func (k *keeper) part(p lifecycle.Part, on func() bool) lifecycle.Part {
	if k.kept == nil {
		k.kept = map[string]*keptPart{}
	}
	kp := &keptPart{run: p.Run, done: make(chan struct{})}
	k.kept[p.Name] = kp
	p.Run = func(ctx context.Context) error {
		kp.start(ctx)
		select {
		case <-kp.done:
			kp.cancel()
			return kp.err
		case <-ctx.Done():
		}
		if on() {
			return nil
		}
		kp.cancel()
		<-kp.done
		return kp.err
	}
	return p
}

func (kp *keptPart) start(ctx context.Context) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	kp.cancel = cancel
	done := kp.done
	go func() {
		defer close(done)
		kp.err = kp.run(own)
	}()
}

// again lets a part that was kept and has ended run once more.
func (k *keeper) again(name string) {
	kp := k.kept[name]
	select {
	case <-kp.done:
		kp.done = make(chan struct{})
		kp.start(context.Background())
	default: // it has not ended
	}
}

// end ends a part that was kept, or was never started, and waits for it.
func (k *keeper) end(name string) error {
	kp := k.kept[name]
	if kp == nil || kp.cancel == nil {
		return nil
	}
	kp.cancel()
	<-kp.done
	return kp.err
}
