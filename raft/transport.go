package raft

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"
)

// Errors of the transport, seen by the Raft library only.
var (
	errClosing   = errors.New("this node is closing")
	errStaleBeat = errors.New("a vote for a later term is under way")
	errStaleHand = errors.New("the transfer belongs to an earlier term")
)

// transport stands between the Raft library and the network. It notes every
// beat, keeps promises and leases (fence), answers for the arbiter seat, and
// keeps a witness from standing. Elections stay ordinary Raft elections: terms,
// the comparison of logs and one vote per term are the library's.
type transport struct {
	*core
	inner *hraft.NetworkTransport
	seat  *seat
	out   chan hraft.RPC // to the library
	wg    sync.WaitGroup // the pump and what it starts; ended by Close
	once  sync.Once

	newest atomic.Uint64 // term that a voter answered to a leader of an earlier one
	turn   sync.Mutex    // held while it is settled who may stand or be voted for, until the library has been told
}

var (
	_ hraft.Transport   = (*transport)(nil)
	_ hraft.WithPreVote = (*transport)(nil)
	_ hraft.WithClose   = (*transport)(nil)
)

func newTransport(c *core, stream hraft.StreamLayer, s *seat) *transport {
	t := &transport{core: c, seat: s, out: make(chan hraft.RPC)}
	t.inner = hraft.NewNetworkTransportWithConfig(&hraft.NetworkTransportConfig{
		ServerAddressProvider: c.peers, Stream: stream, MaxPool: pooledConns, MaxRPCsInFlight: 1, Timeout: max(ioTimeout, c.timing().Detect), Logger: newBridge(c.log, "transport"),
	})
	t.wg.Go(t.pump)
	return t
}

// Close implements hraft.WithClose; core.done must be closed before.
func (t *transport) Close() error {
	t.once.Do(func() {
		t.inner.Close()
		t.inner.CloseStreams()
	})
	t.wg.Wait()
	return nil
}

func (t *transport) Consumer() <-chan hraft.RPC     { return t.out }
func (t *transport) LocalAddr() hraft.ServerAddress { return t.addr }
func (t *transport) EncodePeer(id hraft.ServerID, a hraft.ServerAddress) []byte {
	return t.inner.EncodePeer(id, a)
}
func (t *transport) DecodePeer(b []byte) hraft.ServerAddress { return t.inner.DecodePeer(b) }

// AppendEntriesPipeline is refused so that every answer passes AppendEntries.
func (t *transport) AppendEntriesPipeline(hraft.ServerID, hraft.ServerAddress) (hraft.AppendPipeline, error) {
	return nil, hraft.ErrPipelineReplicationNotSupported
}

// pump hands what peers ask to the library, as far as the fence lets it.
func (t *transport) pump() {
	for {
		select {
		case rpc := <-t.inner.Consumer():
			t.receive(rpc)
		case <-t.done:
			return
		}
	}
}

// pass gives an RPC to the library's main loop.
func (t *transport) pass(rpc hraft.RPC) {
	select {
	case t.out <- rpc:
	case <-t.done:
		rpc.Respond(nil, errClosing)
	}
}

func (t *transport) receive(rpc hraft.RPC) {
	now := time.Now()
	if h, ok := rpc.Command.(hraft.WithRPCHeader); ok {
		id, _, _ := strings.Cut(string(h.GetRPCHeader().ID), "|")
		t.peers.heard(hraft.ServerID(id), now)
	}
	switch cmd := rpc.Command.(type) {
	case *hraft.AppendEntriesRequest:
		if t.beat(rpc, &cmd.RPCHeader, cmd.Term, now) {
			t.pass(rpc)
		}
	case *hraft.InstallSnapshotRequest:
		if from, n := takeNote(&cmd.RPCHeader); t.fence.heard(from, n, cmd.Term, t.term(), now) {
			t.pass(rpc)
			return
		}
		t.wg.Go(func() {
			_, _ = io.Copy(io.Discard, rpc.Reader) // ends with the connection at the latest
			rpc.Respond(nil, errStaleBeat)
		})
	case *hraft.RequestVoteRequest:
		t.receiveVote(rpc, cmd, now)
	case *hraft.RequestPreVoteRequest:
		rpc.Respond(t.answerPreVote(cmd, now), nil)
	case *hraft.TimeoutNowRequest:
		_, s, _ := strings.Cut(string(cmd.ID), "|")
		term, err := strconv.ParseUint(s, 10, 64)
		if err != nil || term == 0 || term != t.term() || t.witness || !t.isVoter(t.id) {
			rpc.Respond(nil, errStaleHand)
			return
		}
		t.takeOver(cmd, term, now)
		t.pass(rpc)
	default:
		t.pass(rpc)
	}
}

