package app

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"lbd/store/model"
)

// message is what travels between nodes. Without Full, Members and Listeners
// are left out and the receiver keeps those it has.
type message struct {
	Full   bool         `json:"full"`
	Report model.Report `json:"report"`
}

const (
	// squeezeAbove is the size in bytes from which a message is compressed.
	squeezeAbove = 64 << 10
	// maxMessage bounds what a compressed message may become, in bytes: half a
	// million members.
	maxMessage = 64 << 20
)

// encodeMessage gives JSON, compressed where it is large: the reports of a
// hundred thousand members are ten megabytes, more than one message may have.
func encodeMessage(m message) ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil || len(b) < squeezeAbove {
		return b, err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress report: %w", err)
	}
	if _, err := z.Write(b); err != nil {
		return nil, fmt.Errorf("compress report: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress report: %w", err)
	}
	return out.Bytes(), nil
}

// decodeMessage reads what encodeMessage made; JSON never begins like gzip.
func decodeMessage(b []byte) (m message, err error) {
	if len(b) > 1 && b[0] == 0x1f && b[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return m, fmt.Errorf("expand report: %w", err)
		}
		if b, err = io.ReadAll(io.LimitReader(z, maxMessage+1)); err != nil {
			return m, fmt.Errorf("expand report: %w", err)
		}
		if len(b) > maxMessage {
			return m, errors.New("expand report: it is too large")
		}
	}
	return m, json.Unmarshal(b, &m)
}
