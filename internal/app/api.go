package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"lbd/api"
	"lbd/api/admin"
	"lbd/api/deps"
	"lbd/api/identity"
	"lbd/api/keymanager"
	"lbd/api/network"
	"lbd/api/octavia"
	"lbd/internal/buildinfo"
	"lbd/internal/flagenv"
	"lbd/raft"
	"lbd/webui"
)

// serveAPI serves the API on its port and on the admin socket until ctx ends.
// ready is closed when both take connections.
func (n *node) serveAPI(ready chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		local, err := n.listenAdmin()
		if err != nil {
			return err
		}
		n.adminListener = local
		srv := n.apiServer
		if srv == nil {
			srv = n.newAPI()
		}
		close(ready)
		return srv.Run(ctx, n.apiListener, local)
	}
}

func (n *node) newAPI() *api.Server {
	cfg := deps.Config{
		Listen: n.apiAddr, Plain: n.cfg.APIPlain, NoAuth: n.cfg.Auth == "none", TokenKey: n.raft.Secrets().TokenKey,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return n.raft.Certificate() // renewed while the node runs
		}},
	}
	cl := &cluster{node: n.raft}
	sp := n.spread
	writer := api.NoteWrites(n.raft)
	id := identity.New(cfg, n.st, writer, n.reg, n.log)
	d := api.Deps{
		Auth: id, Basic: id.Basic, Local: id.LocalAdmin, Reader: n.st, Cluster: cl, Healthy: n.healthy,
		UI: webui.Handler(buildinfo.Get().String()), Log: n.log, Registry: n.reg,
	}
	var front api.Part = id
	if n.keystone != nil {
		front, d.Auth, d.Basic = n.keystone, n.keystone, nil // a password is Keystone's to check
	}
	return api.New(cfg, d,
		front,
		network.New(writer, n.st),
		octavia.New(writer, n.st, n.obs, cl).WithKeys(n.sealer).WithSpread(sp),
		keymanager.New(writer, n.st, n.sealer),
		admin.New(n.st, n.obs, cl).WithSpread(sp),
	)
}

// listenAdmin gives the admin socket, that of the process before where there is one.
func (n *node) listenAdmin() (*net.UnixListener, error) {
	if n.adminListener != nil { // handed over
		return n.adminListener, nil
	}
	return listenLocal(n.cfg.DataDir)
}

// listenLocal opens the admin socket; a leftover of a node that died is removed.
// The data directory is locked by Raft's store, so no other node can be behind it.
func listenLocal(dir string) (*net.UnixListener, error) {
	path := filepath.Join(dir, flagenv.SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old admin socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	return l.(*net.UnixListener), nil
}

// healthy says why this node does not do its part: no quorum, or a data plane
// that has loaded nothing.
func (n *node) healthy() error {
	if q := n.raft.State().Quorum; q == raft.QuorumLost {
		return errors.New("no quorum")
	}
	if n.engine != nil && !n.dataPlaneReady() {
		return errors.New("data plane not ready")
	}
	return nil
}
