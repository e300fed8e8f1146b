package http1

import (
	"errors"
	"strings"
	"testing"
)

func TestConnectionBytesAreBounded(t *testing.T) {
	lim := DefaultLimits()
	for _, tc := range []struct {
		name, value string
		status      int
	}{
		{"limit-1", strings.Repeat("a", maxOptionBytes-1), 0},
		{"limit", strings.Repeat("a", maxOptionBytes), 0},
		{"limit+1", strings.Repeat("a", maxOptionBytes+1), 400},
		{"commas", strings.Repeat(",", maxOptionBytes+1), 400},
		{"two fields", strings.Repeat("a", maxOptionBytes-1) + "\r\nConnection: bb", 400},
	} {
		var r Request
		_, err := r.Parse([]byte(get+"Connection: "+tc.value+"\r\n\r\n"), &lim)
		status := 0
		if ref, ok := errors.AsType[*Refusal](err); ok {
			status = ref.Status
		}
		if status != tc.status {
			t.Errorf("%s: %v, want status %d", tc.name, err, tc.status)
		}
	}
}
