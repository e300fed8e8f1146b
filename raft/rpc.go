package raft

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lbd/store"
	"lbd/store/model"
)

// Peers speak JSON over HTTP. /leader/VERB is answered by the leader only, others
// say "retry"; /any/VERB is passed on to the leader by whoever is asked.
const (
	leaderPath = "/leader/"
	anyPath    = "/any/"
	pushPath   = "/push"
	tellPath   = "/tell"
	pingPath   = "/ping"
)

// reply is the envelope of every answer; the HTTP status is always 200.
type reply struct {
	Retry   bool            `json:"retry,omitempty"`   // nothing was done: this node does not lead
	Removed bool            `json:"removed,omitempty"` // the asking node is no member any more
	Error   *store.Error    `json:"error,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
}

// errNotLeader is returned by a leader's verb on a node that does not lead, when
// nothing was done.
var errNotLeader = errors.New("this node does not lead")

// notSent wraps the error of a request of which no byte left this node.
type notSent struct{ err error }

func (e notSent) Error() string { return e.err.Error() }
func (e notSent) Unwrap() error { return e.err }

// client talks to peers.
type client struct {
	removed func(by string) // a member says that this node is none
	level   int             // goes with every request; see levelHeader
	http    *http.Client
	tr      *http.Transport
}

func newClient(m *mux, level int) *client {
	tr := &http.Transport{
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			c, err := m.dialTLS(ctx, addr, protoPeer)
			if err != nil {
				return nil, notSent{err}
			}
			return c, nil
		},
		MaxIdleConnsPerHost: 4, IdleConnTimeout: peerIdle / 2, DisableCompression: true,
	}
	return &client{func(string) {}, level, &http.Client{Transport: tr}, tr}
}

func (c *client) close() { c.tr.CloseIdleConnections() }

// post sends body to a path of a peer and reads its reply. in []byte is sent as
// it is; anything else as JSON.
func (c *client) post(ctx context.Context, addr, path string, in, out any) (retry bool, err error) {
	body, ok := in.([]byte)
	if !ok {
		if body, err = json.Marshal(in); err != nil {
			return false, fmt.Errorf("encode request: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, enterTimeout) // backstop; callers set their own
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+addr+path, bytes.NewReader(body))
	if err != nil {
		return false, notSent{err}
	}
	if c.level > firstLevel {
		req.Header.Set(levelHeader, strconv.Itoa(c.level))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, statusError{addr, resp.StatusCode}
	}
	var r reply
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&r); err != nil {
		return false, fmt.Errorf("read the answer of %s: %w", addr, err)
	}
	if r.Removed {
		c.removed(addr)
	}
	switch {
	case r.Retry:
		return true, errNotLeader
	case r.Error != nil:
		return false, r.Error
	case out != nil && len(r.Value) > 0:
		if err := json.Unmarshal(r.Value, out); err != nil {
			return false, fmt.Errorf("read the answer of %s: %w", addr, err)
		}
	}
	return false, nil
}

// statusError is an answer that is no reply.
type statusError struct {
	addr string
	code int
}

func (e statusError) Error() string {
	return fmt.Sprintf("%s answers %d %s", e.addr, e.code, http.StatusText(e.code))
}

type peerKey struct{}

// newServer answers peers. Who they are is known from their certificates.
func (n *Node) newServer() *http.Server {
	mux := http.NewServeMux()
	for verb := range n.verbs {
		mux.HandleFunc("POST "+leaderPath+verb, n.handle(func(ctx context.Context, from model.NodeID, body []byte) (any, error) {
			return n.verbs[verb](ctx, from, body)
		}))
		mux.HandleFunc("POST "+anyPath+verb, n.handle(func(ctx context.Context, from model.NodeID, body []byte) (any, error) {
			if n.leads() {
				return n.verbs[verb](ctx, from, body)
			}
			if verb == "enter" {
				n.meet(ctx, from, body)
			}
			// The leader sees this node's certificate, not the first sender's; verbs
			// that care carry the sender in their body.
			var v json.RawMessage
			err := n.ask(ctx, verb, body, &v, true)
			return v, err
		}))
	}
	mux.HandleFunc("POST "+pingPath, n.handle(func(context.Context, model.NodeID, []byte) (any, error) {
		return n.Self(), nil
	}))
	if n.level() > firstLevel {
		mux.HandleFunc("POST "+levelPath, n.handle(n.serveLevel))
	}
	mux.HandleFunc("POST "+tetherPath, n.handle(n.giveTether))
	mux.HandleFunc("POST "+restartPath, n.handle(n.answerRestart))
	mux.HandleFunc("POST "+spreadPath, n.handle(n.answerSpread))
	mux.HandleFunc("POST "+pushPath, n.handle(n.receivePush))
	mux.HandleFunc("POST "+tellPath, n.handle(n.answerTell))
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: peerTimeout, ReadTimeout: 2 * peerTimeout, WriteTimeout: 2 * enterTimeout,
		IdleTimeout: peerIdle, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(slogWriter{n.log}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			creds := n.mux.creds.Load()
			t, ok := c.(peerConn)
			if !ok || creds == nil {
				return ctx
			}
			id, err := creds.ca.VerifyPeer(t.ConnectionState().PeerCertificates, x509.ExtKeyUsageClientAuth, time.Now())
			if err != nil {
				return ctx
			}
			return context.WithValue(ctx, peerKey{}, model.NodeID(id))
		},
	}
}

func (n *Node) handle(fn func(context.Context, model.NodeID, []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		from, ok := req.Context().Value(peerKey{}).(model.NodeID)
		if !ok {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
		if err != nil {
			http.Error(w, "body too large or cut short", http.StatusBadRequest)
			return
		}
		if n.exiled(from) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(reply{Removed: true, Error: errRemoved(n.nameOf(from))})
			return
		}
		if c := n.core.Load(); c != nil {
			c.peers.heard(hraftID(from), time.Now())
			c.peers.tells(hraftID(from), statedLevel(req.Header))
		}
		v, err := fn(req.Context(), from, body)
		r := reply{}
		switch e := (*store.Error)(nil); {
		case err == nil:
			if r.Value, err = json.Marshal(v); err != nil {
				http.Error(w, "encode answer", http.StatusInternalServerError)
				return
			}
		case errors.Is(err, errNotLeader):
			r.Retry = true
		case errors.As(err, &e):
			r.Error = e
		default:
			r.Error = store.Errorf(store.Unavailable, "%v", err)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r) // the sender is gone: it will notice
	}
}

func (n *Node) leads() bool {
	c := n.core.Load()
	return c != nil && c.leads()
}

// ask lets the leader execute a verb, wherever it is. It waits for a leader for
// up to writeWait. A verb that is not repeatable is sent once: when its answer
// is lost, the outcome is reported as unknown. in and out as in client.post.
func (n *Node) ask(ctx context.Context, verb string, in, out any, repeatable bool) error {
	body, ok := in.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
	}
	wait, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	var last error
	for {
		err := n.askOnce(ctx, wait, verb, body, out)
		if err == nil || store.KindOf(err) != "" {
			return err
		}
		var unsent notSent
		if !errors.Is(err, errNotLeader) {
			last = err
			if !repeatable && !errors.As(err, &unsent) {
				return store.Errorf(store.Unavailable, "The connection to the leader broke (%v): the write may or may not have taken effect.", err)
			}
		}
		if n.pause(wait, lookAgain) != nil {
			return n.noLeader(last)
		}
	}
}

func (n *Node) askOnce(ctx, wait context.Context, verb string, body []byte, out any) error {
	if n.core.Load() == nil {
		return store.Errorf(store.Unavailable, "This node is not a member of a cluster yet.")
	}
	if n.leads() {
		v, err := n.verbs[verb](ctx, n.Self(), body)
		if err != nil || out == nil {
			return err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		return json.Unmarshal(b, out)
	}
	addr, known := n.leader()
	if !known {
		return errNotLeader
	}
	// Verbs that take long (enter, switchover) have their own bounds in ctx; a
	// leader that has died is noticed by the election that follows.
	rctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := n.cancelOnLoss(rctx, cancel, addr)
	defer stop()
	_, err := n.client.post(rctx, addr, leaderPath+verb, body, out)
	if err != nil && wait.Err() != nil && store.KindOf(err) == "" {
		return n.noLeader(err)
	}
	return err
}

// cancelOnLoss ends a request when the node it went to is no longer the leader
// for longer than an election takes, or when this node closes.
func (n *Node) cancelOnLoss(ctx context.Context, cancel context.CancelFunc, addr string) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		lost := 0
		for {
			if n.pause(ctx, max(n.Timing().Detect/2, lookAgain)) != nil {
				cancel()
				return
			}
			if now, known := n.leader(); known && now == addr {
				lost = 0
			} else if lost++; lost > 6 {
				cancel()
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// noLeader is the answer when nobody can decide.
func (n *Node) noLeader(last error) error {
	msg := "There is no leader: a majority of the cluster's voters does not answer."
	if last != nil {
		msg = fmt.Sprintf("%s The last try failed: %v.", msg, last)
	}
	return store.Errorf(store.Unavailable, "%s", msg)
}

// slogWriter takes what net/http would print.
type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Write(b []byte) (int, error) {
	w.log.Debug("peer server", "err", strings.TrimSpace(string(b)))
	return len(b), nil
}
