package raft

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lbd/internal/peerca"
	"lbd/store/model"
)

// dialFunc opens a plain connection, as net.Dialer.DialContext does.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Config is what a node is told at start.
type Config struct {
	// DataDir holds identity, log, snapshots and the last good configuration.
	// Created with mode 0700 when missing.
	DataDir string
	// Name of the node, unique in the cluster.
	Name string
	// Listen is the host:port of the peer port. Port 0 takes a free one.
	Listen string
	// Advertise is the host or host:port by which peers reach the peer port.
	// Empty: found from Listen, or from the interface that leads outside.
	Advertise string
	// APIAdvertise is the host:port by which clients reach the API of this node.
	APIAdvertise string
	Kind         model.NodeKind // empty: data
	Timing       Timing
	// ReplaceAfter is how long a data node must be silent before this node, leading,
	// lets a spare take its place; 0: never.
	ReplaceAfter time.Duration
	Log          *slog.Logger          // nil: discarded
	Registry     prometheus.Registerer // nil: no metrics
	// Arbiter is asked when the only peer is silent; nil: there is none.
	Arbiter Arbiter
	// Registers make the arbiter's word exclusive; nil: there are none.
	Registers Registers
	// Holder is the id of the VIP holder that runs at the start; see SetHolder.
	Holder uint64
	// Listener is the peer port when an earlier process of this node handed it over;
	// nil: Open listens on Listen.
	Listener net.Listener
	// Settled, when set, is closed once the earlier process has nothing to do with
	// the cluster any more; before that this node changes no voters. See Freeze.
	Settled <-chan struct{}
	// Inherit is the term in which the earlier process leads and keeps its lease, see
	// Caretaker; 0: it does not. Settled has to be set then, and until it is closed this
	// process gives no vote and hands no leadership over.
	Inherit uint64
	// Obeyed is the version of Spread's table that the earlier process has obeyed, where it
	// keeps the lease for its share, see SpreadCaretaker; 0: it does not. Settled has to be
	// set then.
	Obeyed uint64

	// dial replaces the network in tests.
	dial dialFunc
	// below is what the library's timers are in tests; 0: libTimeout.
	below time.Duration
	// level makes a node of an older build in tests; 0: store.Level.
	level int
}

// Timing of failure detection. All zero: the cluster's profile decides. Else zero
// fields take their defaults.
type Timing struct {
	// Detect is how long a voter stays loyal to a leader after the last beat it
	// received. Default 300 ms.
	Detect time.Duration
	// Lease is how long a leader may act on a beat, counted from its sending,
	// once a quorum has answered it. Default 200 ms, at most Detect - 50 ms.
	Lease time.Duration
	// Beat is how often a leader asks for its lease. Default a fifth of Lease: a
	// few may get lost.
	Beat time.Duration
}

// Arbiter judges from outside whether this node's own leg works. Both methods
// are called from several goroutines.
type Arbiter interface {
	// Answers tells whether the arbiter has answered this node lately. "Lately"
	// should be well below Timing.Detect: it is how long a node that is cut off
	// may go on believing in itself. Must return at once.
	Answers() bool
	// VIPSilent tells whether no host answers a conflict probe for any VIP, and
	// none has for as long as since, during which this node's leg worked: a host whose
	// link failed for a moment may hold them still. It may take a few milliseconds
	// and must return when ctx ends.
	VIPSilent(ctx context.Context, since time.Duration) bool
}

// Registers are what the arbiters remember of a VIP: one entry each, which the last
// writer has; see claim. All methods are called from several goroutines and must
// return at once.
type Registers interface {
	// State tells whether they can be used, and which VIP's entries they are. The
	// VIP should be the same on all nodes.
	State() (RegistersState, netip.Addr)
	// Count is how many there are; it does not change.
	Count() int
	// Ask asks register i whether the VIP is this node's, under a number that
	// Replies gives back if so, and writes that it is, before or after or not at
	// all. What is sent arrives in this order or not at all.
	Ask(i int, vip netip.Addr, read uint64, before, after bool)
	Replies() <-chan uint64
	// Unseen is for how long no other node was seen to answer for a VIP.
	Unseen() time.Duration
}

