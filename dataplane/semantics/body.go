package semantics

import "lbd/dataplane/http1"

// chunkOverhead is room left for a chunk's size line, its end and the last chunk.
const chunkOverhead = 32

// Body is a request body on its way to a member.
type Body struct {
	Framing http1.Framing
	Left    int64 // with Length
	Done    bool
	dec     http1.Chunked
}

// Start begins the body of r.
func (b *Body) Start(r *http1.Request) {
	b.Framing, b.Left, b.Done = r.Framing, r.Length, r.Framing == http1.NoBody
	b.dec.Reset()
}

// Recycle is a Body that keeps the memory of b.
func (b *Body) Recycle() Body { return Body{dec: b.dec} }

// Take moves what in holds of the body behind out, framed anew, until out has
// limit bytes; trailers alone may pass it. It never takes what follows the body. used is how much of in is
// done with; a body that breaks its framing is ErrClientFraming.
func (b *Body) Take(in, out []byte, limit int, lim *http1.Limits) (used int, _ []byte, err error) {
	for !b.Done {
		rest := in[used:]
		room := limit - len(out)
		if b.Framing == http1.Length {
			n := int(min(int64(len(rest)), b.Left, int64(room)))
			if n <= 0 {
				return used, out, nil
			}
			out = append(out, rest[:n]...)
			used += n
			b.Left -= int64(n)
			b.Done = b.Left == 0
			continue
		}
		room -= chunkOverhead
		if len(rest) == 0 || room <= 0 {
			return used, out, nil
		}
		n, data, done, err := b.dec.Next(rest[:min(len(rest), room)], lim)
		if err != nil {
			return used, out, ErrClientFraming
		}
		if len(data) > 0 {
			out = http1.AppendData(out, data)
		}
		if done {
			out = http1.AppendEnd(out, b.dec.Trailer())
			b.Done = true
		}
		used += n
	}
	return used, out, nil
}
