package raft

import (
	"testing"

	hraft "github.com/hashicorp/raft"
)

// Who waits for whom when a leader is silent: for data nodes alone, and not for the
// silent one.
func TestCandidatesAreStaggered(t *testing.T) {
	for _, c := range []struct {
		voters     []hraft.ServerID
		id, silent hraft.ServerID
		want       int
	}{
		{[]hraft.ServerID{"a", "b", "w"}, "b", "a", 0},
		{[]hraft.ServerID{"a", "w", "x"}, "x", "a", 0},
		{[]hraft.ServerID{"a", "w", "x"}, "x", "", 1},
		{[]hraft.ServerID{"c", "b", "a"}, "c", "b", 1},
		{[]hraft.ServerID{"c", "b", "a"}, "c", "", 2},
		{[]hraft.ServerID{seatID, "x"}, "x", "", 0},
	} {
		may := func(id hraft.ServerID) bool { return id != c.silent && id != "w" }
		if got := rankAmong(c.voters, c.id, may); got != c.want {
			t.Errorf("of %v, %s waits for %d when %q is silent, want %d", c.voters, c.id, got, c.silent, c.want)
		}
	}
}
