package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
)

// Counters of a listener's handshakes. Values only grow.
type Counters struct {
	Full, Resumed atomic.Int64
	failed        [reasons]atomic.Int64
}

type reason int

// Why handshakes fail.
const (
	reasonTimeout     reason = iota
	reasonGone               // the client left
	reasonBusy               // too many at once
	reasonNotTLS             // the first bytes are something else
	reasonParameters         // no version, cipher, curve or protocol in common
	reasonCertificate        // the client's certificate is missing or not accepted
	reasonRefused            // the client sent an alert: it does not like ours, say
	reasonInternal
	reasons // how many
)

func (r reason) String() string {
	return [...]string{"timeout", "gone", "busy", "not_tls", "parameters", "client_certificate", "refused", "internal"}[r]
}

// Done counts a handshake by how it ended.
func (c *Counters) Done(st *tls.ConnectionState, err error) {
	switch {
	case err != nil:
		c.fail(reasonOf(err))
	case st.DidResume:
		c.Resumed.Add(1)
	default:
		c.Full.Add(1)
	}
}

func (c *Counters) fail(r reason) {
	if c != nil {
		c.failed[r].Add(1)
	}
}

// Failed calls each with every reason and its count.
func (c *Counters) Failed(each func(reason string, n int64)) {
	for r := range reasons {
		each(r.String(), c.failed[r].Load())
	}
}

func reasonOf(err error) reason {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reasonTimeout
	case errors.Is(err, ErrBusy):
		return reasonBusy
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return reasonGone
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return reasonNotTLS
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return reasonCertificate
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return reasonCertificate
	}
	text := err.Error() // crypto/tls has no types for the rest
	switch {
	case strings.Contains(text, "remote error"):
		return reasonRefused
	case strings.Contains(text, "certificate"), strings.Contains(text, "revo"):
		return reasonCertificate
	}
	return reasonParameters
}
