package sticky

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// MaxSessions of a table. One costs about 100 bytes once it is there; with
	// fewer, clients of a busy pool lose their member early.
	MaxSessions = 1 << 16

	// DefaultTTL is how long a session lives after its last use. Shorter than a
	// lunch break logs people out; longer keeps entries nobody comes back for.
	DefaultTTL = time.Hour

	// shards keep cores from waiting for each other. A power of two.
	shards = 16
)

// Key names a session: an address, or a hash of a cookie's value, which is a
// secret that must not lie about.
type Key [16]byte

// CookieKey is the key of a cookie's value.
func CookieKey(value []byte) Key {
	sum := sha256.Sum256(value)
	return Key(sum[:16])
}

// AddrKey is the key of all addresses that are equal in their first bits.
func AddrKey(a netip.Addr, mask netip.Addr) Key {
	k := Key(a.As16())
	if mask.IsValid() && mask.BitLen() == a.BitLen() {
		m := mask.As16()
		if mask.Is4() {
			for i := range 12 {
				m[i] = 0xff
			}
		}
		for i := range k {
			k[i] &= m[i]
		}
	}
	return k
}

// Table maps keys to members, by id. For any number of goroutines.
type Table struct {
	ttl     time.Duration
	start   time.Time // what entries' times count from
	evicted atomic.Int64
	shard   [shards]shard
}

type shard struct {
	mu      sync.Mutex
	at      map[Key]int32 // guarded by mu; index into entries
	entries []entry       // guarded by mu; at most MaxSessions/shards
	newest  int32         // guarded by mu; -1: none
	oldest  int32         // guarded by mu
	free    int32         // guarded by mu; list through next
	_       [64]byte
}

type entry struct {
	key        Key
	member     string
	used       time.Duration // since Table.start
	foreign    bool          // its last use was on another node
	prev, next int32         // towards newest, towards oldest
}

// New makes an empty table; ttl <= 0 is DefaultTTL.
func New(ttl time.Duration) *Table {
	if ttl <= 0 {
		ttl = DefaultTTL
	}
	t := &Table{ttl: ttl, start: time.Now()}
	for i := range t.shard {
		s := &t.shard[i]
		s.at = make(map[Key]int32)
		s.newest, s.oldest, s.free = -1, -1, -1
	}
	return t
}

func (t *Table) of(k *Key) *shard {
	h := binary.LittleEndian.Uint64(k[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(k[8:])
	h *= 0xbf58476d1ce4e5b9
	return &t.shard[h>>60%shards]
}

// Get gives the member of k and counts as use of the session.
func (t *Table) Get(k Key) (member string, ok bool) {
	now := time.Since(t.start)
	s := t.of(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.at[k]
	if !ok {
		return "", false
	}
	e := &s.entries[i]
	if now-e.used > t.ttl {
		s.remove(i)
		return "", false
	}
	e.used, e.foreign = now, false
	if s.newest != i {
		s.unlink(i)
		s.link(i)
	}
	return e.member, true
}

// Put says that k belongs to member from now on.
func (t *Table) Put(k Key, member string) { t.put(k, member, time.Since(t.start), false) }

func (t *Table) put(k Key, member string, used time.Duration, foreign bool) {
	s := t.of(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.at[k]; ok {
		e := &s.entries[i]
		if used < e.used {
			return // what is here is newer
		}
		e.member, e.used, e.foreign = member, used, foreign
		s.unlink(i)
		s.link(i)
		return
	}
	var i int32
	switch {
	case s.free >= 0:
		i = s.free
		s.free = s.entries[i].next
	case len(s.entries) < MaxSessions/shards:
		i = int32(len(s.entries))
		s.entries = append(s.entries, entry{})
	default:
		if used-s.entries[s.oldest].used <= t.ttl {
			t.evicted.Add(1)
		}
		s.remove(s.oldest)
		i = s.free
		s.free = s.entries[i].next
	}
	s.entries[i] = entry{key: k, member: member, used: used, foreign: foreign}
	s.at[k] = i
	s.link(i)
}

// Sweep forgets what has not been used for too long.
func (t *Table) Sweep() {
	now := time.Since(t.start)
	for n := range t.shard {
		s := &t.shard[n]
		s.mu.Lock()
		for s.oldest >= 0 && now-s.entries[s.oldest].used > t.ttl {
			s.remove(s.oldest)
		}
		s.mu.Unlock()
	}
}

// Len is how many sessions are known; Evicted how many had to make room.
func (t *Table) Len() int {
	sum := 0
	for n := range t.shard {
		s := &t.shard[n]
		s.mu.Lock()
		sum += len(s.at)
		s.mu.Unlock()
	}
	return sum
}

// Evicted is how many live sessions had to make room for others.
func (t *Table) Evicted() int64 { return t.evicted.Load() }

// Entry is a session on its way to another node.
type Entry struct {
	Key    Key
	Member string
	Age    time.Duration // since its last use
	// Foreign: that was on another node, from which it was imported.
	Foreign bool
}

// Export gives the sessions used within the last d, newest first in each part of
// the table, until yield returns false. yield must not call the table.
func (t *Table) Export(d time.Duration, yield func(Entry) bool) {
	now := time.Since(t.start)
	d = min(d, t.ttl)
	for n := range t.shard {
		if !t.shard[n].export(now, d, yield) {
			return
		}
	}
}

func (s *shard) export(now, d time.Duration, yield func(Entry) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := s.newest; i >= 0; i = s.entries[i].next {
		e := &s.entries[i]
		if now-e.used > d {
			break
		}
		if !yield(Entry{e.key, e.member, now - e.used, e.foreign}) {
			return false
		}
	}
	return true
}

// Import takes a session of another node, unless a newer use of it is known here.
func (t *Table) Import(e Entry) {
	if e.Age >= 0 && e.Age <= t.ttl {
		t.put(e.Key, e.Member, time.Since(t.start)-e.Age, true)
	}
}

// link puts entry i where its time belongs: at the front, but for imports.
func (s *shard) link(i int32) {
	e := &s.entries[i]
	e.prev, e.next = -1, s.newest
	if s.oldest >= 0 && s.entries[s.oldest].used > e.used { // imports come newest first
		e.prev, e.next = s.oldest, -1
	}
	for e.next >= 0 && s.entries[e.next].used > e.used {
		e.prev, e.next = e.next, s.entries[e.next].next
	}
	if e.prev >= 0 {
		s.entries[e.prev].next = i
	} else {
		s.newest = i
	}
	if e.next >= 0 {
		s.entries[e.next].prev = i
	} else {
		s.oldest = i
	}
}

func (s *shard) unlink(i int32) {
	e := &s.entries[i]
	if e.prev >= 0 {
		s.entries[e.prev].next = e.next
	} else {
		s.newest = e.next
	}
	if e.next >= 0 {
		s.entries[e.next].prev = e.prev
	} else {
		s.oldest = e.prev
	}
}

func (s *shard) remove(i int32) {
	s.unlink(i)
	delete(s.at, s.entries[i].key)
	s.entries[i] = entry{next: s.free}
	s.free = i
}
