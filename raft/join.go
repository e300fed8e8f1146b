package raft

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lbd/internal/peerca"
	"lbd/store"
)

// defaultAPIPort is where a peer's API is when no port is named.
const defaultAPIPort = "9876"

// Join makes this node a member: it gets a certificate from a member's API, by
// token or by approval, and then enters the Raft configuration over the peer
// port. A failed Join leaves nothing behind that a later one could stumble over.
func (n *Node) Join(ctx context.Context, req JoinRequest) error {
	n.entering.Lock()
	defer n.entering.Unlock()
	if n.HasState() {
		return errors.New("this node is a member of a cluster already")
	}
	ident, err := n.local.load()
	if err != nil {
		return err
	}
	if ident != nil && ident.Origin != originJoin {
		return fmt.Errorf("data directory %s holds an unfinished first start: empty it to join another cluster", n.cfg.DataDir)
	}
	if ident == nil || n.core.Load() == nil && !n.stillWelcome(ctx, ident) {
		if n.core.Load() != nil {
			return errors.New("this node has begun to join already")
		}
		if ident, err = n.getAdmitted(ctx, req); err != nil {
			return err
		}
		if err := n.forgetLog(); err != nil {
			return err
		}
		if err := n.local.save(ident); err != nil {
			return err
		}
	}
	if n.core.Load() == nil {
		if err := n.startRaft(ident, false); err != nil {
			return err
		}
	}
	if err := n.enter(ctx, ident); err != nil {
		return err
	}
	return n.markEntered()
}

// stillWelcome tells whether the identity of an interrupted join can be used: a
// member of its cluster answers.
func (n *Node) stillWelcome(ctx context.Context, ident *identity) bool {
	if ident.Name != n.cfg.Name || ident.Kind != n.cfg.Kind || n.useIdentity(ident) != nil {
		return false
	}
	for _, p := range ident.Peers {
		tctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
		_, err := n.client.post(tctx, p, pingPath, struct{}{}, nil)
		cancel()
		if err == nil {
			return true
		}
	}
	return false
}

// forgetLog removes what an interrupted join to some other cluster may have left.
func (n *Node) forgetLog() error {
	for _, p := range []string{logFile, "snapshots", committedFile} {
		if err := os.RemoveAll(filepath.Join(n.cfg.DataDir, p)); err != nil {
			return fmt.Errorf("remove the rest of an earlier join: %w", err)
		}
	}
	return nil
}

