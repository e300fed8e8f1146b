package route

// tree finds, in one walk over a text, every policy filed under the text itself or
// under a prefix of it (a radix tree). Built once, then only read.
//
// With reverse the text is walked from its end: prefixes are then suffixes. With
// fold ASCII letters are compared without case.
type tree struct {
	fold, reverse bool
	root          node
}

type node struct {
	edge   string // bytes that lead here from the parent
	exact  []int32
	prefix []int32
	kids   []*node // with different first bytes, in no order
}

// add files policy i under value: for texts that begin (or, reversed, end) with
// it, or are equal to it with exact. Policies must come in ascending order.
func (t *tree) add(value string, exact bool, i int32) {
	b := []byte(value)
	if t.reverse {
		for l, r := 0, len(b)-1; l < r; l, r = l+1, r-1 {
			b[l], b[r] = b[r], b[l]
		}
	}
	if t.fold {
		for k, c := range b {
			b[k] = lower(c)
		}
	}
	n := t.root.insert(string(b))
	if exact {
		n.exact = append(n.exact, i)
	} else {
		n.prefix = append(n.prefix, i)
	}
}

func (n *node) insert(s string) *node {
	for {
		if s == "" {
			return n
		}
		k := n.kid(s[0])
		if k < 0 {
			leaf := &node{edge: s}
			n.kids = append(n.kids, leaf)
			return leaf
		}
		child := n.kids[k]
		l := common(child.edge, s)
		if l < len(child.edge) { // part the edge
			upper := &node{edge: child.edge[:l], kids: []*node{child}}
			child.edge = child.edge[l:]
			n.kids[k] = upper
			child = upper
		}
		n, s = child, s[l:]
	}
}

// kid is the index of the child whose edge begins with c, or -1. Few nodes have
// more than a handful of children; those of a busy one are one cache line apart.
func (n *node) kid(c byte) int {
	for i, k := range n.kids {
		if k.edge[0] == c {
			return i
		}
	}
	return -1
}

func common(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// walk calls f.offer with the policies filed under text or a prefix of it.
func (t *tree) walk(text []byte, f *finder) {
	n, at := &t.root, 0
	for {
		f.offer(n.prefix)
		if at == len(text) {
			f.offer(n.exact)
			return
		}
		k := n.kid(t.at(text, at))
		if k < 0 {
			return
		}
		n = n.kids[k]
		if len(n.edge) > len(text)-at {
			return
		}
		for i := 1; i < len(n.edge); i++ {
			if t.at(text, at+i) != n.edge[i] {
				return
			}
		}
		at += len(n.edge)
	}
}

func (t *tree) at(text []byte, i int) byte {
	if t.reverse {
		i = len(text) - 1 - i
	}
	if t.fold {
		return lower(text[i])
	}
	return text[i]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}
