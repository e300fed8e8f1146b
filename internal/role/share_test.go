package role

import (
	"fmt"
	"testing"
	"time"
)

func TestShare(t *testing.T) {
	now := time.Now()
	able := Input{DataPlaneReady: true, LinkUp: true, HolderUp: true, Now: now, LeaseUntil: now.Add(time.Second)}
	with := func(change func(*Input)) Input { in := able; change(&in); return in }
	for _, tc := range []struct {
		in   Input
		gets bool
		want string
	}{
		{able, true, "active: spread: holds a share, hold true, ready true"},
		{able, false, "standby: spread: has no load balancer, hold true, ready true"},
		{with(func(i *Input) { i.LeaseUntil = now }), true, "standby: no lease for a share: no quorum answers, hold false, ready true"},
		{with(func(i *Input) { i.LeaseUntil, i.LinkUp = now, false }), true, "standby: link down, hold false, ready false"},
		{with(func(i *Input) { i.Stopping = true }), true, "standby: stopping, hold false, ready false"},
		{with(func(i *Input) { i.HolderUp = false }), true, "standby: VIP holder not running, hold false, ready false"},
		{with(func(i *Input) { i.DataPlaneReady = false }), true, "active: spread: holds a share, but data plane not ready, hold true, ready false"},
		{with(func(i *Input) { i.Leader, i.Releasing, i.PeerCanServe = true, true, true }), true, "active: spread: holds a share, hold true, ready true"},
	} {
		out := Share(tc.in, tc.gets)
		if got := fmt.Sprintf("%s: %s, hold %v, ready %v", out.Role, out.Why, out.Hold, out.Ready); got != tc.want || out.HandOver {
			t.Errorf("got %q, hand over %v; want %q", got, out.HandOver, tc.want)
		}
		if out.Hold != out.Deadline.Equal(tc.in.LeaseUntil) {
			t.Errorf("held until %s by a lease until %s", out.Deadline, tc.in.LeaseUntil)
		}
	}
}