// getAdmitted asks members for a certificate, and again while it is pending.
func (n *Node) getAdmitted(ctx context.Context, req JoinRequest) (*identity, error) {
	var pin *[sha256.Size]byte
	if req.Token != "" {
		t, err := peerca.ParseToken(req.Token)
		if err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
		pin = &t.CAHash
	}
	if len(req.Peers) == 0 {
		return nil, errors.New("join: no peer is named")
	}
	key, err := peerca.NewKey()
	if err != nil {
		return nil, fmt.Errorf("make node key: %w", err)
	}
	csr, err := peerca.NewCSR(key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := peerca.EncodeKey(key)
	if err != nil {
		return nil, err
	}
	body := JoinHTTPRequest{
		Token: strings.TrimSpace(req.Token), Name: n.cfg.Name, Kind: n.cfg.Kind, Cluster: n.addr, API: n.cfg.APIAdvertise, CSR: string(csr),
	}
	k := &knocker{dial: n.mux.dial, pin: pin}
	shown, unavailable := "", time.Now().Add(writeWait*4)
	for {
		resp, err := k.knock(ctx, req.Peers, body)
		switch {
		case err == nil && resp.Certificate != "":
			return n.newMember(resp, keyPEM, *k.pin)
		case err == nil:
			want, cerr := peerca.Code(*k.pin, &key.PublicKey)
			if cerr != nil {
				return nil, cerr
			}
			if resp.Code != want {
				return nil, errors.New("join: the cluster shows another code than this node: someone is in between")
			}
			if shown != want {
				shown = want
				n.log.Info("waiting for approval", "code", want)
				if req.OnCode != nil {
					req.OnCode(want)
				}
			}
		case shown == "" && (store.KindOf(err) != store.Unavailable || time.Now().After(unavailable)):
			return nil, err
		case store.KindOf(err) != "" && store.KindOf(err) != store.Unavailable:
			return nil, err
		}
		if n.pause(ctx, joinPoll) != nil {
			if shown != "" {
				return nil, fmt.Errorf("join: not approved (code %s): %w", shown, context.Cause(ctx))
			}
			return nil, err
		}
	}
}

// newMember checks the answer and makes an identity of it.
func (n *Node) newMember(resp JoinHTTPResponse, keyPEM []byte, pin [sha256.Size]byte) (*identity, error) {
	secrets, err := peerca.DecodeSecrets(resp.Secrets)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	ca, err := peerca.LoadCA([]byte(resp.CA), secrets.CAKey)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	if ca.Hash() != pin {
		return nil, fmt.Errorf("join: %w", peerca.ErrWrongCA)
	}
	cert, err := ca.TLS([]byte(resp.Certificate), keyPEM)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	if id, _ := peerca.NodeID(cert.Leaf); id == "" || id != string(resp.ID) {
		return nil, errors.New("join: the certificate is not for the node id that came with it")
	}
	return &identity{
		ID: resp.ID, Name: n.cfg.Name, Kind: n.cfg.Kind, Origin: originJoin, Key: keyPEM, Cert: []byte(resp.Certificate),
		CA: []byte(resp.CA), Secrets: secrets, Peers: resp.Peers, Advertise: n.addr,
	}, nil
}

// enter asks the members in turn until the leader has this node in the configuration.
func (n *Node) enter(ctx context.Context, ident *identity) error {
	ctx, cancel := context.WithTimeout(ctx, enterTimeout)
	defer cancel()
	body := enterBody{Node: n.record(ident, time.Now()), Join: true}
	for {
		err := errors.New("join: the cluster named no members")
		for _, p := range ident.Peers {
			_, err = n.client.post(ctx, p, anyPath+"enter", body, nil)
			if err == nil {
				return nil
			}
			if k := store.KindOf(err); k != "" && k != store.Unavailable {
				return fmt.Errorf("join: %w", err)
			}
			err = fmt.Errorf("join: enter the cluster at %s: %w", p, err)
		}
		n.log.Debug("enter the cluster", "err", err)
		if n.pause(ctx, joinPoll/4) != nil {
			return err
		}
	}
}

// knocker talks to APIs before this node has credentials.
type knocker struct {
	dial dialFunc
	pin  *[sha256.Size]byte // nil until the first answer, when there is no token
}

// knock tries every address of every peer. An answer by a member counts, good or
// bad; otherwise the error names each address with its reason.
func (k *knocker) knock(ctx context.Context, peers []string, body JoinHTTPRequest) (JoinHTTPResponse, error) {
	var errs []string
	var last error
	for _, peer := range peers {
		addrs, err := lookupPeer(ctx, peer)
		if err != nil {
			errs, last = append(errs, err.Error()), err
			continue
		}
		for _, addr := range addrs {
			resp, err := k.post(ctx, addr, body)
			if err == nil {
				return resp, nil
			}
			name := peer
			if name != addr {
				name = peer + " (" + addr + ")"
			}
			var answer *store.Error
			if errors.As(err, &answer) {
				err = fmt.Errorf("join %s: %w", name, answer)
				if answer.Kind != store.Unavailable {
					return resp, err
				}
				errs, last = append(errs, err.Error()), err
				continue
			}
			last = fmt.Errorf("join %s: %s", name, explain(err))
			errs = append(errs, last.Error())
		}
	}
	if len(errs) > 1 && store.KindOf(last) == "" {
		return JoinHTTPResponse{}, errors.New(strings.Join(errs, "; "))
	}
	return JoinHTTPResponse{}, last
}

func (k *knocker) post(ctx context.Context, addr string, body JoinHTTPRequest) (out JoinHTTPResponse, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTry)
	defer cancel()
	var seen *[sha256.Size]byte
	cfg := peerca.PinTLS(k.pin, func(h [sha256.Size]byte) { seen = &h })
	tr := &http.Transport{TLSClientConfig: cfg, DialContext: k.dial, DisableKeepAlives: true, TLSHandshakeTimeout: handshakeTimeout}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+addr+"/v1/cluster/join", bytes.NewReader(b))
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if k.pin == nil {
		k.pin = seen // trust on first use, and then keep to it
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return out, err
	}
	if resp.StatusCode/100 != 2 {
		return out, answerError(resp.StatusCode, resp.Header.Get("Content-Type"), raw)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, fmt.Errorf("the answer is not that of an lbd node: %w", err)
	}
	if out.Certificate == "" && out.Code == "" {
		return out, errors.New("the answer is not that of an lbd node")
	}
	return out, nil
}

