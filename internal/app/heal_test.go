package app

import (
	"testing"
	"time"

	"lbd/store/model"
)

func TestAPeerHeardAgainIsAHeal(t *testing.T) {
	var w heals
	look := func(ages map[model.NodeID]time.Duration) uint64 {
		var heard []model.Heard
		for id, age := range ages {
			heard = append(heard, model.Heard{Report: model.Report{Node: id}, Age: age})
		}
		return w.look("me", heard)
	}
	for i, step := range []struct {
		ages map[model.NodeID]time.Duration
		want uint64
	}{
		{nil, 0},
		{map[model.NodeID]time.Duration{"me": time.Hour, "a": 0}, 0}, // new, not silent
		{map[model.NodeID]time.Duration{"me": 0, "a": healedAfter - 1}, 0},
		{map[model.NodeID]time.Duration{"a": healedAfter, "b": 0}, 0},
		{map[model.NodeID]time.Duration{"a": 2 * healedAfter, "b": healedAfter}, 0},
		{map[model.NodeID]time.Duration{"a": 0, "b": 2 * healedAfter}, 1},
		{map[model.NodeID]time.Duration{"a": 0, "b": 0}, 2},
		{map[model.NodeID]time.Duration{"a": 0, "b": 0}, 2},
	} {
		if got := look(step.ages); got != step.want {
			t.Errorf("step %d: %d heals, want %d", i, got, step.want)
		}
	}
}
