package vrrp

import (
	"testing"
	"time"
)

func TestChoiceOfVRID(t *testing.T) {
	now := time.Now()
	var v vrids
	if got := v.choose(51, now); got != 51 {
		t.Errorf("nobody else: %d", got)
	}
	v[51], v[52] = now, now.Add(-vridTaken/2)
	if got := v.choose(51, now); got != 53 {
		t.Errorf("two are taken: %d", got)
	}
	if got := v.choose(51, now.Add(vridTaken)); got != 51 {
		t.Errorf("long after: %d", got)
	}
	for i := range v {
		v[i] = now
	}
	if got := v.choose(51, now); got != 0 {
		t.Errorf("all are taken: %d", got)
	}
	v[50], v[0] = time.Time{}, time.Time{}
	if got := v.choose(51, now); got != 50 {
		t.Errorf("one is left, round the end: %d", got)
	}
}
