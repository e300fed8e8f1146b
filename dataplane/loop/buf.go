package loop

// Buf is a buffer lent by a loop: Mem[R:W] is what it holds.
type Buf struct {
	Mem  []byte
	R, W int
}

// Bytes is what the buffer holds.
func (b *Buf) Bytes() []byte { return b.Mem[b.R:b.W] }

// bufs are the free buffers of a loop, by size. Last in, first out: the warm one.
type bufs struct{ free [len(sizes)][]*Buf }

var sizes = [...]int{TinySize, SmallSize, LargeSize, HugeSize}

// Lend gives an empty buffer for at least n bytes, n <= HugeSize.
func (l *Loop) Lend(n int) *Buf {
	for i, size := range sizes {
		if n > size {
			continue
		}
		f := &l.bufs.free[i]
		if k := len(*f); k > 0 {
			b := (*f)[k-1]
			*f = (*f)[:k-1]
			return b
		}
		return &Buf{Mem: make([]byte, size)}
	}
	return &Buf{Mem: make([]byte, n)}
}

// Return takes a buffer back; nil is allowed.
func (l *Loop) Return(b *Buf) {
	if b == nil {
		return
	}
	b.R, b.W = 0, 0
	for i, size := range sizes {
		if len(b.Mem) == size && len(l.bufs.free[i]) < keep[i] {
			l.bufs.free[i] = append(l.bufs.free[i], b)
			return
		}
	}
}

// Keep puts p into a buffer of its own, because the scratch buffer it lies in is
// about to be used by others.
func (l *Loop) Keep(p []byte) *Buf {
	b := l.Lend(len(p))
	b.W = copy(b.Mem, p)
	return b
}
