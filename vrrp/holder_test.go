package vrrp

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lease = 150 * time.Millisecond
	renew = 25 * time.Millisecond
	// tolerance for what is measured from outside, on a busy machine: the frame
	// left in time and was read late.
	tolerance = 10 * time.Millisecond
)

// eachFamily runs a test with a VIP of IPv4 and one of IPv6.
func eachFamily(t *testing.T, f func(*testing.T, VIP)) {
	t.Run("IPv4", func(t *testing.T) { f(t, vipOf("10.77.0.10")) })
	t.Run("IPv6", func(t *testing.T) { f(t, vipOf("fd77::a:0:10")) })
}

func TestClaimIsAnsweredAnnouncedAndServed(t *testing.T) { eachFamily(t, testClaim) }

func testClaim(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	w := client.watch(200*time.Microsecond, vip.Addr)
	asked := p.hold(1, lease, renew, vip).At
	first := w.await("an answer", answered)
	if first.mac != node.mac {
		t.Errorf("answered by %s, want %s", first.mac, node.mac)
	}
	t.Logf("claim: first answer after %v", time.Duration(first.at-asked))
	if vip.Addr.Is4() {
		w.await("announcement, request form", func(c claim) bool { return c.gratu && !c.reply })
	}
	w.await("announcement, reply form", func(c claim) bool { return c.gratu && c.reply })
	// On a busy machine the lease may lapse for a moment, and a packet get lost.
	var got string
	var err error
	eventually(t, "served", func() bool { got, err = client.get(vip.Addr); return got == "hello" }, func() string { return fmt.Sprint(got, err) })
	r := p.untilHolding(vip)
	if r.Term != 1 || r.Since.IsZero() || len(r.Problems) > 0 || len(r.Foreign) > 0 {
		t.Errorf("report %+v", r)
	}
}

func TestNothingAfterTheDeadline(t *testing.T) { eachFamily(t, testAfterDeadline) }

func testAfterDeadline(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	w := client.watch(200*time.Microsecond, vip.Addr)
	deadline := p.hold(1, lease, 0, vip).At + int64(lease)
	w.await("an answer", answered)
	w.quiet(2 * lease)
	late := lastAfter(w.stop(), node.mac, deadline)
	t.Logf("last answer %v after the deadline", late)
	if late > tolerance {
		t.Errorf("answered until %v after the deadline", late)
	}
	p.until("released", func(r Report) bool { return len(r.Holding) == 0 && r.Deadline == 0 })
}

func TestReleaseIsConfirmedWhenNothingAnswers(t *testing.T) { eachFamily(t, testRelease) }

func testRelease(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	w := client.watch(200*time.Microsecond, vip.Addr)
	p.hold(1, lease, renew, vip)
	w.await("an answer", answered)
	start := Monotonic()
	r := p.tell(command{Do: "release"}).Report
	confirmed := Monotonic()
	t.Logf("release confirmed after %v", time.Duration(confirmed-start))
	if len(r.Holding) > 0 {
		t.Errorf("report after the release: %+v", r)
	}
	w.quiet(lease)
	if late := lastAfter(w.stop(), node.mac, confirmed); late > tolerance/2 {
		t.Errorf("answered until %v after the release was confirmed", late)
	}
}

// A frozen holder cannot renew: the kernel closes the gate. When somebody kills
// it then, the address must go before the gate does.
func TestFrozenHolderIsSilentAfterItsDeadlineEvenWhenKilled(t *testing.T) {
	eachFamily(t, testFrozen)
}

func testFrozen(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	for range 5 {
		p := node.parent()
		w := client.watch(50*time.Microsecond, vip.Addr)
		p.hold(1, lease, renew, vip)
		w.await("an answer", answered)
		p.signalHolder(unix.SIGSTOP)
		frozen := Monotonic()
		w.quiet(2 * lease)
		late := lastAfter(w.now(), node.mac, frozen)
		t.Logf("frozen: last answer %v later, lease %v", late, lease)
		if late > lease+tolerance {
			t.Errorf("answered for %v after it was frozen", late)
		}
		p.tell(command{Do: "order"}) // or the next child would claim
		before := len(w.now())
		p.signalHolder(unix.SIGKILL)
		w.quiet(50 * time.Millisecond)
		if seen := w.stop(); len(seen) > before {
			t.Errorf("%d answers while it died", len(seen)-before)
		}
		p.end()
	}
}

// The same with many addresses, whose removal takes the kernel a while.
func TestDyingHolderWithManyAddresses(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host(1), n.host(2)
	vips := manyVIPs(1000)
	p := node.parent()
	w := client.watch(50*time.Microsecond, vips[0].Addr, vips[500].Addr, vips[999].Addr)
	p.hold(1, lease, renew, vips...)
	p.untilHolding(vips...)
	p.signalHolder(unix.SIGSTOP)
	w.quiet(2 * lease)
	p.tell(command{Do: "order"})
	before := len(w.now())
	p.signalHolder(unix.SIGKILL)
	w.quiet(100 * time.Millisecond)
	if seen := w.stop(); len(seen) > before {
		t.Errorf("%d answers while it died", len(seen)-before)
	}
}

func TestKilledHolderIsSilentAndReplaced(t *testing.T) { eachFamily(t, testKilled) }

