package h2

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lbd/dataplane/http1"
)

// writer makes frames and writes them. Its methods are called with Conn.wmu held,
// so that frames of different streams never mix and a header block is one run of
// frames.
type writer struct {
	t     Transport
	idle  time.Duration
	buf   []byte // frames that were not written yet
	enc   *hpack.Encoder
	block bytes.Buffer // a header block on its way
	err   error        // how writing ended; nothing is written after it
}

func newWriter(t Transport, idle time.Duration) *writer {
	w := &writer{t: t, idle: idle}
	w.enc = hpack.NewEncoder(&w.block)
	w.enc.SetMaxDynamicTableSizeLimit(tableSize)
	return w
}

func (w *writer) frame(typ http2.FrameType, flags http2.Flags, stream uint32, payload []byte) {
	n := len(payload)
	w.buf = append(w.buf, byte(n>>16), byte(n>>8), byte(n), byte(typ), byte(flags))
	w.buf = binary.BigEndian.AppendUint32(w.buf, stream)
	w.buf = append(w.buf, payload...)
}

// flush writes what is there.
func (w *writer) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.t.Write(w.buf, w.idle)
	}
	if w.buf = w.buf[:0]; cap(w.buf) > 2*maxFrame || w.err != nil {
		w.buf = nil
	}
	return w.err
}

func (w *writer) settings(s ...http2.Setting) {
	var p []byte
	for _, x := range s {
		p = binary.BigEndian.AppendUint16(p, uint16(x.ID))
		p = binary.BigEndian.AppendUint32(p, x.Val)
	}
	w.frame(http2.FrameSettings, 0, 0, p)
}

func (w *writer) settingsAck() { w.frame(http2.FrameSettings, http2.FlagSettingsAck, 0, nil) }

func (w *writer) ping(ack bool, data [8]byte) {
	var flags http2.Flags
	if ack {
		flags = http2.FlagPingAck
	}
	w.frame(http2.FramePing, flags, 0, data[:])
}

func (w *writer) number(typ http2.FrameType, stream, n uint32) {
	var p [4]byte
	binary.BigEndian.PutUint32(p[:], n)
	w.frame(typ, 0, stream, p[:])
}

func (w *writer) reset(stream uint32, code http2.ErrCode) {
	w.number(http2.FrameRSTStream, stream, uint32(code))
}

func (w *writer) windowUpdate(stream, n uint32) { w.number(http2.FrameWindowUpdate, stream, n) }

func (w *writer) goAway(last uint32, code http2.ErrCode) {
	var p [8]byte
	binary.BigEndian.PutUint32(p[:], last)
	binary.BigEndian.PutUint32(p[4:], uint32(code))
	w.frame(http2.FrameGoAway, 0, 0, p[:])
}

func (w *writer) data(stream uint32, p []byte, end bool) {
	var flags http2.Flags
	if end {
		flags = http2.FlagDataEndStream
	}
	w.frame(http2.FrameData, flags, stream, p)
}

// headers encodes a field section, in as many frames as it takes. A status of 0
// means trailers.
func (w *writer) headers(stream uint32, status int, fields []http1.Field, end bool) {
	w.block.Reset()
	if status > 0 {
		w.field(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(status)})
	}
	for i := range fields {
		f := &fields[i]
		if hopByHop(f.Name) {
			continue
		}
		name := string(bytes.ToLower(f.Name))
		// What is secret is not kept in the table, where it could be guessed at.
		w.field(hpack.HeaderField{Name: name, Value: string(f.Value), Sensitive: name == "set-cookie"})
	}
	typ, flags := http2.FrameHeaders, http2.Flags(0)
	if end {
		flags = http2.FlagHeadersEndStream
	}
	for b := w.block.Bytes(); ; {
		n := min(len(b), maxFrame)
		if n == len(b) {
			flags |= http2.FlagHeadersEndHeaders // the same bit in CONTINUATION
		}
		w.frame(typ, flags, stream, b[:n])
		if b = b[n:]; len(b) == 0 {
			break
		}
		typ, flags = http2.FrameContinuation, 0
	}
	if w.block.Cap() > maxFrame {
		w.block = bytes.Buffer{}
	}
}

// field encodes into w.block, which never fails.
func (w *writer) field(f hpack.HeaderField) { _ = w.enc.WriteField(f) }
