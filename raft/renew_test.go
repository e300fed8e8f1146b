package raft

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"lbd/internal/peerca"
)

// A node replaces its certificate when a third of its life is left, without
// asking anybody and without a restart.
func TestCertificateIsRenewedInTime(t *testing.T) {
	c := newCluster(t)
	n := c.first("a").node
	old := n.mux.creds.Load().cert.Leaf
	due := old.NotAfter.Add(-peerca.RenewBefore)
	renew := func(now time.Time) {
		t.Helper()
		if err := n.renewNow(now); err != nil {
			t.Fatal(err)
		}
	}
	renew(due.Add(-time.Second))
	if got := n.mux.creds.Load().cert.Leaf; !got.Equal(old) || testutil.ToFloat64(n.metrics.renewed) != 0 {
		t.Errorf("renewed too early: until %s", got.NotAfter)
	}
	if left := n.certificateLeft(due); left != peerca.RenewBefore {
		t.Errorf("left %s", left)
	}
	renew(due)
	fresh := n.mux.creds.Load().cert.Leaf
	if fresh.Equal(old) || !fresh.NotAfter.Equal(due.Add(peerca.NodeLife).Truncate(time.Second)) || testutil.ToFloat64(n.metrics.renewed) != 1 {
		t.Errorf("not renewed: until %s, counted %v", fresh.NotAfter, testutil.ToFloat64(n.metrics.renewed))
	}
	renew(due.Add(time.Hour))
	if got := n.mux.creds.Load().cert.Leaf; !got.Equal(fresh) {
		t.Error("renewed twice")
	}
	saved, err := n.local.load()
	if err != nil || string(saved.Cert) != string(n.identity().Cert) {
		t.Errorf("what is in use is not what is kept: %v", err)
	}
}
