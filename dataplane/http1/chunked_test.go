package http1

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// unchunk decodes in pieces of the given size.
func unchunk(in []byte, piece int) (body []byte, rest int, done bool, err error) {
	lim := DefaultLimits()
	return unchunkWith(in, piece, &lim)
}

// unchunkWith returns, after an error, how much was not consumed by then.
func unchunkWith(in []byte, piece int, lim *Limits) (body []byte, rest int, done bool, err error) {
	var c Chunked
	at := 0
	for end := 0; end < len(in) && !done; {
		end = min(end+piece, len(in))
		for at < end && !done {
			var n int
			var data []byte
			n, data, done, err = c.Next(in[at:end], lim)
			if err != nil {
				return body, len(in) - at - n, false, err
			}
			body = append(body, data...)
			at += n
		}
	}
	return body, len(in) - at, done, nil
}

func TestChunkedBodies(t *testing.T) {
	for _, tc := range []struct {
		name, in, body string
		rest           int
	}{
		{"empty", "0\r\n\r\n", "", 0},
		{"one", "5\r\nhello\r\n0\r\n\r\n", "hello", 0},
		{"two, and a request behind", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nGET", "hello", 3},
		{"hexadecimal, both cases", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0},
		{"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", 0},
		{"extensions", "5;a;b=c;d=\"e\\\"f;\" ; g = h\r\nhello\r\n0;x\r\n\r\n", "hello", 0},
		{"trailers", "0\r\nX: y\r\nChecksum: z\r\n\r\n", "", 0},
		{"data that looks like an end", "7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n", "0\r\n\r\n0\r", 0},
	} {
		for piece := 1; piece <= len(tc.in); piece++ {
			body, rest, done, err := unchunk([]byte(tc.in), piece)
			if err != nil || !done || string(body) != tc.body {
				t.Fatalf("%s in pieces of %d: body %q, done %v, err %v", tc.name, piece, body, done, err)
			}
			if rest != tc.rest {
				t.Fatalf("%s in pieces of %d: %d bytes left, want %d", tc.name, piece, rest, tc.rest)
			}
		}
	}
}

func TestChunkedBodiesThatAreRefused(t *testing.T) {
	for name, in := range map[string]string{
		"no size":                 "\r\nhello",
		"sign":                    "+5\r\nhello\r\n",
		"negative":                "-1\r\n",
		"0x":                      "0x5\r\nhello\r\n",
		"space before the size":   " 5\r\nhello\r\n",
		"space behind the size":   "5 \r\nhello\r\n",
		"underscore":              "1_0\r\n",
		"huge":                    "8000000000000000\r\n",
		"17 digits":               "10000000000000000\r\n",
		"bare LF behind the size": "5\nhello\r\n",
		"CR alone":                "5\rhello",
		"no CRLF behind data":     "5\r\nhelloXX",
		"LF behind data":          "5\r\nhello\n0\r\n\r\n",
		"LF twice behind data":    "5\r\nhello\n\n0\r\n\r\n",
		"X and LF behind data":    "5\r\nhelloX\n0\r\n\r\n",
		"extension without name":  "5;\r\nhello\r\n",
		"extension with LF":       "5;a\nb\r\nhello",
		"extension with NUL":      "5;a=\x00\r\n",
		"value missing":           "5;a=\r\n",
		"open quote":              "5;a=\"b\r\n",
		"extension too long":      "5;" + strings.Repeat("a", 300) + "\r\n",
		"trailer folded":          "0\r\nX: y\r\n z\r\n\r\n",
		"trailer bare LF":         "0\r\nX: y\n\r\n",
		"trailer without colon":   "0\r\nX\r\n\r\n",
		"trailer Content-Length":  "0\r\nContent-Length: 5\r\n\r\n",
		"trailer Host":            "0\r\nhost: b\r\n\r\n",
		"trailer X-Forwarded-For": "0\r\nX-Forwarded-For: b\r\n\r\n",
		"trailers too long":       "0\r\nX: " + strings.Repeat("y", 9000) + "\r\n\r\n",
		"too many trailers":       "0\r\n" + strings.Repeat("X: y\r\n", 65) + "\r\n",
	} {
		for _, piece := range []int{1, 3, len(in)} {
			_, _, _, err := unchunk([]byte(in), piece)
			if r, ok := errors.AsType[*Refusal](err); !ok || r.Status != 400 {
				t.Errorf("%s in pieces of %d: err %v", name, piece, err)
			}
		}
	}
}

func TestChunksWrittenAreRead(t *testing.T) {
	var wire, want []byte
	for size := 1; size < 70000; size = size*3 + 1 {
		data := bytes.Repeat([]byte{byte(size)}, size)
		want = append(want, data...)
		wire = AppendData(wire, data)
	}
	wire = AppendEnd(wire, nil)
	body, rest, done, err := unchunk(wire, 1000)
	if err != nil || !done || rest != 0 || !bytes.Equal(body, want) {
		t.Errorf("%d bytes of %d, rest %d, done %v, err %v", len(body), len(want), rest, done, err)
	}
}
