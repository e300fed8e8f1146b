package http1

// Refusal says why a message is not accepted. Its values are shared constants:
// refusing costs no allocation. For a member's answer Status is always 502.
type Refusal struct {
	Status int    // what to answer the client
	Reason string // for logs: a constant phrase, no bytes of the message
}

func (r *Refusal) Error() string { return r.Reason }

func refusal(status int, reason string) *Refusal { return &Refusal{status, reason} }

// Requests.
var (
	errBareLF         = refusal(400, "a line ends without CR")
	errBareCR         = refusal(400, "a CR stands alone")
	errLeading        = refusal(400, "too many empty lines before the head")
	errRequestLine    = refusal(400, "malformed request line")
	errMethod         = refusal(400, "malformed method")
	errVersion        = refusal(400, "malformed version")
	errVersionNumber  = refusal(505, "the major version is not 1")
	errTarget         = refusal(400, "malformed request target")
	errConnect        = refusal(405, "CONNECT is not served")
	errFold           = refusal(400, "a field line is folded")
	errFieldName      = refusal(400, "malformed field name")
	errFieldValue     = refusal(400, "malformed field value")
	errHost           = refusal(400, "malformed Host")
	errHostMissing    = refusal(400, "Host is missing")
	errHostTwice      = refusal(400, "Host is repeated")
	errAuthority      = refusal(400, "Host differs from the request target")
	errLength         = refusal(400, "malformed Content-Length")
	errLengthTwice    = refusal(400, "Content-Length is repeated")
	errBoth           = refusal(400, "Content-Length together with Transfer-Encoding")
	errCoding         = refusal(400, "malformed Transfer-Encoding")
	errCodingTwice    = refusal(400, "Transfer-Encoding is repeated")
	errCodingUnknown  = refusal(501, "transfer coding other than chunked")
	errCodingIn10     = refusal(400, "Transfer-Encoding in HTTP/1.0")
	errConnection     = refusal(400, "malformed Connection")
	errConnectionMany = refusal(400, "too many connection options")
	errTraceBody      = refusal(400, "TRACE with a body")
	errExpect         = refusal(417, "unknown expectation")
	errLineLong       = refusal(414, "request line too long")
	errFieldLong      = refusal(431, "field line too long")
	errHeadLong       = refusal(431, "head too long")
	errFieldMany      = refusal(431, "too many fields")
)

// Chunked bodies.
var (
	errChunkSize    = refusal(400, "malformed chunk size")
	errChunkHuge    = refusal(400, "chunk size out of range")
	errChunkLine    = refusal(400, "chunk size line too long")
	errChunkExt     = refusal(400, "malformed chunk extension")
	errChunkEnd     = refusal(400, "chunk data does not end with CRLF")
	errTrailerLong  = refusal(400, "trailer section too long")
	errTrailerMany  = refusal(400, "too many trailer fields")
	errTrailerField = refusal(400, "malformed trailer field")
	errTrailerName  = refusal(400, "field not allowed in a trailer")
)

// Answers of members.
var (
	errStatusLine    = refusal(502, "malformed status line")
	errStatusCode    = refusal(502, "status code out of range")
	errAnswerVersion = refusal(502, "not a version of HTTP/1")
	errAnswerUpgrade = refusal(502, "101 without a matching upgrade request")
	errAnswerNoBody  = refusal(502, "transfer coding on an answer that has no body")
)

// asAnswer is what a refusal of a head or chunk becomes in a member's answer.
func asAnswer(r *Refusal) *Refusal {
	if r.Status == 502 {
		return r
	}
	if b, ok := answerRefusals[r]; ok {
		return b
	}
	return errStatusLine
}

// answerRefusals are made once: the same reasons with status 502.
var answerRefusals = func() map[*Refusal]*Refusal {
	m := map[*Refusal]*Refusal{}
	for _, r := range []*Refusal{
		errBareLF, errBareCR, errLeading, errFold, errFieldName, errFieldValue, errLength, errLengthTwice, errBoth, errCoding,
		errCodingTwice, errCodingUnknown, errCodingIn10, errConnection, errConnectionMany, errLineLong, errFieldLong, errHeadLong, errFieldMany,
		errChunkSize, errChunkHuge, errChunkLine, errChunkExt, errChunkEnd, errTrailerLong, errTrailerMany, errTrailerField, errTrailerName,
	} {
		m[r] = refusal(502, r.Reason)
	}
	return m
}()
