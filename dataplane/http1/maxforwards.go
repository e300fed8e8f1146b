package http1

import "strconv"

// MaxForwards is how many more times an OPTIONS or TRACE request may be sent on
// (RFC 9110 section 7.6.2). limited is false for other methods, and when no
// Max-Forwards field is a decimal number.
func (r *Request) MaxForwards() (n int64, limited bool) {
	if m := string(r.Method); m != "OPTIONS" && m != "TRACE" {
		return 0, false
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) != 12 || !Is(f.Name, "max-forwards") || !all(f.Value, cDigit) {
			continue
		}
		v, err := strconv.ParseInt(string(f.Value), 10, 64) // too large: the largest
		if err != nil {
			v = 1<<63 - 1
		}
		if !limited || v < n {
			n, limited = v, true
		}
	}
	return n, limited
}
