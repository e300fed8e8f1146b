package vrrp

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"time"
)

// schedule says which address is to be announced when. It is pure: time comes
// in, addresses come out. Not safe for concurrent use.
type schedule struct {
	entries map[netip.Addr]*announcement
	links   map[string]*linkQueue
}

// linkQueue is the addresses of a link, the next one due on top, and how many
// frames it may send now.
type linkQueue struct {
	heap   announcements
	tokens float64
	at     time.Time // when tokens were counted
}

type announcement struct {
	VIP
	plan     []time.Duration // rest of the plan, from start
	start    time.Time
	next     time.Time
	first    bool // not announced yet since it was claimed: not rate-bounded
	defended time.Time
	index    int // in the heap
}

// framesEach is the request and the reply form.
const framesEach = 2

func newSchedule() *schedule {
	return &schedule{entries: map[netip.Addr]*announcement{}, links: map[string]*linkQueue{}}
}

// claim starts the whole plan for an address on a link.
func (s *schedule) claim(v VIP, now time.Time) {
	s.drop(v.Addr)
	q := s.links[v.Link]
	if q == nil {
		q = &linkQueue{tokens: announceBurst, at: now}
		s.links[v.Link] = q
	}
	e := &announcement{VIP: v, plan: announceAt[:], start: now, next: now, first: true}
	s.entries[v.Addr] = e
	heap.Push(&q.heap, e)
}

func (s *schedule) drop(a netip.Addr) {
	e := s.entries[a]
	if e == nil {
		return
	}
	delete(s.entries, a)
	q := s.links[e.Link]
	heap.Remove(&q.heap, e.index)
	if len(q.heap) == 0 {
		delete(s.links, e.Link)
	}
}

// again announces every address on the link ("" for all links) anew.
func (s *schedule) again(link string, now time.Time) {
	for name, q := range s.links {
		if link != "" && link != name {
			continue
		}
		for _, e := range q.heap { // all alike, so it stays a heap
			e.plan, e.start, e.next = defendAt[:], now, now
		}
	}
}

// defend announces a contested address, at most every defendEvery.
func (s *schedule) defend(a netip.Addr, now time.Time) {
	e := s.entries[a]
	if e == nil || now.Sub(e.defended) < defendEvery {
		return
	}
	e.plan, e.start, e.next, e.defended = defendAt[:], now, now, now
	heap.Fix(&s.links[e.Link].heap, e.index)
}

// due takes out what is to be announced now, the longest overdue of each link
// first, and plans the next time of each.
func (s *schedule) due(now time.Time) []VIP {
	var out []VIP
	for _, q := range s.links {
		q.tokens = min(announceBurst, q.tokens+now.Sub(q.at).Seconds()*announceRate)
		q.at = now
		for {
			e := q.heap[0]
			if e.next.After(now) {
				break
			}
			if !e.first {
				if q.tokens < framesEach {
					break // stays due
				}
				q.tokens -= framesEach
			}
			e.first = false
			e.advance(now)
			heap.Fix(&q.heap, 0)
			out = append(out, e.VIP)
		}
	}
	return out
}

// advance plans the next time; what the rate bound made late is left out.
func (e *announcement) advance(now time.Time) {
	for len(e.plan) > 0 {
		if e.next = e.start.Add(e.plan[0]); e.next.After(now) {
			return
		}
		e.plan = e.plan[1:]
	}
	jitter := time.Duration((rand.Float64() - 0.5) * refreshJitter * float64(refreshEvery))
	e.next = now.Add(refreshEvery + jitter)
}

// wait is how long there is nothing to do; at most a second, at least the time
// for one more address when the rate bound holds some back.
func (s *schedule) wait(now time.Time) time.Duration {
	next := now.Add(time.Second)
	for _, q := range s.links {
		if e := q.heap[0]; e.next.Before(next) {
			next = e.next
		}
	}
	return max(next.Sub(now), framesEach*time.Second/announceRate)
}

// announcements is a heap by next.
type announcements []*announcement

func (h announcements) Len() int           { return len(h) }
func (h announcements) Less(i, j int) bool { return h[i].next.Before(h[j].next) }

func (h announcements) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *announcements) Push(x any) {
	e := x.(*announcement)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *announcements) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
