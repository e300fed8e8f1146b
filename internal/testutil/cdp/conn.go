package cdp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// message is every shape the protocol has: call, answer (ID set) and event.
type message struct {
	ID      int64           `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// event is a message without id, its parameters still raw.
type event struct {
	Session string          `json:"sessionId"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// conn multiplexes calls over one pipe. read runs until the pipe ends.
type conn struct {
	out     io.Writer
	onEvent func(event) // called by read only, one at a time; must not call

	mu      sync.Mutex
	last    int64                  // guarded by mu
	waiting map[int64]chan message // guarded by mu; nil once read has ended
	writeMu sync.Mutex
}

var errClosed = errors.New("browser closed the pipe")

func newConn(out io.Writer, onEvent func(event)) *conn {
	return &conn{out: out, onEvent: onEvent, waiting: make(map[int64]chan message)}
}

// read delivers answers and events until in ends.
func (c *conn) read(in io.Reader) {
	r := bufio.NewReaderSize(in, 1<<16)
	for {
		frame, err := r.ReadBytes(0)
		if err != nil {
			break
		}
		frame = bytes.TrimSuffix(frame, []byte{0})
		var head struct {
			ID int64 `json:"id"`
		}
		if json.Unmarshal(frame, &head) != nil {
			continue
		}
		if head.ID == 0 {
			var e event
			if json.Unmarshal(frame, &e) == nil {
				c.onEvent(e)
			}
			continue
		}
		var m message
		if json.Unmarshal(frame, &m) != nil {
			continue
		}
		c.mu.Lock()
		ch := c.waiting[m.ID]
		delete(c.waiting, m.ID)
		c.mu.Unlock()
		if ch != nil {
			ch <- m // holds one, and gets one
		}
	}
	c.mu.Lock()
	for _, ch := range c.waiting {
		close(ch)
	}
	c.waiting = nil
	c.mu.Unlock()
}

// call sends one command and decodes its result into out, which may be nil.
func (c *conn) call(ctx context.Context, session, method string, params, out any) error {
	ch := make(chan message, 1)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return fmt.Errorf("%s: %w", method, errClosed)
	}
	c.last++
	id := c.last
	c.waiting[id] = ch
	c.mu.Unlock()

	data, err := json.Marshal(message{ID: id, Session: session, Method: method, Params: params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	c.writeMu.Lock()
	_, err = c.out.Write(append(data, 0))
	c.writeMu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m, ok := <-ch:
		if !ok {
			return fmt.Errorf("%s: %w", method, errClosed)
		}
		if m.Error != nil {
			return fmt.Errorf("%s: %s (code %d)", method, m.Error.Message, m.Error.Code)
		}
		if out == nil {
			return nil
		}
		return json.Unmarshal(m.Result, out)
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}
