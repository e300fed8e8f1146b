package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lbd/internal/status"
	"lbd/raft"
	"lbd/store/model"
)

// TestLargePartHoldsNobodyUp: with a large part that takes three seconds to make, the
// small part goes out as ever, and who reads the board does not wait.
func TestLargePartHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow = 3 * time.Second
		var took, requests, full, small atomic.Int64
		changed := make(chan struct{}, 1)
		o := newObserver(status.New(), status.NewLedger(nil),
			func() model.Report { return model.Report{Node: "n1"} },
			func() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters) {
				time.Sleep(time.Duration(took.Load()))
				return nil, map[model.ListenerID]model.ListenerCounters{"l": {Requests: requests.Add(1)}}
			},
			func(lane raft.Lane, b []byte) {
				m, err := decodeMessage(b)
				if err != nil {
					t.Error(err)
				}
				if m.Full != (lane == raft.Large) {
					t.Errorf("full: %t, in lane %d", m.Full, lane)
				}
				if m.Full {
					full.Add(1)
				} else {
					small.Add(1)
				}
			}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- o.run(ctx, changed) }()
		time.Sleep(fullEvery + pushEvery + pushEvery/2)
		if full.Load() != 2 || small.Load() != 9 { // at the first tick, and fullEvery later
			t.Errorf("brief: %d full reports, %d small ones", full.Load(), small.Load())
		}
		took.Store(int64(slow))
		time.Sleep(2 * slow) // from here on it is known to take long
		full.Store(0)
		small.Store(0)
		began := time.Now()
		for range 100 {
			time.Sleep(pushEvery)
			at := time.Now()
			rows := o.Reports()
			if waited := time.Since(at); waited > 0 || len(rows) != 1 || rows[0].Listeners["l"].Requests == 0 {
				t.Fatalf("waited %s for %+v", waited, rows)
			}
		}
		if small.Load() < 90 || full.Load() > 2 {
			t.Errorf("%d small reports in %s, %d full ones", small.Load(), time.Since(began), full.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestLargePartIsSentOnceASecond: a cluster that changes all the time has the large part
// sent after every change where it is cheap, and once a second where all nodes would be
// busy with nothing else.
func TestLargePartIsSentOnceASecond(t *testing.T) {
	for took, most := range map[time.Duration]int64{briefly: 10_000 / 40, 2 * briefly: 11} {
		synctest.Test(t, func(t *testing.T) {
			var full atomic.Int64
			changed := make(chan struct{}, 1)
			o := newObserver(status.New(), status.NewLedger(nil),
				func() model.Report { return model.Report{Node: "n1"} },
				func() (map[model.MemberID]model.MemberHealth, map[model.ListenerID]model.ListenerCounters) {
					time.Sleep(took)
					return nil, nil
				},
				func(lane raft.Lane, _ []byte) {
					if lane == raft.Large {
						full.Add(1)
					}
				}, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var load sync.WaitGroup
			load.Go(func() {
				for ctx.Err() == nil {
					signal(changed)
					time.Sleep(time.Millisecond)
				}
			})
			defer load.Wait()
			if err := o.run(ctx, changed); err != nil {
				t.Error(err)
			}
			if n := full.Load(); n < most*8/10 || n > most {
				t.Errorf("%s to make: sent %d times in 10 s, %d are expected", took, n, most)
			}
		})
	}
}
