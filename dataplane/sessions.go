package dataplane

import (
	"time"

	"lbd/dataplane/sticky"
	"lbd/dataplane/table"
)

// ExportSessions gives what persistence has learned here and was used within the
// last d, for another node, until yield returns false. yield must not block: the
// traffic of a part of the table waits.
func (e *Engine) ExportSessions(d time.Duration, yield func(table.SessionsKey, sticky.Entry) bool) {
	for key, t := range e.survivors.allSessions() {
		more := true
		t.Export(d, func(s sticky.Entry) bool { more = yield(key, s); return more })
		if !more {
			return
		}
	}
}

// ImportSession takes what another node has learned; false when there is no such
// pool here. What is known here and newer stays.
func (e *Engine) ImportSession(key table.SessionsKey, s sticky.Entry) bool {
	t, ok := e.survivors.allSessions()[key]
	if ok {
		t.Import(s)
	}
	return ok
}
