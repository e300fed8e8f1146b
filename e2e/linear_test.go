package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lbd/e2e/harness"
)

const (
	workers = 6
	slots   = 4 // objects at a time
	// opsEach bounds the history of one object: deciding is exponential in what overlaps.
	opsEach = 40
	// callWithin is how long a client waits; what it gave up may still take effect.
	callWithin = 2 * time.Second
)

// TestHistoriesAreLinearizable lets clients create, change, read and delete objects
// through all nodes while nodes are killed, frozen, cut off and healed. Every object's
// history, read with ?consistent=true, must be that of a single copy; so no
// acknowledged write is lost, and none comes back. Plain reads promise less: what
// one wrote is there at once on the node that was asked. For LBD_SOAK (15 s).
func TestHistoriesAreLinearizable(t *testing.T) {
	long := duration(t, "LBD_SOAK", 15*time.Second)
	seed := uint64(time.Now().UnixNano())
	w := harness.New(t, harness.Options{Nodes: 2, Witness: true})
	w.StartCluster()
	s := w.MakeService(nil)
	arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
	c := &clients{t: t, w: w, h: newHistories(), seed: seed}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { c.work(ctx, i) })
	}
	wg.Go(func() { c.sessions(ctx, workers) })
	f := &faults{w: w, vip: s.VIP, rng: rand.New(rand.NewPCG(seed, 1))}
	for end := time.Now().Add(long); time.Now().Before(end); {
		f.next()
	}
	whole(w)
	cancel()
	wg.Wait()
	c.readAll()
	ops, unknown := c.h.check(t, 30*time.Second)
	t.Logf("seed %d: %d faults (%v), %d operations on %d objects, %d of unknown outcome; %d plain reads after one's own writes; %d of %d plain reads by others were behind",
		seed, f.n, f.done, ops, len(c.h.ops), unknown, c.own.Load(), c.stale.Load(), c.plain.Load())
	if ops < 500 || c.own.Load() < 50 {
		t.Errorf("the clients did too little for this to say anything: %d operations, %d sessions", ops, c.own.Load())
	}
	if two := harness.TwoOwners(arp.Stop()); two > 0 {
		t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
	}
}

