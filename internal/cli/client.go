package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"syscall"

	"lbd/internal/flagenv"
)

// maxAnswer bounds what is read of one answer; a list of 10,000 load balancers
// with their members is about 30 MiB.
const maxAnswer = 64 << 20

// client speaks REST over a node's admin socket.
type client struct {
	dir  string
	http *http.Client
}

func newClient(dir string) *client {
	path := filepath.Join(dir, flagenv.SocketName)
	return &client{dir: dir, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}}
}

// apiError is a refusal by the server.
type apiError struct {
	Status  int
	Message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (HTTP %d)", e.Message, e.Status) }

// do sends body (nil for none) and returns the answer's status and body.
func (c *client) do(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://lbd"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, usageError(fmt.Sprintf("bad method or path: %v", err))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, c.explain(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, b, nil
}

// explain says what a failed call to the socket most likely means.
func (c *client) explain(err error) error {
	sock := filepath.Join(c.dir, flagenv.SocketName)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no node is running with data directory %s (is --data-dir right?)", c.dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("not allowed to open %s: run as the user that runs lbd, or as root", sock)
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the node did not answer in time")
	}
	return err
}

// call sends in as JSON (nil for none) and decodes a 2xx answer into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	status, b, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return &apiError{status, messageOf(b)}
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// messageOf finds the sentence in any of the fault forms the API uses.
func messageOf(b []byte) string {
	var f struct {
		FaultString string `json:"faultstring"`
		Description string `json:"description"`
		Title       string `json:"title"`
		Error       struct {
			Message string `json:"message"`
		} `json:"error"`
		Neutron struct {
			Message string `json:"message"`
		} `json:"NeutronError"`
	}
	if json.Unmarshal(b, &f) == nil {
		for _, m := range []string{f.FaultString, f.Error.Message, f.Neutron.Message, f.Description, f.Title} {
			if m != "" {
				return m
			}
		}
	}
	return string(bytes.TrimSpace(b[:min(len(b), 500)]))
}