// beat notes a leader's message; when it must be refused it answers itself, with no
// term that would depose a leader others hear. Only after a candidacy in vain the leader
// has to learn the term from the library: this node could never follow it again.
func (t *transport) beat(rpc hraft.RPC, h *hraft.RPCHeader, term uint64, now time.Time) bool {
	from, n := takeNote(h)
	t.peers.heard(from, now)
	if current := t.term(); t.fence.heard(from, n, term, current, now) || t.fence.inVain(term, current, now) {
		return true
	}
	rpc.Respond(nil, errStaleBeat)
	return false
}

// takeOver notes who gives its lease up, and that it holds nothing any more where the
// arbiter's lock says the rest. Without that, two nodes that are cut off from each
// other could both find that nobody holds the VIPs.
func (t *transport) takeOver(req *hraft.TimeoutNowRequest, term uint64, now time.Time) {
	t.fence.takeOver(term, now)
	from, _, _ := strings.Cut(string(req.ID), "|")
	asOf, ok := t.stamps.read(takeStamp(&req.RPCHeader))
	if ok && t.seat.claim.state() == RegistersReady {
		t.fence.released(hraft.ServerID(from), term, asOf)
		t.seat.claim.hurry()
	}
}

// SetHeartbeatHandler implements hraft.Transport. Answers bear a stamp.
func (t *transport) SetHeartbeatHandler(cb func(hraft.RPC)) {
	t.inner.SetHeartbeatHandler(func(rpc hraft.RPC) {
		now := time.Now()
		if a, ok := rpc.Command.(*hraft.AppendEntriesRequest); ok {
			if !t.beat(rpc, &a.RPCHeader, a.Term, now) {
				return
			}
		}
		to, answer := rpc.RespChan, make(chan hraft.RPCResponse, 1)
		rpc.RespChan = answer
		cb(rpc) // answers before it returns, or not at all when the library has ended
		select {
		case a := <-answer:
			if resp, ok := a.Response.(*hraft.AppendEntriesResponse); ok {
				putStamp(&resp.RPCHeader, t.stamps.make(now))
			}
			to <- a
		default:
		}
	})
}

// receiveVote lets a candidate's request through when the promise is over. The
// library would then still refuse it for its belief in the dead leader; the flag
// of leadership transfers takes that belief away.
func (t *transport) receiveVote(rpc hraft.RPC, req *hraft.RequestVoteRequest, now time.Time) {
	t.turn.Lock()
	defer t.turn.Unlock()
	current := t.term()
	known := t.isVoter(hraft.ServerID(req.ID)) || len(t.servers()) == 0
	if req.Term >= current && known {
		if t.banished.Load() || !t.fence.mayVote(req.Term, req.LeadershipTransfer, now) {
			rpc.Respond(&hraft.RequestVoteResponse{RPCHeader: t.header(), Term: current}, nil)
			return
		}
		req.LeadershipTransfer = true
	}
	t.pass(rpc)
}

// answerPreVote answers in place of the library, which asks for a random time of
// silence where the fence knows the exact one.
func (t *transport) answerPreVote(req *hraft.RequestPreVoteRequest, now time.Time) *hraft.RequestPreVoteResponse {
	current := t.term()
	resp := &hraft.RequestPreVoteResponse{RPCHeader: t.header(), Term: current}
	if current == 0 || req.Term < current || t.banished.Load() || !t.isVoter(hraft.ServerID(req.ID)) {
		return resp
	}
	resp.Term = req.Term
	index, term := t.lastEntry()
	if term > req.LastLogTerm || term == req.LastLogTerm && index > req.LastLogIndex {
		return resp
	}
	resp.Granted = t.fence.mayYield(hraft.ServerID(req.ID), now)
	return resp
}

