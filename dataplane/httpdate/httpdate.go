// Package httpdate makes the Date line of answers (RFC 9110 section 6.6.1).
package httpdate

import (
	"sync/atomic"
	"time"
)

// stamp is the line of one second. It is never changed.
type stamp struct {
	second int64
	line   []byte
}

var last atomic.Pointer[stamp]

// Line is "Date: ...\r\n" of now, in IMF-fixdate. It is made once a second; do not
// change it.
func Line() []byte { return at(time.Now()) }

func at(now time.Time) []byte {
	s := last.Load()
	if second := now.Unix(); s == nil || s.second != second {
		s = &stamp{second: second, line: now.UTC().AppendFormat(nil, "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n")}
		last.Store(s)
	}
	return s.line
}
