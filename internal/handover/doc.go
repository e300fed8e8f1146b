// Package handover is how one process of a node gives what it has open to the
// next one, so that no socket is closed on the way: messages over a pair of Unix
// sockets, with descriptors attached (SCM_RIGHTS, unix(7)).
//
//	old                                              new
//	 │ starts it, with one end of the pair             │
//	 │◄──────────── Hello: I could start ──────────────┤  or Fault: why not
//	 │ ends its control part                           │
//	 ├── Sockets, Verdicts, Sessions, Go: yours now ──►│  opens the store
//	 │◄──────────── Serving: I accept, and lead ───────┤
//	 ├── Holder: the VIP holder is yours ─────────────►│
//	 │◄──────────── Done ──────────────────────────────┤
//	 │ only drains                                     │
//	 ├── Draining: n connections, now and then ───────►│
//	 │◄──────────── Cut: end them now ─────────────────┤
//
// It moves bytes and descriptors and knows nothing of what they are for.
package handover
