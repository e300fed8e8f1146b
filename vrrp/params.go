package vrrp

import "time"

const (
	// reportEvery is how often the child reports when nothing happens, a short lease
	// more often than that: see child.tell. The parent shows its role from it.
	reportEvery = 100 * time.Millisecond
	// upWithin is how old the newest report may be for the child to count as
	// up. Shorter would take a busy machine for a frozen child; longer delays
	// the hand-over from a frozen one, whose gate has closed by then anyway.
	upWithin = 500 * time.Millisecond
	// upTicks is the same in ticks of reportEvery, counted by the parent while it
	// runs itself: see silence.
	upTicks = 5
	// hungTicks of reportEvery, counted by the parent while it runs itself,
	// without any report: the child is killed and started again. Counting
	// instead of measuring keeps a parent that was paused from killing a
	// healthy child on waking.
	hungTicks = 20
	// restartMin and restartMax bound the pause before a dead child is started
	// again; it doubles unless the child lived for restartMax.
	restartMin = 50 * time.Millisecond
	restartMax = 5 * time.Second
	// startWithin bounds the time until a new child's first report: starting the
	// binary takes 50 ms, on a busy machine much more.
	startWithin = 10 * time.Second
	// exitWithin bounds the wait for the child to leave by itself.
	exitWithin = time.Second
	// writeWithin bounds one message to the child. A frozen child's socket
	// fills up after some dozens of orders; then the newest waits here.
	writeWithin = 100 * time.Millisecond

	// chunk is how many addresses are changed before the child looks whether a
	// newer order has come: about 2 ms, so that a renewal is never late.
	chunk = 64
	// resyncEvery is how often the child compares the kernel's addresses with
	// what it holds, for hands that change them behind its back.
	resyncEvery = time.Second

	// maxAbout is how many addresses a filter of ARP knows: two instructions for each
	// message and address.
	maxAbout = 256

	// maxProblems and maxForeign bound a report; the first ones are kept.
	maxProblems = 64
	maxForeign  = 64
	// foreignFor is how long a foreign claim is reported after it was last seen.
	foreignFor = 30 * time.Second
	// defendEvery is the least time between two defences of one address, so
	// that two machines that both defend do not flood the link (RFC 5227
	// section 2.4 (c) has 10 s for hosts; a VIP's clients cannot wait that long).
	defendEvery = time.Second

	// MaxVRRPPeers bounds the speakers that adverts are sent to one by one.
	MaxVRRPPeers = 16
	// maxRouters bounds a report: two families on every link with a gate.
	maxRouters = 2 * maxLinks

	// maxTethers is more than the voters a cluster may have.
	maxTethers = 16

	// latecomersLinger is how long latecomers are sent on after the new owner of the
	// last VIP was heard: the time of a few frames on a busy machine.
	latecomersLinger = 50 * time.Millisecond

	// announceRate bounds announcement frames per second and link after the
	// first round. 200 frames of 42 bytes are nothing for a link and still go
	// through 1,000 addresses in 10 s.
	announceRate = 200
	// announceBurst is how many frames may go at once within that rate: ten
	// addresses are told together.
	announceBurst = 20
	// refreshEvery is the period of announcements after the schedule, with
	// refreshJitter of it at random. It ends wrong cache entries that nothing
	// else noticed; common caches live for minutes to hours.
	refreshEvery  = 30 * time.Second
	refreshJitter = 0.2

	// watchBurst ARP frames are looked at per link and watchWindow: 10,000 a
	// second, far above what a healthy link has, at 2 % of a CPU.
	watchBurst  = 500
	watchWindow = 50 * time.Millisecond

	// maxLinks bounds the links that the gate is put on.
	maxLinks = 128

	// advertPriority is what an active lbd advertises: above any backup's
	// default and below 255, which is reserved for the address owner and is
	// always preempted to.
	advertPriority = 250
	// advertEvery is the advertisement interval, RFC 9568's default.
	advertEvery = 100 // centiseconds
	// listenFirst is how long a VRID is listened for before it is used: three
	// intervals of a common speaker and the longest skew, rounded.
	listenFirst = 3500 * time.Millisecond
	// vridTaken is how long a VRID counts as a foreign speaker's after his last
	// advert: three of the longest intervals there are.
	vridTaken = 3 * maxInterval * centisecond

	// arbiterEvery is the longest pause between two questions, see pauses, and
	// arbiterWithin for how long an answer is good: a lost question or two is no
	// verdict. Two nodes alone whose arbiter's entry is no lock (it answers no ping)
	// may go on for as long after both have lost every path to each other.
	arbiterEvery  = 30 * time.Millisecond
	arbiterWithin = 90 * time.Millisecond
	// patienceDefault is how long an arbiter may be silent before its leg is taken for
	// broken, and goneAfter how many questions it must have left unanswered by then.
	patienceDefault = 240 * time.Millisecond
	goneAfter       = 4
	// maxCaughtUp bounds the frames that are read at once before a question. Where more
	// are waiting, the socket may have had to drop the answer: its silence is not judged.
	maxCaughtUp = 256
	// probeTries and probeWait of a Prober: 2 questions, 8 ms apart, are
	// answered within 1 ms on any LAN that is not overloaded, and delay a claim
	// by 16 ms at most.
	probeTries = 2
	probeWait  = 8 * time.Millisecond
)

// announceAt is when a claimed address is announced, after the claim: early
// ones because clients wait, later ones because frames get lost and switches
// learn ports late after a link came up.
var announceAt = [...]time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second}

// defendAt is when a contested address is announced.
var defendAt = [...]time.Duration{0, 100 * time.Millisecond, time.Second}
