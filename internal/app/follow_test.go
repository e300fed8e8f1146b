package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
	"lbd/internal/status"
	"lbd/store/model"
)

// followers are nodes that tell each other.
type followers map[model.NodeID]*follower

type follower struct {
	*follow
	epoch  int64
	tables map[table.SessionsKey]*sticky.Table
	dead   bool
	told   int // messages
}

func (fs followers) add(id model.NodeID) *follower {
	n := &follower{epoch: time.Now().UnixNano(), tables: map[table.SessionsKey]*sticky.Table{}}
	counter := func() prometheus.Counter { return prometheus.NewCounter(prometheus.CounterOpts{Name: "x"}) }
	n.follow = &follow{
		known: map[model.NodeID]*followed{}, log: slog.New(slog.DiscardHandler), sent: counter(), received: counter(), unknown: counter(), cut: counter(), sums: status.NewLedger(nil),
		export: func(d time.Duration, yield func(table.SessionsKey, sticky.Entry) bool) {
			for k, t := range n.tables {
				t.Export(d, func(e sticky.Entry) bool { return yield(k, e) })
			}
		},
		take: func(k table.SessionsKey, e sticky.Entry) bool {
			t := n.tables[k]
			if t != nil {
				t.Import(e)
			}
			return t != nil
		},
		peers: func() map[model.NodeID]int64 {
			out := map[model.NodeID]int64{}
			for other, o := range fs {
				if other != id && !o.dead {
					out[other] = o.epoch
				}
			}
			return out
		},
		tell: func(_ context.Context, to model.NodeID, body []byte, out any) error {
			o := fs[to]
			if o == nil || o.dead {
				return errors.New("no route")
			}
			o.told++
			v, err := o.follow.told(id, body)
			if err != nil {
				return err
			}
			b, _ := json.Marshal(v)
			return json.Unmarshal(b, out)
		},
	}
	fs[id] = n
	return n
}

func TestSessionsFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := followers{}
		rounds := func(n int) {
			for range n {
				time.Sleep(followEvery)
				for _, f := range fs {
					if !f.dead {
						f.round(t.Context())
					}
				}
			}
		}
		a, b := fs.add("a"), fs.add("b")
		k := table.SessionsKey{Pool: "p", As: model.Persistence{Type: "APP_COOKIE", CookieName: "c"}}
		cookie := func(i int) sticky.Key { return sticky.CookieKey(fmt.Append(nil, i)) }
		a.tables[k] = sticky.New(time.Hour)
		for i := range 10_000 {
			a.tables[k].Put(cookie(i), "m")
		}
		rounds(3)
		b.tables[k] = sticky.New(time.Hour) // its configuration has come
		rounds(3)
		if n := b.tables[k].Len(); n != 10_000 {
			t.Fatalf("%d of 10000 sessions followed", n)
		}
		// From then on only what is new passes, and nothing comes back.
		a.told, b.told = 0, 0
		a.tables[k].Put(cookie(10_000), "m2")
		rounds(20)
		if m, _ := b.tables[k].Get(cookie(10_000)); m != "m2" || a.told > 0 || b.told > 6 {
			t.Errorf("%q; %d messages to b, %d back", m, b.told, a.told)
		}
		// A node that was away, or has started anew, is told everything.
		b.dead = true
		rounds(2)
		b.epoch, b.dead = b.epoch+1, false
		b.tables[k] = sticky.New(time.Hour)
		rounds(3)
		if n := b.tables[k].Len(); n != 10_001 {
			t.Errorf("%d sessions after a restart", n)
		}
	})
}

func TestWhatIsToldIsBounded(t *testing.T) {
	n := followers{}.add("a")
	if _, err := n.follow.told("b", []byte("{")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("%v", err)
	}
	body, err := json.Marshal(tale{Sessions: &learned{List: make([]learnedSession, followBatch+1)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.follow.told("b", body); err == nil || !strings.Contains(err.Error(), "at most 4096") {
		t.Errorf("%v", err)
	}
	body, _ = json.Marshal(tale{Sessions: &learned{Pool: "gone", List: []learnedSession{{Key: []byte("short")}, {Key: make([]byte, 16)}}}})
	if v, err := n.follow.told("b", body); err != nil || v.(learnedAnswer).Unknown != 2 {
		t.Errorf("%v, %v", v, err)
	}
}
