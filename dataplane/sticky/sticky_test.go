package sticky

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestToken(t *testing.T) {
	a := Token([]byte("k"), "p", "m")
	if len(a) != TokenLen || a != Token([]byte("k"), "p", "m") {
		t.Errorf("token %q is not stable or not %d long", a, TokenLen)
	}
	for _, other := range []string{Token([]byte("k2"), "p", "m"), Token([]byte("k"), "p2", "m"), Token([]byte("k"), "p", "m2"), Token([]byte("k"), "pm", "")} {
		if other == a {
			t.Error("two members have one token")
		}
	}
}

func TestAddrKey(t *testing.T) {
	ip, none := netip.MustParseAddr, netip.Addr{}
	for _, tc := range []struct {
		a, b, mask netip.Addr
		same       bool
	}{
		{ip("192.0.2.1"), ip("192.0.2.2"), none, false},
		{ip("192.0.2.1"), ip("::ffff:192.0.2.1"), none, true},
		{ip("192.0.2.1"), ip("192.0.2.2"), ip("255.255.255.0"), true},
		{ip("192.0.2.1"), ip("192.0.3.1"), ip("255.255.255.0"), false},
		{ip("2001:db8::1"), ip("2001:db8::2"), ip("ffff:ffff::"), true},
		{ip("2001:db8::1"), ip("2001:db8::2"), ip("255.255.255.0"), false}, // another family's mask
	} {
		if got := AddrKey(tc.a, tc.mask) == AddrKey(tc.b, tc.mask); got != tc.same {
			t.Errorf("%s and %s under %s: same %v", tc.a, tc.b, tc.mask, got)
		}
	}
}

func key(i int) Key { return CookieKey(fmt.Append(nil, i)) }

// The table agrees with a map and a list of times, whatever happens.
func TestTableKeepsWhatIsUsed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tab := New(0)
		model := map[int]string{}
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			k := rapid.IntRange(0, 20).Draw(rt, "key")
			if rapid.Bool().Draw(rt, "put") {
				m := rapid.StringMatching(`[abc]`).Draw(rt, "member")
				tab.Put(key(k), m)
				model[k] = m
			}
			got, ok := tab.Get(key(k))
			if want, known := model[k]; ok != known || got != want {
				rt.Fatalf("key %d: %q %v, want %q %v", k, got, ok, want, known)
			}
		}
		if tab.Len() != len(model) {
			rt.Fatalf("%d sessions, want %d", tab.Len(), len(model))
		}
		seen := 0
		tab.Export(time.Hour, func(e Entry) bool { seen++; return true })
		if seen != len(model) {
			rt.Fatalf("%d exported, want %d", seen, len(model))
		}
	})
}

func TestTableIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := New(0)
		tab.Put(key(-1), "kept")
		for i := range 3 * MaxSessions {
			tab.Put(key(i), "m")
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
				if _, ok := tab.Get(key(-1)); !ok {
					t.Fatalf("the session in use was evicted after %d others", i)
				}
			}
		}
		if n := tab.Len(); n > MaxSessions || n < MaxSessions-2000 {
			t.Errorf("%d sessions", n)
		}
		if tab.Evicted() < int64(MaxSessions) {
			t.Errorf("%d evicted", tab.Evicted())
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := New(time.Minute)
		tab.Put(key(1), "a")
		tab.Put(key(2), "b")
		time.Sleep(50 * time.Second)
		tab.Get(key(1))
		time.Sleep(50 * time.Second)
		if _, ok := tab.Get(key(1)); !ok {
			t.Error("a session that was used has ended")
		}
		tab.Sweep()
		if tab.Len() != 1 {
			t.Errorf("%d sessions after the sweep", tab.Len())
		}
		if _, ok := tab.Get(key(2)); ok {
			t.Error("a session that was not used goes on")
		}
		time.Sleep(61 * time.Second)
		if _, ok := tab.Get(key(1)); ok {
			t.Error("a session outlives its time without a sweep")
		}
	})
}

func TestCopyToAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(time.Minute)
		a.Put(key(1), "old")
		time.Sleep(20 * time.Second)
		a.Put(key(2), "new")
		b := New(time.Minute)
		b.Put(key(1), "newer here")
		a.Export(time.Minute, func(e Entry) bool { b.Import(e); return true })
		if m, _ := b.Get(key(1)); m != "newer here" {
			t.Errorf("key 1 belongs to %q", m)
		}
		if m, _ := b.Get(key(2)); m != "new" {
			t.Errorf("key 2 belongs to %q", m)
		}
		foreign := map[bool]int{}
		count := func(e Entry) bool { foreign[e.Foreign]++; return true }
		if b.Export(time.Minute, count); foreign[true] != 0 || foreign[false] != 2 { // both were used here
			t.Errorf("foreign %v", foreign)
		}
		d := New(time.Minute)
		d.Import(Entry{Key: key(5), Member: "m"})
		clear(foreign)
		if d.Export(time.Minute, count); foreign[true] != 1 {
			t.Errorf("an imported session is not foreign: %v", foreign)
		}
		c := New(time.Minute)
		time.Sleep(45 * time.Second) // key 1 is gone, key 2 is 45 s old
		a.Export(time.Minute, func(e Entry) bool { c.Import(e); return true })
		time.Sleep(20 * time.Second)
		if c.Len() != 1 {
			t.Errorf("%d sessions imported", c.Len())
		}
		if _, ok := c.Get(key(2)); ok {
			t.Error("an imported session starts its life anew")
		}
		c.Import(Entry{Key: key(3), Member: "m", Age: -time.Second})
		c.Import(Entry{Key: key(4), Member: "m", Age: time.Hour})
		if c.Len() != 0 {
			t.Error("an impossible age was imported")
		}
		recent := 0
		b.Put(key(9), "m")
		b.Export(time.Second, func(Entry) bool { recent++; return false })
		if recent != 1 {
			t.Errorf("%d given after yield said stop", recent)
		}
	})
}

func TestTableUnderManyHands(t *testing.T) {
	tab := New(0)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				k := key(i % 300)
				tab.Put(k, fmt.Sprint(g))
				tab.Get(k)
			}
		})
	}
	wg.Wait()
	if tab.Len() != 300 {
		t.Errorf("%d sessions", tab.Len())
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	tab, cookie := New(0), []byte("0123456789abcdef0123456789abcdef")
	tab.Put(CookieKey(cookie), "m")
	a := netip.MustParseAddr("192.0.2.1")
	if n := testing.AllocsPerRun(100, func() {
		tab.Get(CookieKey(cookie))
		tab.Get(AddrKey(a, netip.Addr{}))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