func duration(t *testing.T, name string, def time.Duration) time.Duration {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// clients call the API of random nodes. Values are unique.
type clients struct {
	t    *testing.T
	w    *harness.World
	h    *histories
	seed uint64

	mu      sync.Mutex
	objects [slots]object // guarded by mu

	values            atomic.Int64
	own, plain, stale atomic.Int64
}

type object struct {
	id  string
	ops int
}

const networkPath = harness.Networking + "networks"

// askNetwork is one request to a node; known is false when its outcome is not.
func askNetwork(n *harness.Node, method, path, name string) (id string, out answered) {
	var in any
	if method == "POST" || method == "PUT" {
		in = map[string]any{"network": map[string]any{"name": name}}
	}
	status, body, err := n.APIWithin(callWithin, method, path, in)
	switch {
	case err != nil:
		return "", answered{note: err.Error()}
	case status == http.StatusNotFound:
		return "", answered{known: true}
	case status/100 != 2:
		return "", answered{note: fmt.Sprint(status)}
	}
	var got struct {
		Network struct{ ID, Name string }
	}
	if method != "DELETE" {
		if err := json.Unmarshal(body, &got); err != nil {
			return "", answered{note: err.Error()}
		}
	}
	return got.Network.ID, answered{known: true, found: true, value: got.Network.Name}
}

func (c *clients) any(rng *rand.Rand) *harness.Node {
	return append(c.w.Nodes[:len(c.w.Nodes):len(c.w.Nodes)], c.w.Witness)[rng.IntN(len(c.w.Nodes)+1)]
}

func (c *clients) value(client int) string { return fmt.Sprintf("c%d-%d", client, c.values.Add(1)) }

// pick is the object in a slot, or "" when a new one is due.
func (c *clients) pick(i int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.objects[i]
	if o.ops++; o.ops > opsEach {
		*o = object{}
	}
	return o.id
}

// retire ends the history of an object.
func (c *clients) retire(i int, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.objects[i].id == id {
		c.objects[i] = object{}
	}
}

func (c *clients) work(ctx context.Context, client int) {
	rng := rand.New(rand.NewPCG(c.seed, uint64(client)+2))
	for ctx.Err() == nil {
		time.Sleep(time.Duration(rng.IntN(8)) * time.Millisecond) // think
		n, slot := c.any(rng), rng.IntN(slots)
		id := c.pick(slot)
		began := c.h.now()
		if id == "" {
			v := c.value(client)
			id, out := askNetwork(n, "POST", networkPath, v)
			if !out.known {
				continue // nobody knows its id
			}
			c.h.add(id, client, asked{create, v}, began, out)
			c.mu.Lock()
			c.objects[slot] = object{id: id}
			c.mu.Unlock()
			continue
		}
		path := networkPath + "/" + id
		switch p := rng.IntN(100); {
		case p < 55:
			if _, out := askNetwork(n, "GET", path+"?consistent=true", ""); out.known {
				c.h.add(id, client, asked{verb: show}, began, out)
			}
		case p < 95:
			v := c.value(client)
			_, out := askNetwork(n, "PUT", path, v)
			if out.known && !out.found {
				// It is not there, at some moment of the call. That may have been after
				// the update: the answer shows the object as it then is.
				c.h.add(id, client, asked{verb: show}, began, out)
				out = answered{ended: true, note: "404"}
			}
			c.h.add(id, client, asked{update, v}, began, out)
			if !out.known && rng.IntN(2) == 0 {
				c.retire(slot, id)
			}
		default:
			_, out := askNetwork(n, "DELETE", path, "")
			c.h.add(id, client, asked{verb: remove}, began, out)
			if rng.IntN(2) == 0 {
				c.retire(slot, id)
			}
		}
	}
}

// sessions write objects of their own and read them plainly on the node that took
// the write: it is there at once. Another node may be behind; how often is counted.
func (c *clients) sessions(ctx context.Context, client int) {
	rng := rand.New(rand.NewPCG(c.seed, uint64(client)+2))
	for ctx.Err() == nil {
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
		n, v := c.any(rng), c.value(client)
		id, out := askNetwork(n, "POST", networkPath, v)
		if !out.known {
			continue
		}
		path := networkPath + "/" + id
		for range 3 {
			if _, got := askNetwork(n, "GET", path, ""); got.known {
				c.own.Add(1)
				if got.value != v {
					c.t.Errorf("%s acknowledged %s for %s, and shows %+v right after", n.Name, v, id, got)
				}
			}
			if _, got := askNetwork(c.any(rng), "GET", path, ""); got.known {
				c.plain.Add(1)
				if got.value != v {
					c.stale.Add(1)
				}
			}
			next := c.value(client)
			if _, out = askNetwork(n, "PUT", path, next); !out.known {
				break
			}
			v = next
		}
	}
}

// readAll reads every object once more, so that what was acknowledged last counts too.
func (c *clients) readAll() {
	c.t.Helper()
	i := 0
	for id := range c.h.ops {
		n := c.w.Nodes[i%len(c.w.Nodes)]
		i++
		c.w.Until(10*time.Second, "every object can be read at the end", func() error {
			began := c.h.now()
			_, out := askNetwork(n, "GET", networkPath+"/"+id+"?consistent=true", "")
			if !out.known {
				return errorf("%s: %s", n.Name, out.note)
			}
			c.h.add(id, workers, asked{verb: show}, began, out)
			return nil
		})
	}
}

// faults break one thing, wait, and heal it.
type faults struct {
	w    *harness.World
	vip  string
	rng  *rand.Rand
	n    int
	done []string
}

// next is the next fault: each in turn first, then at random.
func (f *faults) next() {
	all := []struct {
		name string
		do   func()
	}{
		{"the leader is killed", func() { f.kill(f.leader()) }},
		{"the leader is frozen", func() { f.freeze(f.leader()) }},
		{"the leader is cut off", func() { f.cut(f.leader()) }},
		{"the witness is killed", func() { f.kill(f.w.Witness) }},
		{"a follower is cut off", func() { f.cut(f.follower()) }},
		{"a follower is killed", func() { f.kill(f.follower()) }},
		{"a follower is frozen", func() { f.freeze(f.follower()) }},
		{"two voters are killed", func() { f.kill(f.leader(), f.w.Witness) }},
		{"all are killed", func() { f.kill(f.w.Nodes[0], f.w.Nodes[1], f.w.Witness) }},
	}
	i := f.n
	if i >= len(all) {
		i = f.rng.IntN(len(all))
	}
	f.n++
	f.done = append(f.done, all[i].name)
	if len(f.done) > 12 {
		f.done = append(f.done[:0], "…", all[i].name)
	}
	all[i].do()
	f.pause(300, 900)
}

// pause lets clients work for a while between the two bounds, in milliseconds.
func (f *faults) pause(least, most int) {
	time.Sleep(time.Duration(least+f.rng.IntN(most-least)) * time.Millisecond)
}

// leader is the data node that leads, or any while nobody does.
func (f *faults) leader() *harness.Node {
	for _, n := range f.w.Nodes {
		if v, err := n.ClusterView(); err == nil {
			for _, o := range v.Nodes {
				if o.Self && o.ID == v.Leader {
					return n
				}
			}
		}
	}
	return f.w.Nodes[f.rng.IntN(len(f.w.Nodes))]
}

func (f *faults) follower() *harness.Node {
	if n := f.leader(); n != f.w.Nodes[0] {
		return f.w.Nodes[0]
	}
	return f.w.Nodes[1]
}

func (f *faults) kill(nodes ...*harness.Node) {
	for _, n := range nodes {
		n.Kill()
	}
	f.pause(200, 900)
	var wait []func(time.Duration) error
	for _, n := range nodes {
		wait = append(wait, n.StartInBackground())
	}
	for _, ready := range wait {
		if err := ready(40 * time.Second); err != nil {
			f.w.T.Fatal(err)
		}
	}
}

func (f *faults) freeze(n *harness.Node) {
	n.Signal(syscall.SIGSTOP)
	f.pause(500, 1500)
	n.Signal(syscall.SIGCONT)
}

func (f *faults) cut(n *harness.Node) {
	n.Management("down")
	f.pause(500, 1500)
	n.Management("up")
}
