package app

import (
	"encoding/json"
	"fmt"
	"time"

	"lbd/dataplane"
	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
	"lbd/internal/handover"
	"lbd/store/model"
)

const (
	// maxSessionsAtOnce in a message: each is some 150 bytes.
	maxSessionsAtOnce = 256
	// maxSessions bounds what is handed over, so that it takes a second or two at
	// most; the most recently used of each part of a table go first.
	maxSessions = 1 << 18
	// sessionsWithin is more than any table keeps.
	sessionsWithin = 24 * time.Hour
)

// session is one that an earlier process has learned.
type session struct {
	key   table.SessionsKey
	entry sticky.Entry
}

// sendSessions sends what persistence has learned. What is learned after that,
// until the new process accepts, is lost to it.
func (h *heir) sendSessions(e *dataplane.Engine) error {
	all := map[table.SessionsKey][]handover.Session{}
	n := 0
	e.ExportSessions(sessionsWithin, func(k table.SessionsKey, s sticky.Entry) bool {
		all[k] = append(all[k], handover.Session{Key: s.Key[:], Member: s.Member, Age: s.Age})
		n++
		return n < maxSessions
	})
	for k, list := range all {
		as, err := json.Marshal(k.As)
		if err != nil {
			return fmt.Errorf("encode the persistence of pool %s: %w", k.Pool, err)
		}
		for len(list) > 0 {
			part := list[:min(len(list), maxSessionsAtOnce)]
			if err := h.conn.Send(handover.KindSessions, handover.Sessions{Pool: string(k.Pool), Persistence: as, List: part}); err != nil {
				return err
			}
			list = list[len(part):]
		}
	}
	return nil
}

func (p *predecessor) learnSessions(s *handover.Sessions) error {
	key := table.SessionsKey{Pool: model.PoolID(s.Pool)}
	if err := json.Unmarshal(s.Persistence, &key.As); err != nil {
		return fmt.Errorf("read the persistence of pool %s: %w", s.Pool, err)
	}
	for _, e := range s.List {
		if len(e.Key) != len(sticky.Key{}) || len(p.sessions) >= maxSessions {
			continue
		}
		p.sessions = append(p.sessions, session{key, sticky.Entry{Key: sticky.Key(e.Key), Member: e.Member, Age: e.Age}})
	}
	return nil
}

// importSessions is for the moment when the tables of this process are there.
func (p *predecessor) importSessions() {
	if p.n.engine == nil {
		return
	}
	for _, s := range p.sessions {
		p.n.engine.ImportSession(s.key, s.entry)
	}
	p.sessions = nil
}
