package raft

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"lbd/internal/peerca"
	"lbd/store"
	"lbd/store/model"
)

// admission is the leader's list of nodes that wait for approval. It lives in
// memory: a waiting node asks every second, so a new leader has it again at once.
type admission struct {
	mu      sync.Mutex
	waiting map[[sha256.Size]byte]*waiter // guarded by mu; by hash of the signing request; at most maxPending
}

type waiter struct {
	PendingJoin
	seen     time.Time
	approved time.Time // zero: not yet
}

func newAdmission() *admission {
	return &admission{waiting: make(map[[sha256.Size]byte]*waiter)}
}

func (a *admission) expire(now time.Time) {
	for k, w := range a.waiting {
		if now.Sub(w.seen) > pendingExpiry || !w.approved.IsZero() && now.Sub(w.approved) > approvedFor {
			delete(a.waiting, k)
		}
	}
}

// JoinToken makes a token that admits nodes until ttl has passed.
func (n *Node) JoinToken(ttl time.Duration) (string, error) {
	ident, creds := n.identity(), n.mux.creds.Load()
	if ident == nil || creds == nil {
		return "", store.Errorf(store.Unavailable, "This node is not a member of a cluster yet.")
	}
	if ttl < time.Second || ttl > 10*365*24*time.Hour {
		return "", store.Errorf(store.Invalid, "A join token is valid for one second to ten years, not %v.", ttl)
	}
	return peerca.NewToken(creds.ca.Hash(), ident.Secrets.JoinKey, time.Now().Add(ttl))
}

// Pending are the nodes that wait for approval, oldest first.
func (n *Node) Pending(ctx context.Context) (out []PendingJoin, err error) {
	err = n.ask(ctx, "pending", struct{}{}, &out, true)
	return out, err
}

func (n *Node) leadPending(context.Context, model.NodeID, []byte) (any, error) {
	if !n.leads() {
		return nil, errNotLeader
	}
	n.admit.mu.Lock()
	defer n.admit.mu.Unlock()
	n.admit.expire(time.Now())
	out := []PendingJoin{}
	for _, w := range n.admit.waiting {
		if w.approved.IsZero() {
			out = append(out, w.PendingJoin)
		}
	}
	slices.SortFunc(out, func(a, b PendingJoin) int { return a.Since.Compare(b.Since) })
	return out, nil
}

type approveBody struct {
	Code string `json:"code"`
}

// Approve admits the waiting node that shows code.
func (n *Node) Approve(ctx context.Context, code string) error {
	return n.ask(ctx, "approve", approveBody{code}, nil, true)
}

func (n *Node) leadApprove(_ context.Context, b approveBody) (any, error) {
	if !n.leads() {
		return nil, errNotLeader
	}
	n.admit.mu.Lock()
	defer n.admit.mu.Unlock()
	n.admit.expire(time.Now())
	for _, w := range n.admit.waiting {
		if subtle.ConstantTimeCompare([]byte(w.Code), []byte(strings.TrimSpace(b.Code))) == 1 {
			w.approved = time.Now()
			n.log.Info("node approved", "node", w.Name, "from", w.From)
			return nil, nil
		}
	}
	return nil, store.Errorf(store.NotFound, "No node waits with code %s.", b.Code)
}

// HandleJoin answers a node that has no credentials yet, on any member.
func (n *Node) HandleJoin(ctx context.Context, req JoinHTTPRequest) (JoinHTTPResponse, error) {
	if len(req.CSR) > 16<<10 || len(req.Token) > 1<<10 {
		return JoinHTTPResponse{}, store.Errorf(store.Invalid, "The request is too large.")
	}
	var out JoinHTTPResponse
	err := n.ask(ctx, "join", req, &out, true)
	return out, err
}

func nameTaken(other *model.Node) error {
	return store.Errorf(store.Conflict, "The name %s is taken by a member at %s. If that node is gone, remove it first: lbd remove %s", other.Name, other.Cluster, other.Name)
}

