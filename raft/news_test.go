package raft

import (
	"errors"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"
)

func TestWhatAMemberKnowsIsNotSaidAgain(t *testing.T) {
	now := time.Now()
	args := func(term, prev, commit uint64, entries ...*hraft.Log) *hraft.AppendEntriesRequest {
		return &hraft.AppendEntriesRequest{Term: term, PrevLogEntry: prev, PrevLogTerm: 2, LeaderCommitIndex: commit, Entries: entries}
	}
	yes := func(term uint64) *hraft.AppendEntriesResponse {
		return &hraft.AppendEntriesResponse{Term: term, Success: true}
	}
	heartbeat := &hraft.AppendEntriesRequest{Term: 3}
	said := args(3, 7, 7)
	for _, c := range []struct {
		name  string
		then  func(n *news)
		again *hraft.AppendEntriesRequest
		after time.Duration
		known bool
	}{
		{"the same", nil, said, time.Millisecond, true},
		{"the same much later", nil, said, toldFor, false},
		{"more is committed", nil, args(3, 7, 8), 0, false},
		{"the log has grown", nil, args(3, 8, 7), 0, false},
		{"another term", nil, args(4, 7, 7), 0, false},
		{"an entry", nil, args(3, 7, 7, &hraft.Log{Index: 8}), 0, false},
		{"a heartbeat", nil, heartbeat, 0, false},
		{"after a heartbeat", func(n *news) { n.answered("a", heartbeat, yes(3), nil, now) }, said, 0, true},
		{"after a lost heartbeat", func(n *news) {
			n.answered("a", heartbeat, &hraft.AppendEntriesResponse{}, errors.New("connection reset"), now)
		}, said, 0, false},
		{"after an answer of a later term", func(n *news) { n.answered("a", heartbeat, &hraft.AppendEntriesResponse{Term: 4}, nil, now) }, said, 0, false},
		{"after an entry", func(n *news) { n.answered("a", args(3, 7, 7, &hraft.Log{Index: 8}), yes(3), nil, now) }, said, 0, false},
		{"after it was refused", func(n *news) { n.answered("a", said, &hraft.AppendEntriesResponse{Term: 3}, nil, now) }, said, 0, false},
	} {
		n := newNews()
		if n.known("a", said, now) {
			t.Errorf("%s: known before it was said", c.name)
		}
		n.answered("a", said, yes(3), nil, now)
		if c.then != nil {
			c.then(n)
		}
		if got := n.known("a", c.again, now.Add(c.after)); got != c.known {
			t.Errorf("%s: known %v, want %v", c.name, got, c.known)
		}
		if n.known("b", c.again, now) {
			t.Errorf("%s: another member knows it, too", c.name)
		}
	}
}
