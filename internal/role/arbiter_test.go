package role

import (
	"testing"
	"time"
)

func TestSilentArbiterMovesLeadershipOnlyToAPeerThatCanServe(t *testing.T) {
	now := time.Now()
	in := Input{
		Leader: true, LeaseUntil: now.Add(time.Second), Now: now,
		DataPlaneReady: true, LinkUp: true, HolderUp: true, ArbiterDown: true,
	}
	if out := Decide(in); !out.Hold || out.HandOver || out.Ready {
		t.Errorf("alone: %+v", out)
	}
	in.PeerCanServe = true
	if out := Decide(in); out.Hold || !out.HandOver {
		t.Errorf("with a peer: %+v", out)
	}
}

func TestSpareIsNeverReadyToTakeOver(t *testing.T) {
	out := Decide(Input{Spare: true, DataPlaneReady: true, LinkUp: true, HolderUp: true, Now: time.Now()})
	if out.Ready || out.Hold {
		t.Errorf("%+v", out)
	}
}