// answerError reads the fault of a member's API, whose shape depends on the path
// and version, into one sentence.
func answerError(status int, contentType string, body []byte) error {
	kind := store.Invalid
	switch status {
	case http.StatusConflict:
		kind = store.Conflict
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = store.Forbidden
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		kind = store.Unavailable
	}
	var f map[string]any
	if json.Unmarshal(body, &f) == nil {
		if e, ok := f["error"].(map[string]any); ok {
			f = e
		}
		for _, k := range []string{"faultstring", "message", "error", "title"} {
			if s, ok := f[k].(string); ok && s != "" {
				return store.Errorf(kind, "%s", s)
			}
		}
	}
	text := strings.TrimSpace(string(body))
	if text == "" || len(text) > 300 || strings.Contains(contentType, "html") {
		text = "it answers " + strconv.Itoa(status) + " " + http.StatusText(status)
	}
	return store.Errorf(kind, "%s", text)
}

// explain makes a short reason of a network error.
func explain(err error) string {
	switch {
	case errors.Is(err, peerca.ErrWrongCA):
		return "it belongs to another cluster than the join token"
	case errors.Is(err, peerca.ErrNotMember):
		return peerca.ErrNotMember.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused; is lbd running there, and is that its API port?"
	case isTimeout(err):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "given up"
	}
	return plainError(err).Error()
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// lookupPeer finds the API addresses behind host, host:port or a name with an
// SRV record _lbd._tcp.
func lookupPeer(ctx context.Context, peer string) ([]string, error) {
	host, port, err := net.SplitHostPort(peer)
	if err != nil {
		host, port = strings.Trim(peer, "[]"), ""
	}
	if host == "" || strings.ContainsAny(host, "/ @") || port != "" && !validHostPort(net.JoinHostPort("x", port)) {
		return nil, fmt.Errorf("join: %q is not a host, host:port or DNS name", peer)
	}
	if net.ParseIP(host) != nil {
		if port == "" {
			port = defaultAPIPort
		}
		return []string{net.JoinHostPort(host, port)}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, joinTry)
	defer cancel()
	var out []string
	if port == "" {
		port = defaultAPIPort
		if _, srvs, err := net.DefaultResolver.LookupSRV(ctx, "lbd", "tcp", host); err == nil {
			for _, s := range srvs {
				ips, err := net.DefaultResolver.LookupHost(ctx, s.Target)
				if err != nil {
					continue
				}
				for _, ip := range ips {
					out = append(out, net.JoinHostPort(ip, strconv.Itoa(int(s.Port))))
				}
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	ips, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("join %s: the name is not known: %w", peer, plainError(err))
	}
	for _, ip := range ips {
		out = append(out, net.JoinHostPort(ip, port))
	}
	return out, nil
}
