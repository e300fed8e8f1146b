package raft

import (
	"time"

	"lbd/internal/peerca"
)

// renew replaces a certificate that is about to end, or is over: every member
// has the CA key, so nobody needs to be asked.
func (n *Node) renew(ident *identity, now time.Time) (*identity, error) {
	cert, err := peerca.ParseCertificate(ident.Cert)
	if err != nil {
		return nil, damaged(n.local.db.Path(), err)
	}
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
	n.metrics.renewed.Inc()
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
		if err := n.renewNow(time.Now()); err != nil {
			n.log.Error("renew node certificate", "err", err)
		}
	}
}

// renewNow replaces the certificate in use, when it is time to.
func (n *Node) renewNow(now time.Time) error {
	ident := n.identity()
	fresh, err := n.renew(ident, now)
	if err != nil || fresh == ident {
		return err
	}
	return n.useIdentity(fresh)
}

// certificateLeft is how long the certificate in use is still good.
func (n *Node) certificateLeft(now time.Time) time.Duration {
	c := n.mux.creds.Load()
	if c == nil || c.cert.Leaf == nil {
		return 0
	}
	return c.cert.Leaf.NotAfter.Sub(now)
}
