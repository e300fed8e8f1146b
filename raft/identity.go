package raft

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"lbd/internal/peerca"
	"lbd/store/model"
)

// Names of what is in the data directory.
const (
	identityFile = "node.db"
	logFile      = "raft.db"
	lastGoodFile = "lastgood.json"
)

var (
	bucketIdentity = []byte("identity")
	bucketSeat     = []byte("seat")
	keyIdentity    = []byte("identity")
	keySeatVote    = []byte("vote")
)

// identity is what makes this process the node it is.
type identity struct {
	ID        model.NodeID   `json:"id"`
	Name      string         `json:"name"`
	Kind      model.NodeKind `json:"kind"`
	Origin    string         `json:"origin"` // originBootstrap or originJoin
	Entered   bool           `json:"entered"`
	Key       []byte         `json:"key"`         // PEM
	Cert      []byte         `json:"certificate"` // PEM
	CA        []byte         `json:"ca"`          // PEM
	Secrets   peerca.Secrets `json:"secrets"`
	Peers     []string       `json:"peers,omitempty"`     // where to enter, after a join
	Advertise string         `json:"advertise,omitempty"` // the peer address last announced
}

const (
	originBootstrap = "bootstrap"
	originJoin      = "join"
)

// local is the bbolt file of node-local facts. Holding it open locks the data
// directory against a second lbd.
type local struct {
	db *bbolt.DB
}

func openLocal(dir string) (*local, error) {
	path := filepath.Join(dir, identityFile)
	err := precheckBolt(path)
	fresh := errors.Is(err, errNewDB)
	if err != nil && !fresh {
		return nil, damaged(path, err)
	}
	if fresh {
		// A log without an identity is not a new node but half of an old one.
		if fi, err := os.Stat(filepath.Join(dir, logFile)); err == nil && fi.Size() > 0 {
			return nil, fmt.Errorf("%s is missing or empty but %s is there: restore it, or empty the directory and join again", path, logFile)
		}
	}
	l := &local{}
	err = guarded(func() (err error) {
		if l.db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout}); err != nil {
			return err
		}
		if err := l.db.Update(func(tx *bbolt.Tx) error {
			for _, b := range [][]byte{bucketIdentity, bucketSeat, bucketExiles} {
				if _, err := tx.CreateBucketIfNotExists(b); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		return checkBolt(l.db)
	})
	if errors.Is(err, bberrors.ErrTimeout) {
		return nil, fmt.Errorf("data directory %s is in use by another lbd process", dir)
	}
	if err != nil {
		l.close()
		return nil, damaged(path, err)
	}
	return l, nil
}

func damaged(path string, err error) error {
	return fmt.Errorf("%s cannot be used: %w; restore the data directory, or empty it and join again", path, err)
}

// checkBolt walks every page of a small database.
func checkBolt(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = err
			}
		}
		return first
	})
}

func (l *local) close() error {
	if l.db == nil {
		return nil
	}
	return l.db.Close()
}

// load returns nil when there is no identity yet.
func (l *local) load() (*identity, error) {
	var id *identity
	err := l.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketIdentity).Get(keyIdentity)
		if b == nil {
			return nil
		}
		id = &identity{}
		return json.Unmarshal(b, id)
	})
	if err == nil && id != nil && (id.ID == "" || len(id.Key) == 0 || len(id.Cert) == 0 || len(id.CA) == 0) {
		err = errors.New("the identity is incomplete")
	}
	if err != nil {
		return nil, damaged(l.db.Path(), err)
	}
	return id, nil
}

func (l *local) save(id *identity) error {
	b, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	err = l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketIdentity).Put(keyIdentity, b) })
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	return nil
}

// seatVote is what the arbiter seat, as this node answers it, has voted.
type seatVote struct {
	Term uint64 `json:"term"`
	For  string `json:"for"`
}

func (l *local) loadSeatVote() (v seatVote, err error) {
	err = l.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketSeat).Get(keySeatVote); b != nil {
			return json.Unmarshal(b, &v)
		}
		return nil
	})
	if err != nil {
		err = damaged(l.db.Path(), fmt.Errorf("the seat's vote: %w", err))
	}
	return v, err
}

// saveSeatVote returns after the vote is on disk.
func (l *local) saveSeatVote(v seatVote) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketSeat).Put(keySeatVote, b) })
}
