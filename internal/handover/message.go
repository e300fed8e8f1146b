package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Version of the protocol. It is raised when an older end would misunderstand a
// message; fields may be added without that, for unknown ones are ignored.
const Version = 1

// Bounds of one message. A Unix socket takes packets of about 200 KiB by default,
// and the kernel 253 descriptors with one.
const (
	MaxBody  = 64 << 10
	MaxFiles = 128
)

// Kind of a message.
type Kind byte

// The kinds, in the order in which they are sent; see the package's picture.
const (
	KindHello    Kind = iota + 1 // new → old
	KindFault                    // new → old, before it gives up
	KindSockets                  // old → new
	KindVerdicts                 // old → new
	KindGo                       // old → new
	KindServing                  // new → old
	KindHolder                   // old → new
	KindDone                     // new → old
	KindDraining                 // old → new
	KindCut                      // new → old
	KindSessions                 // old → new, with the verdicts
	kindEnd
)

func (k Kind) String() string {
	names := [...]string{"hello", "fault", "sockets", "verdicts", "go", "serving", "holder", "done", "draining", "cut", "sessions"}
	if k == 0 || k >= kindEnd {
		return fmt.Sprintf("kind %d", byte(k))
	}
	return names[k-1]
}

// Hello says that the new process could read its flags and found what it needs.
type Hello struct {
	Build string `json:"build"`
	// HolderWire is the version in which it talks to a VIP holder.
	HolderWire int `json:"holder_wire"`
	// Leads: it can go on as the leader of a cluster; see Go.Lead.
	Leads bool `json:"leads,omitempty"`
	// Shares: it can go on with a share of the load balancers; see Go.Obeyed.
	Shares bool `json:"shares,omitempty"`
}

// Fault says in words why the new process does not start.
type Fault struct {
	Reason string `json:"reason"`
}

// Key names a socket: what it is for, and what it is bound to. Several sockets
// may have the same key (SO_REUSEPORT).
type Key struct {
	Use     string `json:"use"`
	Network string `json:"network"` // as in package net: tcp, udp, unix
	Address string `json:"address"`
}

func (k Key) String() string { return k.Use + " " + k.Network + " " + k.Address }

// Sockets names the descriptors that came with it, in their order.
type Sockets struct {
	Keys []Key `json:"keys"`
}

// Verdict is what is known of the health of one member.
type Verdict struct {
	Pool   string    `json:"pool"`
	Member string    `json:"member"`
	Status string    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// Verdicts are as many as fit into a message.
type Verdicts struct {
	List []Verdict `json:"list"`
}

// Sessions are some of what a pool's persistence has learned under one setting.
type Sessions struct {
	Pool        string          `json:"pool"`
	Persistence json.RawMessage `json:"persistence"`
	List        []Session       `json:"list"`
}

// Session belongs to a member.
type Session struct {
	Key    []byte        `json:"key"`
	Member string        `json:"member"`
	Age    time.Duration `json:"age"` // since its last use, ns
}

// Go says that the old process has let go of the data directory.
type Go struct {
	// Holder is the id of the VIP holder that will follow; 0: there is none, the new
	// process starts its own.
	Holder uint64 `json:"holder,omitempty"`
	// Lead is the term in which the old process leads a cluster and keeps its lease; 0:
	// it does not, and the holder follows where nobody else can lead.
	Lead uint64 `json:"lead,omitempty"`
	// Obeyed is the version of Spread's table that the old process has obeyed; it keeps the
	// lease for its share. 0: it does not.
	Obeyed uint64 `json:"obeyed,omitempty"`
	// Failed is why an earlier try with another binary came to nothing.
	Failed string `json:"failed,omitempty"`
}

// Serving says that the new process accepts on all sockets and, where a holder is
// to follow, leads in Term; 0: it could not become the leader.
type Serving struct {
	Term uint64 `json:"term"`
	// Until is when the lease of Term for the holder ends, CLOCK_MONOTONIC in ns; the
	// old process may give one more order by it. 0: it may not.
	Until int64 `json:"until,omitempty"`
}

// Holder describes the VIP holder whose descriptors come with it. ID 0: there is none
// any more, the VIPs were given up.
type Holder struct {
	ID  uint64 `json:"id"`
	PID int    `json:"pid"`
	Seq uint64 `json:"seq"` // newest order's
}

// Done says that the new process has everything.
type Done struct{}

// Draining is what is left in the old process.
type Draining struct {
	PID         int       `json:"pid"`
	Build       string    `json:"build"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"` // when the rest is cut
	Connections int64     `json:"connections"`
}

// Cut asks the old process to end now.
type Cut struct{}

var errMessage = errors.New("damaged message between two processes of a node")

// encode makes a packet: version, kind, JSON.
func encode(k Kind, body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", k, err)
	}
	if len(b) > MaxBody {
		return nil, fmt.Errorf("encode %s: %d bytes are more than %d", k, len(b), MaxBody)
	}
	return append([]byte{Version, byte(k)}, b...), nil
}

// Message as it was received. Its files are the receiver's.
type Message struct {
	Kind  Kind
	body  []byte
	Files []*File
}

// decode checks what does not depend on the kind.
func decode(p []byte) (Message, error) {
	switch {
	case len(p) < 2:
		return Message{}, fmt.Errorf("%w: %d bytes", errMessage, len(p))
	case p[0] != Version:
		return Message{}, fmt.Errorf("%w: version %d, not %d", errMessage, p[0], Version)
	}
	k := Kind(p[1])
	if k == 0 || k >= kindEnd {
		return Message{}, fmt.Errorf("%w: unknown %s", errMessage, k)
	}
	body := p[2:]
	if len(body) > MaxBody || !utf8.Valid(body) || !json.Valid(body) {
		return Message{}, fmt.Errorf("%w: the body of %s", errMessage, k)
	}
	return Message{Kind: k, body: append([]byte(nil), body...)}, nil
}

// Decode reads the body into one of the structs above.
func (m *Message) Decode(into any) error {
	if err := json.Unmarshal(m.body, into); err != nil {
		return fmt.Errorf("%w: %s: %w", errMessage, m.Kind, err)
	}
	return nil
}

// Close lets go of the files.
func (m *Message) Close() {
	for _, f := range m.Files {
		f.Close()
	}
	m.Files = nil
}