func testKilled(t *testing.T, vip VIP) {
	n := newNetwork(t)
	node, client := n.host6(1), n.host6(2)
	p := node.parent()
	w := client.watch(100*time.Microsecond, vip.Addr)
	p.hold(1, lease, renew, vip)
	w.await("an answer", answered)
	old := p.report().PID
	before := Monotonic()
	p.signalHolder(unix.SIGKILL)
	r := p.until("another holder holds", func(r Report) bool { return r.PID != old && len(r.Holding) == 1 })
	back := w.await("it answers again", func(c claim) bool { return answered(c) && c.at > before+int64(20*time.Millisecond) })
	t.Logf("holder %d killed; %d answers after %v", old, r.PID, time.Duration(back.at-before))

	// For good: nobody gives orders any more.
	p.tell(command{Do: "order"})
	p.hold(2, time.Minute, 0, vip)
	w.await("it answers", func(c claim) bool { return answered(c) && c.at > back.at })
	p.untilHolding(vip)
	p.tell(command{Do: "report"})
	killed := Monotonic()
	p.signalHolder(unix.SIGKILL)
	p.kill()
	w.quiet(lease)
	late := lastAfter(w.stop(), node.mac, killed)
	t.Logf("killed: last answer %v later", late)
	if late > 5*tolerance {
		t.Errorf("answered for %v after it was killed", late)
	}
}

func TestHolderDiesWithItsParent(t *testing.T) {
	n := newNetwork(t)
	node, client := n.host(1), n.host(2)
	p, vip := node.parent(), vipOf("10.77.0.10")
	w := client.watch(100*time.Microsecond, vip.Addr)
	p.hold(1, time.Minute, 0, vip)
	w.await("an answer", answered)
	child := p.report().PID
	killed := Monotonic()
	p.kill()
	w.quiet(lease)
	late := lastAfter(w.stop(), node.mac, killed)
	t.Logf("parent killed: last answer %v later", late)
	if late > 5*tolerance {
		t.Errorf("answered for %v after the parent was killed", late)
	}
	eventually(t, "the child is gone", func() bool { return !alive(child) }, func() string { return "" })
}

// A frozen child does not see its parent go; it is killed all the same.
func TestFrozenHolderDiesWithItsParent(t *testing.T) {
	n := newNetwork(t)
	p := n.host(1).parent()
	child := p.report().PID
	p.signalHolder(unix.SIGSTOP)
	p.kill()
	eventually(t, "the child is gone", func() bool { return !alive(child) }, func() string { return "" })
}

// What is held is reported without a gap, however short the lease is: the parent
// believes a report only until the deadline in it.
func TestARenewedLeaseIsShownAllTheTime(t *testing.T) {
	p, vip := newNetwork(t).host(1).parent(), vipOf("10.77.0.10")
	const short = reportEvery + 10*time.Millisecond
	p.hold(7, short, short/5, vip)
	before := p.untilHolding(vip)
	for looks, gap := 0, false; looks < 500; looks++ {
		switch r := p.report(); {
		case len(r.Holding) == 0:
			gap = true
		case !r.Since.Equal(before.Since): // it did lapse: a busy machine
			before, gap = r, false
		case gap:
			t.Fatalf("look %d: nothing was shown as held, though it was held since %v without an end", looks, r.Since)
		}
		time.Sleep(time.Millisecond) // between two looks
	}
}

// Another process goes on with the child: the addresses stay on, its orders count,
// and the child's life hangs on it.
func TestAChildIsHandedOn(t *testing.T) {
	n := newNetwork(t)
	p, vip := n.host(1).parent(), vipOf("10.77.0.10")
	p.hold(7, lease, renew, vip)
	before := p.untilHolding(vip)
	for term := uint64(8); term < 10; term++ { // a second time with a child that is adopted already
		p.tell(command{Do: "succeed", Term: term, Hold: lease, Renew: renew, VIPs: []VIP{vip}})
		r := p.until("orders of the new parent", func(r Report) bool { return r.Term == term })
		if len(r.Holding) != 1 || r.PID != before.PID || !r.Since.Equal(before.Since) {
			t.Errorf("after the hand-over: %+v, before: %+v", r, before)
		}
	}
	p.tell(command{Do: "release"})
	p.until("released", func(r Report) bool { return len(r.Holding) == 0 })
	p.signalHolder(unix.SIGSTOP)
	p.kill()
	eventually(t, "the child is gone", func() bool { return !alive(before.PID) }, func() string { return "" })
}

func TestHungHolderIsReplaced(t *testing.T) {
	n := newNetwork(t)
	p := n.host(1).parent()
	old := p.report().PID
	p.signalHolder(unix.SIGSTOP)
	p.until("another holder", func(r Report) bool { return r.PID != 0 && r.PID != old })
}

func TestOlderTermIsIgnored(t *testing.T) {
	n := newNetwork(t)
	p, vip := n.host(1).parent(), vipOf("10.77.0.10")
	p.hold(7, lease, renew, vip)
	p.untilHolding(vip)
	p.tell(command{Do: "order", Raw: Order{Term: 6, VIPs: []VIP{vip}}, Within: time.Minute})
	r := p.until("the lease of term 7 ran out", func(r Report) bool { return len(r.Holding) == 0 })
	if r.Term != 7 {
		t.Errorf("term %d", r.Term)
	}
	p.hold(8, lease, renew, vip)
	p.untilHolding(vip)
}
