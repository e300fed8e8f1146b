package raft

import (
	"slices"

	hraft "github.com/hashicorp/raft"

	"lbd/store/model"
)

// changeOp is one step of the Raft configuration.
type changeOp int

const (
	noChange changeOp = iota
	addVoter
	addNonvoter
	demote
	removeServer
)

func (o changeOp) String() string {
	return [...]string{"none", "add voter", "add non-voter", "demote", "remove"}[o]
}

type change struct {
	op   changeOp
	id   hraft.ServerID
	addr hraft.ServerAddress
}

// wantedVoters are the nodes that should vote, oldest first: data nodes, then
// witnesses, five at most and then with room for one witness. Spares do not vote.
func wantedVoters(nodes []*model.Node) []*model.Node {
	var data, witness []*model.Node
	for _, n := range nodes {
		switch n.Kind {
		case model.DataNode:
			data = append(data, n)
		case model.Witness:
			witness = append(witness, n)
		}
	}
	slices.SortFunc(data, olderNode)
	slices.SortFunc(witness, olderNode)
	room := maxVoters
	if len(witness) > 0 {
		room--
	}
	voters := slices.Clone(data[:min(room, len(data))])
	return append(voters, witness[:min(maxVoters-len(voters), len(witness))]...)
}

// olderNode compares by the time of joining.
func olderNode(a, b *model.Node) int {
	if c := a.Joined.Compare(b.Joined); c != 0 {
		return c
	}
	return compareIDs(a.ID, b.ID)
}

func compareIDs(a, b model.NodeID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// plan is the next step from the configuration to what the nodes in the store
// ask for; caughtUp tells whether a non-voter has the log. One step at a time:
// the quorums of neighbouring configurations then always share a voter.
//
//	1 data node                        itself
//	2 data nodes and nobody else       both and the arbiter seat
//	a third data node, or a witness    no seat
//
// The seat serves exactly two data voters, so it leaves just before a third voter
// comes, and comes after one has left.
func plan(nodes []*model.Node, servers []hraft.Server, self hraft.ServerID, caughtUp func(hraft.ServerID) bool) change {
	known := make(map[hraft.ServerID]*model.Node, len(nodes))
	for _, n := range nodes {
		known[hraftID(n.ID)] = n
	}
	have := make(map[hraft.ServerID]hraft.Server, len(servers))
	for _, s := range servers {
		have[s.ID] = s
	}
	_, seated := have[seatID]
	wanted := make(map[hraft.ServerID]bool)
	// serving are the voters there are once the next promotion is done.
	data, others := 0, 0
	var promote []hraft.ServerID
	for _, n := range wantedVoters(nodes) {
		id := hraftID(n.ID)
		wanted[id] = true
		s, ok := have[id]
		switch {
		case ok && s.Suffrage == hraft.Voter:
		case ok && caughtUp(id):
			promote = append(promote, id)
		default:
			continue
		}
		if n.Kind == model.DataNode {
			data++
		} else {
			others++
		}
	}
	wantSeat := data == 2 && others == 0

	var strangers []hraft.Server
	for _, s := range servers {
		if s.ID != seatID && known[s.ID] == nil && s.ID != self {
			strangers = append(strangers, s)
		}
	}
	if seated && !wantSeat {
		return change{removeServer, seatID, ""}
	}
	for _, s := range strangers {
		return change{removeServer, s.ID, ""}
	}
	for _, s := range servers {
		n := known[s.ID]
		if n == nil || hraft.ServerAddress(n.Cluster) == s.Address {
			continue
		}
		if s.Suffrage == hraft.Voter {
			return change{addVoter, s.ID, hraft.ServerAddress(n.Cluster)}
		}
		return change{addNonvoter, s.ID, hraft.ServerAddress(n.Cluster)}
	}
	for _, n := range nodes {
		if _, ok := have[hraftID(n.ID)]; !ok {
			return change{addNonvoter, hraftID(n.ID), hraft.ServerAddress(n.Cluster)}
		}
	}
	for _, s := range servers {
		if s.Suffrage == hraft.Voter && s.ID != seatID && s.ID != self && !wanted[s.ID] {
			return change{demote, s.ID, ""}
		}
	}
	for _, id := range promote {
		return change{addVoter, id, have[id].Address}
	}
	if wantSeat && !seated {
		return change{addVoter, seatID, seatAddress}
	}
	return change{}
}
