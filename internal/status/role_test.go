package status

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSilentNodeHasNoRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New()
		b.Put(model.Report{Node: "a", Epoch: 1, Role: model.RoleReport{Role: model.RoleActive}})
		for _, c := range []struct {
			after time.Duration
			want  model.RoleName
		}{{0, model.RoleActive}, {300 * time.Millisecond, model.RoleActive}, {time.Millisecond, model.RoleUnknown}} {
			time.Sleep(c.after)
			if h, _ := b.Get("a"); Role(h, 300*time.Millisecond) != c.want {
				t.Errorf("age %v: %v, want %v", h.Age, Role(h, 300*time.Millisecond), c.want)
			}
		}
	})
}

// A node that comes back with its clock set back is heard once its old row is
// surely dead, and not before: until then the smaller epoch may be a late push.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New()
		b.Put(model.Report{Node: "a", Epoch: 100, Seq: 7})
		time.Sleep(restartAfter)
		if b.Put(model.Report{Node: "a", Epoch: 50, Seq: 1}) {
			t.Error("a late push replaced a newer row")
		}
		time.Sleep(time.Millisecond)
		if !b.Put(model.Report{Node: "a", Epoch: 50, Seq: 2}) {
			t.Error("the restarted node is not heard")
		}
		if !b.Put(model.Report{Node: "a", Epoch: 50, Seq: 3}) || b.Put(model.Report{Node: "a", Epoch: 50, Seq: 3}) {
			t.Error("newest does not win after the restart")
		}
	})
}

func TestChangedIsOneSignal(t *testing.T) {
	b := New()
	b.Put(model.Report{Node: "a", Epoch: 1, Seq: 1})
	b.Put(model.Report{Node: "a", Epoch: 1, Seq: 2})
	<-b.Changed()
	select {
	case <-b.Changed():
		t.Error("signalled twice")
	default:
	}
	b.Put(model.Report{Node: "a", Epoch: 1, Seq: 2}) // nothing new
	select {
	case <-b.Changed():
		t.Error("signalled for an old report")
	default:
	}
}
