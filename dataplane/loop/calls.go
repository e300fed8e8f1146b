package loop

// Calls counts the system calls of a loop, by what they are for. They are what
// most of a request's cost is made of, so tests bound their number. On the
// loop's goroutine.
type Calls struct {
	Wait, Read, Write, Splice, Peek uint64
	// Connect counts all that sets a connection up or ends it: accept, socket,
	// connect, options, epoll_ctl, shutdown, close.
	Connect uint64
}

// Sum is all of them.
func (c Calls) Sum() uint64 { return c.Wait + c.Read + c.Write + c.Splice + c.Peek + c.Connect }

// Calls is what has been counted so far.
func (l *Loop) Calls() Calls { return l.calls }
