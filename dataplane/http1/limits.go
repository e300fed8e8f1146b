package http1

// Limits of a head and of chunked framing, in bytes and counts. The defaults
// are those of the reliability targets.
type Limits struct {
	RequestLine int // longest request line, without its end; 414 beyond
	Field       int // longest field line, without its end; 431 beyond
	Head        int // whole head; 431 beyond
	Fields      int // number of field lines; 431 beyond
	ChunkLine   int // chunk size with its extensions; 400 beyond
	Trailers    int // whole trailer section; 400 beyond
	TrailerN    int // number of trailer fields; 400 beyond
}

// Default limits: a head of 64 KiB takes every cookie jar met in practice, and
// bounds what a client can make us hold before it is known.
var defaultLimits = Limits{
	RequestLine: 16 << 10, Field: 16 << 10, Head: 64 << 10, Fields: 200,
	ChunkLine: 256, Trailers: 8 << 10, TrailerN: 64,
}

// DefaultLimits are used where nothing else was asked for.
func DefaultLimits() Limits { return defaultLimits }

// maxLeadingLines is how many empty lines before a request line are skipped:
// RFC 9112 section 2.2 asks for at least one, old clients send CRLF after a body.
const maxLeadingLines = 2

// maxOptions is how many options Connection fields may name in one message.
const maxOptions = 32

// maxOptionBytes bounds the values of all Connection fields together. Every field
// is looked up in them byte by byte: a few options of many kilobytes, or nothing
// but commas, would make a head of 64 KiB cost 15 ms. Real ones have under 100.
const maxOptionBytes = 1 << 10

// maxMethod bounds a method name; the longest registered one has 16 bytes.
const maxMethod = 32