// RegistersState tells whether there are registers.
type RegistersState int

const (
	RegistersUnknown RegistersState = iota // not yet clear
	RegistersNone                          // the arbiters answer, but not so that they could be used
	RegistersReady
)

// State is one consistent-enough look at consensus; cheap enough to be read
// thousands of times a second.
type State struct {
	ID       model.NodeID // empty before Bootstrap or Join
	Role     string       // leader, follower, candidate; empty before Bootstrap or Join
	Term     uint64
	Leader   model.NodeID // empty when unknown
	IsLeader bool
	// LeaseUntil is when this leader's right to the VIPs ends; zero when it has
	// none. It carries a monotonic reading. Valid only together with IsLeader.
	LeaseUntil time.Time
	// Lapse is when the lease before this leader's was over at the latest, by what
	// this node heard; zero when it heard no leader before. A claim comes after it.
	Lapse time.Time
	// Holder is the VIP holder of this node, for which alone LeaseUntil is good;
	// see SetHolder.
	Holder uint64
	// Rights are what this node's VIP holder may hold: everything until LeaseUntil,
	// unless Spread is or was on.
	Rights Rights
	// Cause is why this leader stood for its term, in words.
	Cause string
	// Quorum in words: QuorumOK, QuorumArbiter or QuorumLost.
	Quorum    string
	LastIndex uint64
	Commit    uint64
	Applied   uint64
	Voters    []model.NodeID // without the arbiter seat; shared, not to be changed
	Seat      bool           // the arbiter seat is a voter
	// Slowed is the timing that this node keeps because it cannot keep that of the
	// cluster's profile, which is faster; zero when it can.
	Slowed  Timing
	Removed bool // this node was taken out of the cluster while it was away, and leads no more
}

// What State.Quorum says.
const (
	QuorumOK      = "ok"
	QuorumArbiter = "held by arbiter, writes closed"
	QuorumLost    = "lost"
)

// JoinRequest tells Join where to knock.
type JoinRequest struct {
	// Peers are APIs of members: host, host:port or a DNS name with several
	// addresses or an SRV record (_lbd._tcp).
	Peers []string
	// Token admits at once; empty: wait for approval.
	Token string
	// OnCode is called once with the six-digit code an admin has to approve,
	// when there is no token. May be nil.
	OnCode func(code string)
}

// JoinHTTPRequest is the body of POST /v1/cluster/join.
type JoinHTTPRequest struct {
	Token   string         `json:"token,omitempty"`
	Name    string         `json:"name"`
	Kind    model.NodeKind `json:"kind"`
	Cluster string         `json:"cluster"` // its host:port for peers
	API     string         `json:"api"`     // its host:port for clients
	CSR     string         `json:"csr"`     // PEM
}

// JoinHTTPResponse either admits (Certificate set) or tells to ask again (Code set).
type JoinHTTPResponse struct {
	Code        string       `json:"code,omitempty"`
	ID          model.NodeID `json:"id,omitempty"`
	ClusterID   string       `json:"cluster_id,omitempty"`
	CA          string       `json:"ca,omitempty"`          // PEM
	Certificate string       `json:"certificate,omitempty"` // PEM
	Secrets     []byte       `json:"secrets,omitempty"`
	Peers       []string     `json:"peers,omitempty"` // cluster host:port of the members
}

// PendingJoin waits for approval.
type PendingJoin struct {
	Code  string         `json:"code"`
	Name  string         `json:"name"`
	Kind  model.NodeKind `json:"kind"`
	From  string         `json:"from"` // the peer address it announced
	Since time.Time      `json:"since"`
}

// Secrets are the keys of a member.
type Secrets struct {
	peerca.Secrets // the same on every node
	// Certificate is the node's own, with the CA in its chain, so that a joining
	// node can pin the CA by its hash.
	Certificate tls.Certificate
	CA          []byte // PEM
	// Fingerprint is the SHA-256 of the CA certificate, in hex.
	Fingerprint string
}
