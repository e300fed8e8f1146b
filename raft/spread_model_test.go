package raft

import (
	"math/rand/v2"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"

	"lbd/store/model"
)

// A world of three voters that share one clock but nothing else: messages are late,
// lost and overtake each other; logs are complete on a quorum only and applied late;
// processes freeze with their VIP holder going on, holders die, whole nodes crash,
// and tables change all the while. Elections are Raft's (term, log, one vote a term),
// behind the real fence. After each step no load balancer may be held twice.
type spreadWorld struct {
	t     *testing.T
	r     *rand.Rand
	now   time.Time
	nodes []*spreadNode
	// table is what was committed, oldest version first; version is index+1.
	table    []spreadEntry
	late     []lateMessage
	counts   map[string]int
	breakage string // what is broken on purpose
	calm     bool   // messages arrive at once
	strict   bool   // nobody is lazy, and every vote is given
	gentle   bool   // little is lost, nobody crashes, and nodes restart in place often
}

type spreadEntry struct {
	on     bool
	places map[string]model.SpreadPlace
}

type lateMessage struct {
	at time.Time
	fn func()
}

type spreadNode struct {
	w       *spreadWorld
	id      hraft.ServerID
	fence   *fence
	voter   *spreadVoter
	lease   *spreadLease
	term    uint64
	voted   uint64 // the newest term it voted in
	leads   bool
	log     int // entries of the table in its log
	applied int
	startAt int // entries in its log when it started
	after   int // as leader: nothing before so many are applied
	frozen  time.Time
	mute    time.Time // its questions are lost until then; its beats are not
	boot    int
	least   int      // of the table, to have any rights
	fresh   bool     // its process has not decided yet
	old     *oldSelf // a process before it that keeps the share

	// What its VIP holder does, whatever becomes of the process.
	holder   uint64
	held     map[string]bool
	deadline time.Time
	all      bool // by the leader's own lease
}

// oldSelf is a process that has no Raft any more and earns the lease for a share, which
// the VIP holder holds by its orders still.
type oldSelf struct {
	lease   *spreadLease
	applied int
	until   time.Time // then it gives up, and the holder ends
}

var (
	spreadTiming = Timing{Detect: 250 * time.Millisecond, Lease: 200 * time.Millisecond, Beat: 25 * time.Millisecond}
	spreadLBs    = []string{"x", "y", "z"}
	spreadVoters = []hraft.ServerID{"a", "b", "c"}
)

func newSpreadWorld(t *testing.T, seed uint64) *spreadWorld {
	w := &spreadWorld{t: t, r: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1000, 0), counts: map[string]int{}}
	for _, id := range spreadVoters {
		n := &spreadNode{w: w, id: id}
		n.start()
		w.nodes = append(w.nodes, n)
	}
	return w
}

func (n *spreadNode) start() {
	n.boot++
	n.newHolder()
	n.fence, n.voter, n.lease = newFence(spreadTiming, n.w.now), newSpreadVoter(n.w.now), newSpreadLease(n.holder)
	n.fence.setHolder(n.holder)
	n.leads, n.applied, n.startAt, n.after, n.frozen = false, 0, n.log, 0, time.Time{}
	n.least, n.old, n.fresh = 0, nil, false
}

// restart in place: another process takes over, which knows the version of the table
// that this one has obeyed, and perhaps only an older table.
func (n *spreadNode) restart() {
	t, _ := n.current()
	obeyed := n.lease.asks(0).Obeyed
	if n.leads || n.old != nil || !t.On || obeyed < t.Version || !n.w.now.Before(n.deadline) || len(n.held) == 0 || n.all {
		return
	}
	from := 0
	for _, v := range spreadVoters {
		if v != n.id && n.w.now.Before(n.lease.acks[v].until) {
			from++
		}
	}
	if from < 2 {
		return
	}
	n.old = &oldSelf{n.lease, n.applied, n.w.now.Add(time.Duration(n.w.r.IntN(1500)) * time.Millisecond)}
	n.boot++
	n.fence, n.voter, n.lease = newFence(spreadTiming, n.w.now), newSpreadVoter(n.w.now), newSpreadLease(n.holder)
	n.fence.setHolder(n.holder)
	n.lease.obey(obeyed)
	n.startAt, n.after, n.least, n.fresh = n.log, 0, int(obeyed), true
	n.applied = max(0, n.applied-n.w.r.IntN(3))
	n.w.counts["restarts"]++
}

