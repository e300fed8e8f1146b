package raft

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"lbd/internal/peerca"
	"lbd/store/model"
)

func (n *Node) identity() *identity {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ident
}

// useIdentity makes the peer port answer under ident.
func (n *Node) useIdentity(ident *identity) error {
	ca, err := peerca.LoadCA(ident.CA, ident.Secrets.CAKey)
	if err != nil {
		return damaged(filepath.Join(n.cfg.DataDir, identityFile), err)
	}
	cert, err := ca.TLS(ident.Cert, ident.Key)
	if err != nil {
		return damaged(filepath.Join(n.cfg.DataDir, identityFile), err)
	}
	n.mux.creds.Store(&credentials{ca, cert})
	n.mu.Lock()
	n.ident = ident
	n.mu.Unlock()
	return nil
}

// Secrets are the node's keys; zero before Bootstrap or Join.
func (n *Node) Secrets() Secrets {
	id, creds := n.identity(), n.mux.creds.Load()
	if id == nil || creds == nil {
		return Secrets{}
	}
	return Secrets{Secrets: id.Secrets, Certificate: creds.cert, CA: id.CA, Fingerprint: creds.ca.Fingerprint()}
}

// Certificate is the node's newest certificate, for tls.Config.GetCertificate.
func (n *Node) Certificate() (*tls.Certificate, error) {
	c := n.mux.creds.Load()
	if c == nil {
		return nil, errNoIdentity
	}
	return &c.cert, nil
}

// newClusterIdentity makes the CA and this node's certificate under it.
func (n *Node) newClusterIdentity() (*identity, error) {
	now := time.Now()
	ca, err := peerca.NewCA(n.cfg.Name, now)
	if err != nil {
		return nil, err
	}
	caKey, err := ca.KeyPEM()
	if err != nil {
		return nil, err
	}
	secrets, err := peerca.NewSecrets(caKey)
	if err != nil {
		return nil, err
	}
	ident := &identity{
		ID: model.NodeID(uuid.NewString()), Name: n.cfg.Name, Kind: n.cfg.Kind, Origin: originBootstrap,
		CA: ca.CertPEM(), Secrets: secrets, Advertise: n.addr,
	}
	return n.sign(ident, now)
}

// sign gives ident a fresh key and certificate from the CA key every member has.
func (n *Node) sign(old *identity, now time.Time) (*identity, error) {
	ident := *old
	ca, err := peerca.LoadCA(ident.CA, ident.Secrets.CAKey)
	if err != nil {
		return nil, err
	}
	key, err := peerca.NewKey()
	if err != nil {
		return nil, fmt.Errorf("make node key: %w", err)
	}
	if ident.Cert, err = ca.Sign(&key.PublicKey, string(ident.ID), n.hosts(), now); err != nil {
		return nil, err
	}
	if ident.Key, err = peerca.EncodeKey(key); err != nil {
		return nil, err
	}
	return &ident, nil
}

// hosts are the names this node is reached by.
func (n *Node) hosts() []string {
	hosts := []string{n.addr, n.cfg.APIAdvertise, "127.0.0.1", "::1", "localhost"}
	if h, err := os.Hostname(); err == nil {
		hosts = append(hosts, h)
	}
	return hosts
}
