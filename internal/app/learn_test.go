package app

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lbd/store/model"
)

// A process that starts learns from the active node alone, once, and forgets what it
// has learned when its own monitors have had the time to look.
func TestLearnFromTheActiveNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := map[model.MemberID]model.MemberHealth{"m": {Status: model.Failing}}
		row := func(node model.NodeID, role model.RoleName, age time.Duration, members map[model.MemberID]model.MemberHealth) model.Heard {
			return model.Heard{Report: model.Report{Node: node, Role: model.RoleReport{Role: role}, Members: members}, Age: age}
		}
		rows := []model.Heard{
			row("a", model.RoleActive, 0, down), // this node, which says what it knows
			row("b", model.RoleStandby, 0, down),
			row("c", model.RoleActive, time.Minute, down),
			row("d", model.RoleActive, 0, nil), // its small report came first
		}
		var seen atomic.Pointer[[]model.Heard]
		var taught atomic.Int64
		seen.Store(&rows)
		l := &learner{
			self: func() model.NodeID { return "a" }, rows: func() []model.Heard { return *seen.Load() },
			teach: func(context.Context) bool { taught.Add(1); return true },
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = l.run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		if _, ok := l.verdict("m"); ok || taught.Load() != 0 {
			t.Fatalf("learned from nobody, %d times", taught.Load())
		}
		later := append(rows[:3:3], row("d", model.RoleActive, 0, down))
		seen.Store(&later)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if v, ok := l.verdict("m"); !ok || v.Status != model.Failing || taught.Load() != 1 {
			t.Errorf("verdict %v %v, taught %d times", v, ok, taught.Load())
		}
		time.Sleep(learnWithin)
		synctest.Wait()
		if _, ok := l.verdict("m"); ok || taught.Load() != 1 {
			t.Errorf("what was learned is still believed, taught %d times", taught.Load())
		}
	})
}
