package raft

import (
	"testing"
	"time"

	"lbd/store/model"
)

// A leader that has been succeeded still has answers to its beats of before coming, as
// after a pause. They do not make it sure of what it knows: it waits for its successor.
func TestLateAnswersConfirmNoRead(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.timing = Timing{Detect: 200 * time.Millisecond, Lease: 120 * time.Millisecond} // before the library steps down
	old := c.first("a")
	next := c.join("b", model.DataNode, old)
	c.join("w", model.Witness, old)
	c.voters(3, false)
	if c.leader() != old {
		t.Fatal("the first node does not lead")
	}
	var answers, news []func()
	for _, from := range []string{"b", "w"} {
		answers, news = append(answers, c.wire.delay(from, "a", "a")), append(news, c.wire.delay(from, "a", from))
	}
	c.leader(next)
	mustWrite(t, next, "after")
	if !old.node.leads() {
		t.Log("a busy machine: the leader of before has given up by itself, and this shows nothing")
	}
	read := make(chan error, 1)
	go func() { read <- old.node.Read(ctxFor(t, patience)) }()
	time.Sleep(20 * time.Millisecond) // until the read waits for an answer, which nothing shows
	for _, goOn := range answers {
		goOn()
	}
	select {
	case err := <-read:
		if err == nil && !has(old, "after") {
			t.Error("the read shows less than what was written before it")
		}
		read <- err
	case <-time.After(100 * time.Millisecond): // as it should; nothing is wrong if it takes longer
	}
	for _, goOn := range news {
		goOn()
	}
	if err := <-read; err != nil {
		t.Errorf("a read of the leader of before, in the end: %v", err)
	}
	if !has(old, "after") {
		t.Error("the read shows less than what was written before it")
	}
}