// succeed is the end of that: the new process goes on with the holder, or it ends.
func (n *spreadNode) succeed() {
	t, _ := n.current()
	r := n.rights()
	knows := n.applied >= n.least || n.w.breakage == "least"
	switch {
	case n.old == nil:
	case !n.w.now.Before(n.old.until):
		dead := owed{n.id, n.holder}
		n.newHolder()
		n.lease.setHolder(n.holder)
		n.fence.setHolder(n.holder)
		n.old, n.fresh = nil, false
		n.w.tell(n, dead)
	case knows && (!t.On || n.w.now.Before(r.Until)):
		n.old = nil
		n.w.counts["succeeded"]++
	}
}

// newHolder ends the holder and starts another, of which nobody is told.
func (n *spreadNode) newHolder() {
	n.holder = n.w.r.Uint64()>>1 + 1
	n.held, n.deadline, n.all = nil, time.Time{}, false
	n.old = nil
}

func (n *spreadNode) current() (model.Spread, map[string]model.SpreadPlace) {
	if n.applied == 0 {
		return model.Spread{}, nil
	}
	e := n.w.table[n.applied-1]
	return model.Spread{Version: uint64(n.applied), On: e.on}, e.places
}

func (n *spreadNode) rights() Rights {
	if n.applied < n.least && n.w.breakage != "least" {
		return Rights{Holder: n.holder}
	}
	var lead time.Time
	if n.leads && n.applied >= n.after {
		lead, _ = n.fence.lease(n.term)
	}
	t, _ := n.current()
	return rights(t, lead, n.lease.view())
}

// decide orders what the node may hold; sometimes it keeps what is being taken from
// it for a while, and obeys later.
func (n *spreadNode) decide() {
	if n.old != nil {
		n.decideOld()
		return
	}
	t, places := n.current()
	r := n.rights()
	may := map[string]bool{}
	for _, lb := range spreadLBs {
		if r.May(model.NodeID(n.id), places[lb]) {
			may[lb] = true
		}
	}
	lazy := !n.fresh && !n.w.strict && n.w.r.IntN(4) == 0 && !r.All && !n.all && n.w.now.Before(n.deadline)
	if lazy {
		r.Until = n.lease.view().Until
		for lb := range n.held { // not let go yet
			may[lb] = true
		}
	}
	if n.w.breakage != "holder" && r.Holder != n.holder {
		may = nil
	}
	n.held, n.deadline, n.all, n.fresh = may, r.Until, r.All, false
	if !lazy || n.w.breakage == "obey" {
		n.lease.obey(t.Version)
		n.fence.obey(t.Version)
	}
	if len(may) > 0 && n.w.now.Before(r.Until) {
		n.w.counts["holds"]++
		for lb := range may {
			if t.On && places[lb].Since > 0 && places[lb].Node == model.NodeID(n.id) {
				n.w.counts["spread"]++
			}
		}
		if r.All && t.Version > 0 {
			n.w.counts["all again"]++
		}
	}
}

// decideOld is what the process before orders, which neither learns nor obeys more.
func (n *spreadNode) decideOld() {
	e := n.w.table[n.old.applied-1]
	r := rights(model.Spread{Version: uint64(n.old.applied), On: e.on}, time.Time{}, n.old.lease.view())
	may := map[string]bool{}
	for _, lb := range spreadLBs {
		if r.May(model.NodeID(n.id), e.places[lb]) {
			may[lb] = true
		}
	}
	n.held, n.deadline, n.all = may, r.Until, false
	if n.w.breakage == "unsettled" { // the new one says that it has obeyed
		t, _ := n.current()
		n.lease.obey(t.Version)
	}
}

func (w *spreadWorld) other(n *spreadNode) *spreadNode {
	for {
		if o := w.nodes[w.r.IntN(len(w.nodes))]; o != n {
			return o
		}
	}
}

// send has fn run at the receiver later, or never.
func (w *spreadWorld) send(to *spreadNode, fn func()) {
	if w.calm {
		if !w.now.Before(to.frozen) {
			fn()
		}
		return
	}
	if w.r.IntN(5) == 0 && (!w.gentle || w.r.IntN(8) == 0) {
		return
	}
	boot, delay := to.boot, time.Duration(w.r.IntN(30))*time.Millisecond
	if w.r.IntN(10) == 0 {
		delay *= 20
	}
	w.late = append(w.late, lateMessage{w.now.Add(delay), func() {
		if to.boot == boot && !w.now.Before(to.frozen) {
			fn()
		}
	}})
}

