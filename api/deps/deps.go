// Package deps holds the small interfaces and types through which the API sees
// the rest of lbd. It has no code of its own, so that handlers can be tested
// against plain values.
package deps

import (
	"context"
	"crypto/tls"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// Writer proposes commands. Apply returns after commit and after this node has
// applied the entry. Its errors are *store.Error where the cluster refused.
type Writer interface {
	Apply(ctx context.Context, cmd store.Command) (index uint64, err error)
}

// Reader gives consistent views of this node's state.
type Reader interface {
	Read(fn func(*store.State))
	Index() uint64
	// Watch wakes a waiter after every change; Close it.
	Watch() *store.Watch
}

// Sealer encrypts the payloads of secrets before they enter a command, and opens
// them again. The id of the secret is bound to the box.
type Sealer interface {
	Seal(id string, plain []byte) (box []byte, err error)
	Open(id string, box []byte) (plain []byte, err error)
}

// Observer gives what the nodes see and do, this one's own row included and fresh.
type Observer interface {
	Reports() []model.Heard
	Changed() <-chan struct{}
}

// Cluster is membership and leadership.
type Cluster interface {
	Self() model.NodeID
	Leader() (id model.NodeID, term uint64, ok bool)
	// Barrier returns once this node shows everything committed before the call.
	Barrier(ctx context.Context) error
	// JoinToken makes a token that admits nodes until ttl has passed.
	JoinToken(ctx context.Context, ttl time.Duration) (string, error)
	// Join answers a new node's request; see JoinRequest.
	Join(ctx context.Context, req JoinRequest) (JoinResponse, error)
	Pending(ctx context.Context) ([]PendingNode, error)
	Approve(ctx context.Context, code string) error
	Remove(ctx context.Context, id model.NodeID) error
	// Switchover releases the VIPs and hands leadership to id, or to the best
	// standby when id is empty. Works on any node.
	Switchover(ctx context.Context, to model.NodeID) error
	// Restart has a node end and start again, perhaps from another binary, and
	// returns the version it will run; refused when that would not start.
	Restart(ctx context.Context, id model.NodeID) (version string, err error)
	// SetProfile changes the timing of failure detection in the whole cluster.
	SetProfile(ctx context.Context, actor string, p model.Profile) error
}

// Spread distributes load balancers over the data nodes (decision 0049). All of it
// works on any node. Errors are *store.Error where the cluster refused.
type Spread interface {
	// TurnOn gives each data node an even share; refused where the voters are too
	// few. Nothing happens where it is on.
	TurnOn(ctx context.Context, actor string) error
	// TurnOff gives everything back to the leader, and returns when that holds it
	// or after some seconds. Nothing happens where it is off.
	TurnOff(ctx context.Context, actor string) error
	// Balance makes the shares even and tells how many load balancers it moves;
	// refused while Spread is off.
	Balance(ctx context.Context, actor string) (moved int, err error)
	// MoveAway moves a load balancer to another node; refused while Spread is off
	// and where no other node could take it.
	MoveAway(ctx context.Context, actor string, lb model.LoadBalancerID) error
}

// JoinRequest is the body of POST /v1/cluster/join, sent by a node that has no
// credentials yet. Token is empty for a node that waits for approval.
type JoinRequest struct {
	Token   string         `json:"token,omitempty"`
	Name    string         `json:"name"`
	Kind    model.NodeKind `json:"kind"`
	Cluster string         `json:"cluster"` // its host:port for peers
	API     string         `json:"api"`     // its host:port for clients
	CSR     string         `json:"csr"`     // PEM
}

// JoinResponse either admits (Certificate set) or tells to ask again (Code set).
type JoinResponse struct {
	Code        string       `json:"code,omitempty"` // six digits, to be approved
	ID          model.NodeID `json:"id,omitempty"`
	ClusterID   string       `json:"cluster_id,omitempty"`
	CA          string       `json:"ca,omitempty"`          // PEM
	Certificate string       `json:"certificate,omitempty"` // PEM
	// Secrets are the cluster's keys, for voters and spares alike; only ever
	// sent over the TLS connection whose CA the token pins.
	Secrets []byte   `json:"secrets,omitempty"`
	Peers   []string `json:"peers,omitempty"` // cluster host:port of the members
}

// PendingNode waits for approval.
type PendingNode struct {
	Code  string         `json:"code"`
	Name  string         `json:"name"`
	Kind  model.NodeKind `json:"kind"`
	From  string         `json:"from"` // address it asked from
	Since time.Time      `json:"since"`
}

// Config is what the API is told at start.
type Config struct {
	Listen string // host:port
	// Plain allows plain HTTP from non-loopback clients.
	Plain bool
	// NoAuth makes every caller an admin (only with a loopback Listen).
	NoAuth bool
	TLS    *tls.Config
	// TokenKey signs API tokens; the same on every node, 32 bytes.
	TokenKey []byte
	TokenTTL time.Duration
}