// AppendEntries implements hraft.Transport.
func (t *transport) AppendEntries(id hraft.ServerID, target hraft.ServerAddress, args *hraft.AppendEntriesRequest, resp *hraft.AppendEntriesResponse) error {
	*resp = hraft.AppendEntriesResponse{}
	if t.resigned(args, resp) {
		return nil
	}
	if id == seatID {
		return t.seat.appendEntries(args, resp)
	}
	if t.known(id, args, time.Now()) {
		*resp = hraft.AppendEntriesResponse{RPCHeader: t.header(), Term: args.Term, LastLog: args.PrevLogEntry, Success: true}
		return nil
	}
	sent, n, err := t.append(id, target, args, resp)
	if err != nil && hasLog(args) {
		if t.answersAgain(id, args.Term, time.Now()) {
			sent, n, err = t.append(id, target, args, resp)
		} else if t.resigned(args, resp) {
			return nil
		}
	}
	t.peers.news.answered(id, args, resp, err, time.Now())
	if err != nil {
		return err
	}
	t.peers.answered(id, time.Now())
	t.peers.stamped(id, takeStamp(&resp.RPCHeader))
	if resp.Term > args.Term { // the library steps down, and remembers no more of it
		t.newest.Store(resp.Term)
	}
	if !resp.Success || resp.Term != args.Term {
		return nil
	}
	index := args.PrevLogEntry
	if n := len(args.Entries); n > 0 {
		index = args.Entries[n-1].Index
	}
	t.peers.matched(id, args.Term, index)
	t.ack(id, n, args.Term, sent)
	return nil
}

func (t *transport) append(id hraft.ServerID, target hraft.ServerAddress, args *hraft.AppendEntriesRequest, resp *hraft.AppendEntriesResponse) (sent time.Time, n note, err error) {
	sent = time.Now()
	n = t.fence.asks(sent)
	own := *args // the library uses args again
	own.ID = n.on(args.ID)
	return sent, n, t.inner.AppendEntries(id, target, &own, resp)
}

// known tells whether a message of the library would tell a member nothing new. Who has
// not answered a beat of late is told all the same: the library takes an answer for a
// sign of life.
func (t *transport) known(id hraft.ServerID, args *hraft.AppendEntriesRequest, now time.Time) bool {
	return t.peers.news.known(id, args, now) && t.peers.sinceAnswer(id, now) < 2*t.timing().Beat
}

// hasLog tells the library's messages about the log from heartbeats.
func hasLog(args *hraft.AppendEntriesRequest) bool {
	return args.PrevLogEntry > 0 || len(args.Entries) > 0
}

// answersAgain waits until a member that could not be told of the log at failed answers
// beats; false when it answers other messages all the while, or need not be told any more.
// The library would wait twice as long after each failure, 10 s at most, and a member
// that is back is nobody to hand over to, and no voter for a write, before that.
func (t *transport) answersAgain(id hraft.ServerID, term uint64, failed time.Time) bool {
	if t.peers.sinceAnswer(id, failed) < t.timing().Detect {
		return false
	}
	for t.peers.sinceAnswer(id, time.Now()) > time.Since(failed) {
		if _, member := inConfig(t.servers(), id); !member || !t.leadsIn(term) || t.resign.Load() == term {
			return false
		}
		select {
		case <-time.After(t.timing().Detect / 4):
		case <-t.done:
			return false
		}
	}
	return true
}

// resigned answers that there is a newer term, which makes the library step down, when
// the lease of this one was given up for good. The library heeds that in answers to
// its own messages only, not to heartbeats.
func (c *core) resigned(args *hraft.AppendEntriesRequest, resp *hraft.AppendEntriesResponse) bool {
	if !hasLog(args) || !c.fence.gaveUp(args.Term) || c.resign.Load() != args.Term {
		return false
	}
	*resp = hraft.AppendEntriesResponse{RPCHeader: c.header(), Term: args.Term + 1}
	return true
}

// InstallSnapshot implements hraft.Transport.
func (t *transport) InstallSnapshot(id hraft.ServerID, target hraft.ServerAddress, args *hraft.InstallSnapshotRequest, resp *hraft.InstallSnapshotResponse, data io.Reader) error {
	if id == seatID {
		if err := t.seat.hold(args.Term, args.LastLogIndex); err != nil {
			return err
		}
		*resp = hraft.InstallSnapshotResponse{RPCHeader: t.header(), Term: args.Term, Success: true}
		return nil
	}
	own := *args
	own.ID = t.fence.asks(time.Now()).on(args.ID)
	if err := t.inner.InstallSnapshot(id, target, &own, resp, data); err != nil {
		t.answersAgain(id, args.Term, time.Now()) // what was read of data is gone
		return err
	}
	t.peers.answered(id, time.Now())
	if resp.Success && resp.Term == args.Term {
		t.peers.matched(id, args.Term, args.LastLogIndex)
	}
	return nil
}

