package l4

import (
	"errors"
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/semantics"
	"lbd/dataplane/table"
)

// Reason is what the access log says of a relay that ended with err.
func Reason(err error) semantics.End {
	switch {
	case err == nil:
		return semantics.Completed
	case errors.Is(err, ErrClientIdle), errors.Is(err, ErrServerIdle):
		return semantics.IdleTimeout
	case errors.Is(err, ErrServer):
		return semantics.MemberCut
	}
	return semantics.ClientAborted
}

// begin starts the entry of a flow, nil when its listener logs nothing.
func (f *flow) begin(l *table.Listener) {
	if l.Log == nil {
		return
	}
	f.log = new(accesslog.Entry)
	f.log.Begin(l.Log, f.client.Remote(), f.client.Local(), time.Now())
	f.log.Flow(accesslog.TCP)
}

// linked notes the connection to the member.
func (f *flow) linked(l *table.Listener, m *table.Member) {
	if f.log != nil {
		f.log.Connected(l.Route.Default.ID, m.ID(), m.Addr, false, time.Now())
	}
}

// ended writes the entry of a flow whose relay, nil without a member, has ended.
func (f *flow) ended(r *Relay, why semantics.End) {
	if f.log == nil {
		return
	}
	if f.ctx.Err() != nil {
		why = semantics.Cut
	}
	if r != nil {
		f.log.BytesIn, f.log.BytesOut = r.FromClient, r.ToClient
	}
	f.log.Because(why)
	f.log.Finish(int(f.log.Client.Port()), time.Now())
}