func (n *spreadNode) ask() {
	if n.old != nil {
		n.askBy(n.old.lease, true)
	}
	if n.old == nil || n.w.r.IntN(2) == 0 {
		n.askBy(n.lease, false)
	}
}

// askBy has one of the node's processes ask; the old one not itself.
func (n *spreadNode) askBy(l *spreadLease, others bool) {
	if t, _ := n.current(); !others && (n.id == "c" && !n.w.strict || !t.On && !n.leads) {
		return // c is a witness
	}
	q, sent := l.asks(spreadTiming.Lease), n.w.now
	from := owed{n.id, q.Holder}
	if n.w.now.Before(n.mute) {
		return
	}
	for _, v := range n.w.nodes {
		answer := func() (uint64, bool) {
			if v.applied < v.startAt && n.w.breakage != "startup" {
				return 0, false
			}
			lead := v.fence.rival(v.id, n.w.now)
			if n.w.breakage == "rival" {
				lead = rival{}
			}
			own := uint64(v.applied)
			if n.w.breakage == "own" {
				own = q.Obeyed
			}
			return v.voter.ask(from, q.Obeyed, q.Lease, own, lead, n.w.now)
		}
		if v == n {
			if others {
				continue
			}
			if c, ok := answer(); ok {
				l.answered(v.id, q, c, sent, spreadVoters)
			}
			continue
		}
		n.w.send(v, func() {
			if c, ok := answer(); ok {
				n.w.send(n, func() { l.answered(v.id, q, c, sent, spreadVoters) })
			}
		})
	}
}

func (n *spreadNode) beat() {
	if !n.leads {
		return
	}
	nt, sent, term := n.fence.asks(n.w.now), n.w.now, n.term
	for _, v := range n.w.nodes {
		if v == n {
			continue
		}
		n.w.send(v, func() {
			if !v.fence.heard(n.id, nt, term, v.term, n.w.now) || term < v.term {
				return
			}
			if term > v.term {
				v.term, v.leads = term, false
			}
			v.log = max(v.log, n.log) // the log comes with the beats
			n.w.send(n, func() {
				if n.leads && n.term == term {
					n.fence.acked(v.id, nt, term, sent, spreadVoters, n.id)
				}
			})
		})
	}
}

// stand is a whole election in an instant.
func (n *spreadNode) stand() {
	term := n.term + 1
	ok, byTransfer := n.fence.mayStand(term, n.w.now)
	if !ok || n.voted >= term {
		return
	}
	n.term, n.voted, n.leads = term, term, false
	votes := 1
	for _, v := range n.w.nodes {
		if v == n || v.frozen.After(n.w.now) || !n.w.strict && n.w.r.IntN(4) == 0 {
			continue
		}
		if term < v.term || v.voted >= term || n.log < v.log || !v.fence.mayVote(term, byTransfer, n.w.now) {
			continue
		}
		v.term, v.voted, v.leads = term, term, false
		votes++
	}
	if votes >= 2 {
		n.leads, n.after = true, n.log
		if n.w.breakage == "after" {
			n.after = 0
		}
		n.w.counts["elections"]++
	}
}

// change commits another version of the table through its leader.
func (n *spreadNode) change() {
	if !n.leads || n.log != len(n.w.table) || n.applied != n.log {
		return
	}
	o := n.w.other(n)
	if o.frozen.After(n.w.now) || o.term != n.term || o.log != n.log {
		return
	}
	t, places := n.current()
	e := spreadEntry{on: true, places: map[string]model.SpreadPlace{}}
	version := uint64(len(n.w.table) + 1)
	switch r := n.rights(); {
	case !t.On && (!r.All || !n.w.now.Before(r.Until) || !n.w.now.Before(n.lease.view().Until)):
		return // who does not hold everything cannot give it away
	case !t.On:
		for _, lb := range spreadLBs {
			e.places[lb] = model.SpreadPlace{Node: model.NodeID(n.id)}
		}
	case n.w.r.IntN(6) == 0:
		e.on, e.places = false, places
	default:
		for _, lb := range spreadLBs {
			p := places[lb]
			if n.w.r.IntN(2) == 0 {
				if to := model.NodeID(n.w.nodes[n.w.r.IntN(2)].id); to != p.Node { // c is a witness
					p = model.SpreadPlace{Node: to, Since: version}
				}
			}
			e.places[lb] = p
		}
	}
	n.w.table = append(n.w.table, e)
	n.log, o.log = n.log+1, o.log+1
	n.w.counts["changes"]++
}