// checkJoin finds what is wrong with a request before any secret is spent on it.
func (n *Node) checkJoin(req JoinHTTPRequest) error {
	switch {
	case !validName(req.Name):
		return store.Errorf(store.Invalid, "The name %q is not a node name: letters, digits, '.' and '-', at most %d.", req.Name, maxNameLength)
	case req.Kind != model.DataNode && req.Kind != model.Witness && req.Kind != model.Spare:
		return store.Errorf(store.Invalid, "The kind %q is not one of data, witness, spare.", req.Kind)
	case !validHostPort(req.Cluster):
		return store.Errorf(store.Invalid, "The peer address %q is not host:port.", req.Cluster)
	case req.API != "" && !validHostPort(req.API):
		return store.Errorf(store.Invalid, "The API address %q is not host:port.", req.API)
	}
	var taken error
	n.st.Read(func(st *store.State) {
		if other, ok := st.NodeByName(req.Name); ok {
			taken = nameTaken(other)
		}
	})
	return taken
}

func validName(s string) bool {
	if s == "" || len(s) > maxNameLength {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_') {
			return false
		}
	}
	return true
}

func validHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	p, perr := strconv.ParseUint(port, 10, 16)
	return err == nil && perr == nil && p > 0 && host != "" && len(host) <= 253 && !strings.ContainsAny(host, " /\\@\x00\r\n")
}

// leadJoin admits by token or by approval, or says which code to approve.
func (n *Node) leadJoin(ctx context.Context, req JoinHTTPRequest) (any, error) {
	if !n.leads() {
		return nil, errNotLeader
	}
	ident, creds := n.identity(), n.mux.creds.Load()
	now := time.Now()
	if req.Token != "" {
		err := peerca.CheckToken(req.Token, creds.ca.Hash(), ident.Secrets.JoinKey, now)
		if err != nil {
			return nil, store.Errorf(store.Forbidden, "%s: make a new one with lbd token.", capital(err.Error()))
		}
	}
	if err := n.checkJoin(req); err != nil {
		return nil, err
	}
	pub, err := peerca.ParseCSR([]byte(req.CSR))
	if err != nil {
		return nil, store.Errorf(store.Invalid, "The certificate request cannot be used: %v.", err)
	}
	if err := n.closedByArbiter(n.core.Load()); err != nil {
		return nil, err
	}
	if req.Token == "" {
		key := sha256.Sum256([]byte(req.CSR))
		w, err := n.admit.knock(key, now, func() (*waiter, error) {
			code, err := peerca.Code(creds.ca.Hash(), pub)
			if err != nil {
				return nil, err
			}
			n.log.Warn("a node waits for approval", "node", req.Name, "from", req.Cluster, "code", code)
			return &waiter{PendingJoin: PendingJoin{Code: code, Name: req.Name, Kind: req.Kind, From: req.Cluster, Since: now.UTC()}}, nil
		})
		if err != nil {
			return nil, err
		}
		if w.approved.IsZero() {
			return JoinHTTPResponse{Code: w.Code}, nil
		}
	}
	id := model.NodeID(uuid.NewString())
	cert, err := creds.ca.Sign(pub, string(id), []string{req.Cluster, req.API, "127.0.0.1", "::1", "localhost"}, now)
	if err != nil {
		return nil, err
	}
	secrets, err := ident.Secrets.Encode()
	if err != nil {
		return nil, err
	}
	resp := JoinHTTPResponse{ID: id, CA: string(ident.CA), Certificate: string(cert), Secrets: secrets}
	n.st.Read(func(st *store.State) {
		resp.ClusterID = st.ClusterID()
		for _, m := range st.Nodes() {
			resp.Peers = append(resp.Peers, m.Cluster)
		}
	})
	n.log.Info("node admitted", "node", req.Name, "id", id, "kind", req.Kind, "addr", req.Cluster)
	return resp, nil
}

// knock notes that a node asks, and returns a copy of its entry.
func (a *admission) knock(key [sha256.Size]byte, now time.Time, make func() (*waiter, error)) (waiter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expire(now)
	w, ok := a.waiting[key]
	if !ok {
		if len(a.waiting) >= maxPending {
			return waiter{}, store.Errorf(store.Unavailable, "Too many nodes wait for approval (%d); try again later.", maxPending)
		}
		var err error
		if w, err = make(); err != nil {
			return waiter{}, err
		}
		a.waiting[key] = w
	}
	w.seen = now
	return *w, nil
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// plainError drops the wrapping of net/http from an error.
func plainError(err error) error {
	for {
		u := errors.Unwrap(err)
		if u == nil {
			return err
		}
		if _, ok := err.(*net.OpError); ok {
			return u
		}
		err = u
	}
}
