package app

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"lbd/store/model"
)

// message is what travels between nodes. Without Full, Members and Listeners
// are left out and the receiver keeps those it has.
type message struct {
	Full   bool         `json:"full"`
	Report model.Report `json:"report"`
}

const (
	// squeezeAbove is the size in bytes from which a message is compressed, for it must
	// not exceed what a peer takes. Most of it is ids, which are random: compressing and
	// expanding cost more than sending twice as much, and every node pays for it.
	squeezeAbove = 2 << 20
	// maxMessage bounds what a compressed message may become, in bytes: half a
	// million members.
	maxMessage = 64 << 20
)

// detail is the large part of a report: what is there once for each member or listener.
type detail struct {
	members   map[model.MemberID]model.MemberHealth
	listeners map[model.ListenerID]model.ListenerCounters
	took      time.Duration // to make

	text     []byte // JSON, to be put behind the other fields of a report
	squeezed bool   // text is a member of a gzip file
}

// encode makes text, compressed where it is large: the reports of a hundred thousand
// members are ten megabytes, more than one message may have.
func (d *detail) encode() error {
	members, err := json.Marshal(d.members)
	if err != nil {
		return fmt.Errorf("encode members: %w", err)
	}
	listeners, err := appendListeners(nil, d.listeners)
	if err != nil {
		return fmt.Errorf("encode listeners: %w", err)
	}
	text := slices.Concat([]byte(`,"members":`), members, []byte(`,"listeners":`), listeners, []byte("}}"))
	d.squeezed = len(text) >= squeezeAbove
	if d.squeezed {
		text, err = squeeze(text)
	}
	d.text = text
	return err
}

// encodeMessage gives the JSON of r without its large part; with d, if that is not nil,
// behind it. A gzip file of two members is the text of both: so the small part is as
// new as the message, however long it took to make the large one.
func encodeMessage(r model.Report, d *detail) ([]byte, error) {
	full := d != nil && len(d.text) > 0
	b, err := json.Marshal(message{full, r})
	if err != nil || !full {
		return b, err
	}
	b = b[:len(b)-len("}}")]
	if d.squeezed {
		if b, err = squeeze(b); err != nil {
			return nil, err
		}
	}
	return append(b, d.text...), nil
}

func squeeze(b []byte) ([]byte, error) {
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
	var in struct {
		Full   bool `json:"full"`
		Report struct {
			model.Report
			Listeners listeners `json:"listeners"` // instead of the field of that name
		} `json:"report"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return m, err
	}
	m = message{in.Full, in.Report.Report}
	m.Report.Listeners = in.Report.Listeners
	return m, nil
}
