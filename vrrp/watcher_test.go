package vrrp

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// watcher asks for addresses, all of one family, without a pause and notes every frame in
// which somebody says that one is his.
type watcher struct {
	t    *testing.T
	stop func() []claim // ends it and returns what was seen

	mu   sync.Mutex
	seen []claim // guarded by mu
}

type claim struct {
	at    int64 // Monotonic, when the frame came to the kernel
	addr  netip.Addr
	mac   string
	reply bool
	gratu bool // told without having been asked
}

// watch asks for the addresses in turn, a question every interval (0: none).
func (h *host) watch(every time.Duration, addrs ...netip.Addr) *watcher {
	h.t.Helper()
	w := &watcher{t: h.t}
	v6 := addrs[0].Is6()
	c, frames := h.neighbours(addrs[0]), h.frames(v6)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer frames.close()
		for {
			c, ok, err := frames.read()
			if err != nil {
				select {
				case <-done:
					return
				default:
					continue // nothing for a while
				}
			}
			if ok && slices.Contains(addrs, c.addr) {
				w.mu.Lock()
				w.seen = append(w.seen, c)
				w.mu.Unlock()
			}
		}
	})
	if every > 0 {
		wg.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-tick.C:
					var err error
					if a := addrs[i%len(addrs)]; v6 { // without an address of ours all nodes would be told
						err = c.askAs(h.ip6, a, nil)
					} else {
						err = c.ask(a)
					}
					if err != nil {
						return
					}
				}
			}
		})
	}
	w.stop = sync.OnceValue(func() []claim {
		close(done)
		c.close()
		wg.Wait()
		return w.seen
	})
	h.t.Cleanup(func() { w.stop() })
	return w
}

// now is a copy of what was seen.
func (w *watcher) now() []claim {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// await returns the first claim that the condition holds for.
func (w *watcher) await(what string, ok func(claim) bool) claim {
	w.t.Helper()
	var c claim
	eventually(w.t, what, func() bool {
		seen := w.now()
		i := slices.IndexFunc(seen, ok)
		if i >= 0 {
			c = seen[i]
		}
		return i >= 0
	}, func() string { return "" })
	return c
}

// answered reports claims that are not announcements.
func answered(c claim) bool { return c.reply && !c.gratu }

// lastAfter is how long after t the last claim of the hardware address came, 0
// for none.
func lastAfter(seen []claim, mac string, t int64) time.Duration {
	var last int64
	for _, c := range seen {
		if c.mac == mac {
			last = max(last, c.at)
		}
	}
	return time.Duration(max(0, last-t))
}

// quiet waits, asking on, until nothing was seen for d.
func (w *watcher) quiet(d time.Duration) {
	w.t.Helper()
	start := Monotonic()
	eventually(w.t, "nobody answers", func() bool {
		seen := w.now()
		last := start
		if len(seen) > 0 {
			last = max(last, seen[len(seen)-1].at)
		}
		return Monotonic()-last > int64(d)
	}, func() string { return "" })
}
