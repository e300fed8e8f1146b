package raft

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lbd/store/model"
)

// serviceOf is a service with five members and about 3500 bytes of JSON.
func serviceOf(id int) *model.Service {
	b := &model.Backends{Pool: &model.Pool{ID: "p"}}
	for m := range 5 {
		b.Members = append(b.Members, model.Server{ID: model.MemberID(fmt.Sprint(m)), Address: netip.MustParseAddr("10.0.0.3"), Port: 80, Weight: 1, AdminStateUp: true})
	}
	return &model.Service{LoadBalancer: &model.LoadBalancer{ID: model.LoadBalancerID(fmt.Sprint(id)), Base: model.Base{Description: strings.Repeat("x", 3000)}}, Pools: []*model.Backends{b}}
}

// TestLastGoodOfAnySize: what is written in pieces is read as a whole.
func TestLastGoodOfAnySize(t *testing.T) {
	for _, services := range []int{0, 1, 2, 1000} {
		want := &model.Config{Index: 7, Services: []*model.Service{}}
		for i := range services {
			want.Services = append(want.Services, serviceOf(i))
		}
		n := &Node{cfg: Config{DataDir: t.TempDir()}}
		if err := n.SaveLastGood(want); err != nil {
			t.Fatal(err)
		}
		got, err := n.LastGood()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d services: not what was written", services)
		}
	}
}

// TestLastGoodCostsWhatChanges: one service of a thousand is written alone.
func TestLastGoodCostsWhatChanges(t *testing.T) {
	dir := t.TempDir()
	n := &Node{cfg: Config{DataDir: dir}}
	c := &model.Config{Index: 1}
	for i := range 1000 {
		c.Services = append(c.Services, serviceOf(i))
	}
	if err := n.SaveLastGood(c); err != nil {
		t.Fatal(err)
	}
	whole, err := os.Stat(filepath.Join(dir, lastGoodFile))
	if err != nil {
		t.Fatal(err)
	}
	c = &model.Config{Index: 2, Services: slices.Clone(c.Services)}
	c.Services[500] = serviceOf(500)
	if err := n.SaveLastGood(c); err != nil {
		t.Fatal(err)
	}
	changes, err := os.Stat(filepath.Join(dir, changesFile))
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(filepath.Join(dir, lastGoodFile)); err != nil || !os.SameFile(whole, after) || changes.Size() > 10_000 {
		t.Errorf("%d bytes of changes, the whole was written anew: %t, %v", changes.Size(), !os.SameFile(whole, after), err)
	}
}

// TestLastGoodFollowsChanges: whatever changes, what is read is what was kept last; and
// where the end of the file of changes is lost or damaged, what was kept at some time
// since the whole was written.
func TestLastGoodFollowsChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "lastgood")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		n := &Node{cfg: Config{DataDir: dir}}
		c := &model.Config{Index: 1, Services: []*model.Service{}}
		for i := range 20 {
			c.Services = append(c.Services, serviceOf(i*10))
		}
		var kept []*model.Config
		read := func() *model.Config {
			got, err := (&Node{cfg: Config{DataDir: dir}}).LastGood()
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for range rapid.IntRange(1, 20).Draw(t, "saves") {
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				at := rapid.IntRange(0, len(c.Services)).Draw(t, "at")
				services := slices.Clone(c.Services)
				switch does := rapid.IntRange(0, 2).Draw(t, "does"); {
				case does == 0 || at == len(services):
					services = slices.Insert(services, at, serviceOf(int(c.Index)*10+1000))
				case does == 1:
					services = slices.Delete(services, at, at+1)
				default:
					services[at] = &model.Service{LoadBalancer: services[at].LoadBalancer} // another version
				}
				c = &model.Config{Index: c.Index + 1, Services: services}
			}
			switch rapid.IntRange(0, 9).Draw(t, "as well") {
			case 0:
				n = &Node{cfg: Config{DataDir: dir}} // the process is another
			case 1: // which is not how a store's services are, and is no reason to lose them
				services := slices.Clone(c.Services)
				slices.Reverse(services)
				c = &model.Config{Index: c.Index + 1, Services: services}
			}
			if err := n.SaveLastGood(c); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, c)
			if got := read(); !reflect.DeepEqual(got.Services, c.Services) {
				t.Fatalf("save %d: %s", len(kept), cmp.Diff(got.Services, c.Services))
			}
		}
		path := filepath.Join(dir, changesFile)
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			return // there are none
		}
		at := rapid.IntRange(0, len(b)-1).Draw(t, "damaged at")
		if rapid.Bool().Draw(t, "cut") {
			b = b[:at]
		} else {
			b[at] ^= 1
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got := read()
		if !slices.ContainsFunc(kept, func(k *model.Config) bool { return reflect.DeepEqual(k.Services, got.Services) }) {
			t.Fatal("what is read was never kept")
		}
	})
}