// RequestVote implements hraft.Transport.
func (t *transport) RequestVote(id hraft.ServerID, target hraft.ServerAddress, args *hraft.RequestVoteRequest, resp *hraft.RequestVoteResponse) error {
	*resp = hraft.RequestVoteResponse{Term: args.Term}
	if t.witness || t.banished.Load() {
		return nil // a witness never leads, nor does who was taken out
	}
	ok, byTransfer := t.fence.mayStand(args.Term, time.Now())
	if !ok {
		return nil
	}
	cause := causeSilence
	if _, _, orphaned := t.fence.orphaned(); byTransfer || t.fence.handedOver() {
		cause = causeHanded
	} else if orphaned {
		cause = causeDead
	}
	t.cause.Store(&cause)
	if id == seatID {
		return t.askSeat(args, resp)
	}
	own := *args // the library shares args between its calls
	own.LeadershipTransfer = byTransfer
	if err := t.inner.RequestVote(id, target, &own, resp); err != nil {
		return err
	}
	t.peers.answered(id, time.Now())
	return nil
}

// askSeat asks the seat until it votes or this candidacy is over. The library
// would ask once and then wait for a whole election timeout, for example when the
// leader died right after it had asked this node to take over.
func (t *transport) askSeat(args *hraft.RequestVoteRequest, resp *hraft.RequestVoteResponse) error {
	for begun := time.Now(); ; {
		err := t.seat.requestVote(args, resp)
		r := t.lib.Load()
		if err != nil || resp.Granted || resp.Term > args.Term || time.Since(begun) > libTimeout ||
			r == nil || r.State() != hraft.Candidate || r.CurrentTerm() != args.Term {
			return err
		}
		select {
		case <-time.After(askAgain):
		case <-t.done:
			return errClosing
		}
	}
}

// RequestPreVote implements hraft.WithPreVote. The library asks once and then
// waits a random time; this asks again until the other side's promise is over.
func (t *transport) RequestPreVote(id hraft.ServerID, target hraft.ServerAddress, args *hraft.RequestPreVoteRequest, resp *hraft.RequestPreVoteResponse) error {
	if t.witness || t.banished.Load() {
		*resp = hraft.RequestPreVoteResponse{Term: args.Term}
		return nil
	}
	begun := time.Now()
	for {
		err := t.askPreVote(id, target, args, resp)
		now := time.Now()
		if err == nil && (resp.Granted || resp.Term > args.Term) {
			return nil
		}
		r := t.lib.Load()
		if now.Sub(begun) > t.timing().Detect || r == nil || r.State() != hraft.Candidate || r.CurrentTerm()+1 != args.Term ||
			t.fence.sinceContact(now) < now.Sub(begun) {
			return err
		}
		select {
		case <-time.After(askAgain):
		case <-t.done:
			return errClosing
		}
	}
}

func (t *transport) askPreVote(id hraft.ServerID, target hraft.ServerAddress, args *hraft.RequestPreVoteRequest, resp *hraft.RequestPreVoteResponse) error {
	*resp = hraft.RequestPreVoteResponse{Term: args.Term}
	if id == seatID {
		return t.seat.requestPreVote(args, resp)
	}
	if err := t.inner.RequestPreVote(id, target, args, resp); err != nil {
		return err
	}
	t.peers.answered(id, time.Now())
	return nil
}

// TimeoutNow implements hraft.Transport. The message has no term of its own;
// without one, a request held up on the way could depose a later leader.
func (t *transport) TimeoutNow(id hraft.ServerID, target hraft.ServerAddress, args *hraft.TimeoutNowRequest, resp *hraft.TimeoutNowResponse) error {
	term := t.term()
	if !t.fence.gaveUp(term) || !t.leadsIn(term) {
		return errStaleHand
	}
	own := *args
	own.ID = []byte(string(args.ID) + "|" + strconv.FormatUint(term, 10))
	if h := t.hand.Load(); h != nil && h.term == term && h.to == id {
		putStamp(&own.RPCHeader, h.stamp)
	}
	return t.inner.TimeoutNow(id, target, &own, resp)
}

// inject puts a command before the library's main loop and waits until it is handled.
func (t *transport) inject(cmd any) {
	resp := make(chan hraft.RPCResponse, 1)
	select {
	case t.out <- hraft.RPC{Command: cmd, RespChan: resp}:
	case <-t.done:
		return
	}
	select {
	case <-resp:
	case <-t.done:
	}
}
