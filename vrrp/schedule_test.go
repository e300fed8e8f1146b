package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// run plays the schedule from start for d and calls each for every address that
// is announced, with the time since start.
func (s *schedule) run(start time.Time, from, d time.Duration, each func(VIP, time.Duration)) {
	for at := from; at <= d; {
		now := start.Add(at)
		for _, v := range s.due(now) {
			each(v, at)
		}
		at += s.wait(now)
	}
}

func TestAnnouncementTimes(t *testing.T) {
	s, start := newSchedule(), time.Now()
	a := netip.MustParseAddr("10.0.0.1")
	s.claim(VIP{a, "eth0"}, start)
	var got []time.Duration
	s.run(start, 0, 29*time.Second, func(_ VIP, at time.Duration) { got = append(got, at) })
	if d := cmp.Diff(announceAt[:], got); d != "" {
		t.Error(d)
	}
	var again []time.Duration
	s.run(start, 29*time.Second, 150*time.Second, func(_ VIP, at time.Duration) { again = append(again, at) })
	last := 10 * time.Second
	for _, at := range again {
		if gap := at - last; gap < 27*time.Second || gap > 33*time.Second {
			t.Errorf("refreshed after %v", gap)
		}
		last = at
	}
	if len(again) < 4 {
		t.Errorf("%d refreshes in two minutes", len(again))
	}
	s.drop(a)
	s.run(start, 150*time.Second, 300*time.Second, func(v VIP, _ time.Duration) { t.Errorf("%v announced after it was dropped", v) })
}

func TestAnnouncementsAreBoundedAfterTheFirstRound(t *testing.T) {
	const n = 1000
	s, start := newSchedule(), time.Now()
	for _, v := range manyVIPs(n) {
		s.claim(v, start)
	}
	first := 0
	perSecond := map[int]int{}
	times := map[netip.Addr]int{}
	s.run(start, 0, 60*time.Second, func(v VIP, at time.Duration) {
		if at == 0 {
			first++
			return
		}
		perSecond[int(at/time.Second)] += framesEach
		times[v.Addr]++
	})
	if first != n {
		t.Errorf("%d in the first round", first)
	}
	for sec, frames := range perSecond {
		if frames > announceRate+announceBurst {
			t.Errorf("%d frames in second %d", frames, sec)
		}
	}
	for _, v := range manyVIPs(n) { // fair: everybody comes in turn
		if times[v.Addr] < 3 {
			t.Errorf("%s was announced %d times in a minute", v.Addr, times[v.Addr])
		}
	}
}

func TestDefenceIsBounded(t *testing.T) {
	s, start := newSchedule(), time.Now()
	a := netip.MustParseAddr("10.0.0.1")
	s.claim(VIP{a, "eth0"}, start)
	s.run(start, 0, 20*time.Second, func(VIP, time.Duration) {})
	announced := 0
	for i := range 100 { // contested every 10 ms for a second
		at := 20*time.Second + time.Duration(i)*10*time.Millisecond
		s.defend(a, start.Add(at))
		announced += len(s.due(start.Add(at)))
	}
	if announced != 2 { // at once and after 100 ms; the third comes at a second
		t.Errorf("announced %d times", announced)
	}
	s.defend(netip.MustParseAddr("10.0.0.9"), start) // nobody's
	s.again("eth1", start.Add(22*time.Second))       // another link
	if got := s.due(start.Add(22 * time.Second)); len(got) != 1 {
		t.Errorf("third defence: %v", got)
	}
	s.again("eth0", start.Add(23*time.Second))
	if got := s.due(start.Add(23 * time.Second)); len(got) != 1 {
		t.Errorf("asked to announce again: %v", got)
	}
}
