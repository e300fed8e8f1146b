package role

import (
	"fmt"
	"testing"
	"time"
)

// TestDecideHoldsItsRules checks the rules over every combination of inputs.
func TestDecideHoldsItsRules(t *testing.T) {
	now := time.Now()
	leases := map[string]time.Time{"none": {}, "over": now.Add(-time.Millisecond), "just over": now, "good": now.Add(time.Millisecond)}
	cases := 0
	for bits := range 1 << 9 {
		bit := func(i int) bool { return bits>>i&1 == 1 }
		for name, lease := range leases {
			in := Input{
				Witness: bit(0), Leader: bit(1), DataPlaneReady: bit(2), LinkUp: bit(3), HolderUp: bit(4),
				Stopping: bit(5), Releasing: bit(6), PeerCanServe: bit(7), Spare: bit(8),
				Term: 7, LeaseUntil: lease, Now: now,
			}
			out := Decide(in)
			cases++
			check := func(ok bool, rule string) {
				if !ok {
					t.Fatalf("%s: in %+v (lease %s), out %+v", rule, in, name, out)
				}
			}
			check(!out.Hold || in.Leader && lease.After(now), "only a leader with a lease holds")
			check(!out.Hold || out.Deadline.Equal(lease), "never longer than the lease")
			check(!out.Hold || !in.Witness && !in.Stopping && !in.Releasing, "witness, leaving and releasing nodes hold nothing")
			check(!out.Hold || in.LinkUp && in.HolderUp, "nothing is held without a link and a holder")
			check(!(out.Hold && out.HandOver), "released before handed over")
			check(!out.HandOver || in.Leader, "only a leader has something to hand over")
			check((out.Role == Active) == out.Hold, "active is who holds")
			check((out.Role == Witness) == in.Witness, "a witness is a witness")
			check(out.Why != "", "there is a reason")
			usable := in.Leader && lease.After(now) && !in.Witness && !in.Stopping && !in.Releasing && in.LinkUp && in.HolderUp
			check(!usable || in.DataPlaneReady || in.PeerCanServe || out.Hold, "a leader whom nobody can relieve holds on")
			check(!usable || !in.DataPlaneReady || out.Hold, "a leader that can serve does")
			broken := in.Leader && lease.After(now) && !in.Witness && in.PeerCanServe && !(in.LinkUp && in.HolderUp && in.DataPlaneReady)
			check(!broken || out.HandOver, "a leader that can't serve hands over to one that can")
		}
	}
	if cases != 512*len(leases) {
		t.Fatalf("%d cases", cases)
	}
}

func TestWhy(t *testing.T) {
	now := time.Now()
	able := Input{DataPlaneReady: true, LinkUp: true, HolderUp: true, Now: now}
	leader := able
	leader.Leader, leader.LeaseUntil = true, now.Add(time.Second)
	with := func(in Input, change func(*Input)) Input { change(&in); return in }
	for _, tc := range []struct {
		in   Input
		want string
	}{
		{able, "standby: not the leader, ready true"},
		{with(able, func(i *Input) { i.DataPlaneReady = false }), "standby: data plane not ready, ready false"},
		{leader, "active: leader with a lease, ready true"},
		{with(leader, func(i *Input) { i.LeaseUntil = now }), "standby: the lease has run out: no quorum answers, ready true"},
		{with(leader, func(i *Input) { i.DataPlaneReady = false }), "active: leader with a lease, but data plane not ready, ready false"},
		{with(leader, func(i *Input) { i.Stopping = true }), "standby: stopping, ready false"},
		{with(leader, func(i *Input) { i.Releasing = true }), "standby: switchover, ready true"},
		{with(able, func(i *Input) { i.Witness = true }), "witness: witness, ready true"},
	} {
		out := Decide(tc.in)
		if got := fmt.Sprintf("%s: %s, ready %v", out.Role, out.Why, out.Ready); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
