package raft

import (
	"time"

	"lbd/internal/peerca"
)

// renew replaces a certificate that is about to end, or is over: every member
// has the CA key, so nobody needs to be asked.
func (n *Node) renew(ident *identity) (*identity, error) {
	cert, err := peerca.ParseCertificate(ident.Cert)
	if err != nil {
		return nil, damaged(n.local.db.Path(), err)
	}
	now := time.Now()
	if now.Before(cert.NotAfter.Add(-peerca.RenewBefore)) {
		return ident, nil
	}
	fresh, err := n.sign(ident, now)
	if err != nil {
		return nil, err
	}
	if err := n.local.save(fresh); err != nil {
		return nil, err
	}
	n.log.Info("node certificate renewed", "until", now.Add(peerca.NodeLife))
	return fresh, nil
}

func (n *Node) renewLoop() {
	tick := time.NewTicker(renewCheck)
	defer tick.Stop()
	for {
		select {
		case <-n.done:
			return
		case <-tick.C:
		}
		ident := n.identity()
		fresh, err := n.renew(ident)
		if err == nil && fresh != ident {
			err = n.useIdentity(fresh)
		}
		if err != nil {
			n.log.Error("renew node certificate", "err", err)
		}
	}
}
