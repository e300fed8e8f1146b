package vrrp

import (
	"context"
	"log/slog"
)

// The child logs through its parent: one stream, one format, and a full pipe can
// never make the child wait. A line is a level, a message and pairs of strings.

// maxPairs bounds the attributes of a line.
const maxPairs = 16

type logMessage struct {
	Level   slog.Level
	Message string
	Attrs   [][2]string
}

func (m logMessage) encode() []byte {
	w := writer{byte(kindLog)}
	w.u64(uint64(m.Level))
	w.text(m.Message)
	n := min(len(m.Attrs), maxPairs)
	w.count(n)
	for _, a := range m.Attrs[:n] {
		w.text(a[0])
		w.text(a[1])
	}
	return w
}

func decodeLog(b []byte) (m logMessage, err error) {
	r := reader{b: b}
	m.Level, m.Message = slog.Level(r.u64()), r.text()
	for range r.count(maxPairs) {
		m.Attrs = append(m.Attrs, [2]string{r.text(), r.text()})
	}
	return m, r.end()
}

// emit writes the line to the parent's logger.
func (m logMessage) emit(log *slog.Logger) {
	attrs := make([]slog.Attr, 0, len(m.Attrs))
	for _, a := range m.Attrs {
		attrs = append(attrs, slog.String(a[0], a[1]))
	}
	log.LogAttrs(context.Background(), m.Level, m.Message, attrs...)
}

// logHandler is the child's slog.Handler.
type logHandler struct {
	send  func([]byte)
	level slog.Level
	with  [][2]string
	group string
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	m := logMessage{Level: r.Level, Message: r.Message, Attrs: h.with[:len(h.with):len(h.with)]}
	r.Attrs(func(a slog.Attr) bool {
		m.Attrs = append(m.Attrs, h.pair(a))
		return true
	})
	h.send(m.encode())
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.with = h.with[:len(h.with):len(h.with)]
	for _, a := range attrs {
		c.with = append(c.with, h.pair(a))
	}
	return &c
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

func (h *logHandler) pair(a slog.Attr) [2]string {
	return [2]string{h.group + a.Key, a.Value.Resolve().String()}
}
