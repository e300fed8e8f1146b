package app

import (
	"errors"
	"sync"

	"lbd/internal/seal"
	"lbd/raft"
)

// sealer seals and opens with the cluster's key, which is there once the node is
// part of a cluster.
type sealer struct {
	node *raft.Node

	mu   sync.Mutex
	made *seal.Sealer // guarded by mu; nil before the key was there
}

var errNoSealKey = errors.New("this node is not part of a cluster yet")

func (s *sealer) get() (*seal.Sealer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != nil {
		return s.made, nil
	}
	key := s.node.Secrets().SealKey
	if len(key) == 0 {
		return nil, errNoSealKey
	}
	var err error
	s.made, err = seal.New(key)
	return s.made, err
}

// Seal implements deps.Sealer.
func (s *sealer) Seal(id string, plain []byte) ([]byte, error) {
	made, err := s.get()
	if err != nil {
		return nil, err
	}
	return made.Seal(id, plain)
}

// Open implements deps.Sealer and tlsterm.Keys.
func (s *sealer) Open(id string, box []byte) ([]byte, error) {
	made, err := s.get()
	if err != nil {
		return nil, err
	}
	return made.Open(id, box)
}

// Derive implements tlsterm.Keys.
func (s *sealer) Derive(purpose string) ([]byte, error) {
	made, err := s.get()
	if err != nil {
		return nil, err
	}
	return made.Derive(purpose)
}

// sessionKey is what persistence cookies are made with: of the cluster, and of no
// other use. nil before the node belongs to one.
func (n *node) sessionKey() []byte {
	s, err := seal.New(n.raft.Secrets().SealKey)
	if err != nil {
		return nil
	}
	k, err := s.Derive("lbd session persistence")
	if err != nil {
		return nil
	}
	return k
}
