package app

import (
	"bytes"
	"encoding/json"
	"slices"

	"lbd/store/model"
)

// sparse is model.ListenerCounters without what is zero: most listeners of a large
// cluster have nothing to tell, and all nodes read of all of them.
type sparse struct {
	BytesIn           int64 `json:"bytes_in,omitempty"`
	BytesOut          int64 `json:"bytes_out,omitempty"`
	ActiveConnections int64 `json:"active_connections,omitempty"`
	TotalConnections  int64 `json:"total_connections,omitempty"`
	RequestErrors     int64 `json:"request_errors,omitempty"`
	Requests          int64 `json:"requests,omitempty"`
	Full              bool  `json:"full,omitempty"`
}

// appendListeners appends the JSON of all, null for a nil map.
func appendListeners(b []byte, all map[model.ListenerID]model.ListenerCounters) ([]byte, error) {
	if all == nil {
		return append(b, "null"...), nil
	}
	b = append(slices.Grow(b, 48*len(all)), '{') // most are an id and {}
	first := true
	for id, c := range all {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendText(b, string(id)), ':')
		if c == (model.ListenerCounters{}) {
			b = append(b, "{}"...)
			continue
		}
		counters, err := json.Marshal(sparse(c))
		if err != nil {
			return nil, err
		}
		b = append(b, counters...)
	}
	return append(b, '}'), nil
}

// appendText appends the JSON of s. Ids are plain.
func appendText(b []byte, s string) []byte {
	if !isPlain(s) {
		text, _ := json.Marshal(s) // never fails for a string
		return append(b, text...)
	}
	return append(append(append(b, '"'), s...), '"')
}

// isPlain reports whether the JSON of s is s in quotation marks.
func isPlain[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// listeners is the map of a report, read without the JSON decoder where it is as
// appendListeners writes it: every node reads that of all others every second.
type listeners map[model.ListenerID]model.ListenerCounters

// UnmarshalJSON implements json.Unmarshaler; b is well-formed.
func (l *listeners) UnmarshalJSON(b []byte) error {
	all := make(listeners, bytes.Count(b, []byte{'{'}))
	if all.read(b) {
		*l = all
		return nil
	}
	return json.Unmarshal(b, (*map[model.ListenerID]model.ListenerCounters)(l))
}

// read fills l. It gives up where something is not as it is written here.
func (l listeners) read(b []byte) bool {
	if len(b) < 2 || b[0] != '{' {
		return false
	}
	for b = b[1:]; b[0] != '}'; {
		if b[0] == ',' {
			b = b[1:]
		}
		if b[0] != '"' {
			return false
		}
		end := bytes.IndexByte(b[1:], '"') + 1
		id := b[1:end]
		if !isPlain(id) || !bytes.HasPrefix(b[end+1:], []byte(":{")) {
			return false
		}
		b = b[end+2:]
		end = bytes.IndexByte(b, '}') + 1 // numbers and flags only
		var c sparse
		if counters := b[:end]; len(counters) > len("{}") {
			if json.Unmarshal(counters, &c) != nil {
				return false
			}
		}
		l[model.ListenerID(id)] = model.ListenerCounters(c)
		b = b[end:]
	}
	return len(b) == 1
}
