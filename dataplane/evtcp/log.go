package evtcp

import (
	"time"

	"lbd/dataplane/accesslog"
	"lbd/dataplane/semantics"
)

// Broke is which side cut a relay short, for the access log.
func (r *Relay) Broke() semantics.End {
	if r.Server.Broken && !r.Client.Broken {
		return semantics.MemberCut
	}
	return semantics.ClientAborted
}

// beginLog starts the entry of a flow, if its listener logs.
func (f *flow) beginLog() {
	if f.lis.Log == nil {
		return
	}
	f.log = new(accesslog.Entry)
	f.log.Begin(f.lis.Log, f.remote, f.door.Local, time.Now())
	f.log.Flow(accesslog.TCP)
}

// linked notes the connection to the member.
func (f *flow) linked() {
	if f.log != nil {
		f.log.Connected(f.lis.Route.Default.ID, f.member.ID(), f.member.Addr, false, time.Now())
	}
}

// because notes why the flow ends as it does.
func (f *flow) because(why semantics.End) {
	if f.log != nil {
		f.log.Because(why)
	}
}

// logged writes the entry.
func (f *flow) logged() {
	if f.log == nil {
		return
	}
	f.log.Because(semantics.Cut)
	f.log.BytesIn, f.log.BytesOut = f.relay.FromClient, f.relay.ToClient
	f.log.Finish(f.s.n, time.Now())
}
