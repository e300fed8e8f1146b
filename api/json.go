package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// ASCII encodes v the way OpenStack services do: one line of JSON in which
// everything outside ASCII is \uXXXX, and "<", ">" and "&" stand as they are.
func ASCII(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return escape(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// escape rewrites runes above ASCII. They occur only inside JSON strings, so
// that no other context has to be kept.
func escape(b []byte) []byte {
	i := 0
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	if i == len(b) {
		return b
	}
	out := append(make([]byte, 0, len(b)+len(b)/2), b[:i]...)
	for i < len(b) {
		if b[i] < utf8.RuneSelf {
			out = append(out, b[i])
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		i += n
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// serializer makes every c.JSON of the parts ASCII.
type serializer struct{ echo.DefaultJSONSerializer }

func (serializer) Serialize(c echo.Context, v any, _ string) error {
	b, err := ASCII(v)
	if err != nil {
		return err
	}
	if _, err := c.Response().Write(b); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// writeJSON answers outside of echo, for refusals that come before routing.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := ASCII(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", echo.MIMEApplicationJSON)
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client is gone: nobody is left to tell
}

// tooDeep reports whether JSON text nests deeper than limit. It counts
// brackets outside strings and judges nothing else.
func tooDeep(b []byte, limit int) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
