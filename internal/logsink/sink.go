// Package logsink has the destinations of an access log: standard output, files,
// syslog, a collector of OpenTelemetry.
package logsink

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"lbd/dataplane/accesslog"
)

// Open makes the sink that dest names: "stdout", a path ("file:PATH" or one that
// begins with / or .), "syslog:" and "otlp:" with an address behind. node names
// this node to the latter two.
func Open(dest, node string) (accesslog.Sink, error) {
	kind, rest, _ := strings.Cut(dest, ":")
	switch {
	case dest == "stdout":
		return stream{os.Stdout}, nil
	case strings.HasPrefix(dest, "/") || strings.HasPrefix(dest, "."):
		return openFile(dest)
	case kind == "file" && rest != "":
		return openFile(rest)
	case kind == "syslog":
		return openSyslog(rest, node)
	case kind == "otlp":
		u, err := url.Parse(rest)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("access log: %q is not otlp:http://HOST:PORT/v1/logs", dest)
		}
		return newOTLP(u, node), nil
	}
	return nil, fmt.Errorf("access log: %q is none of stdout, PATH, file:PATH, syslog:udp://HOST:PORT, syslog:unix:///dev/log, otlp:http://HOST:PORT/v1/logs", dest)
}

// stream is a writer that is not ours to close.
type stream struct{ w io.Writer }

func (s stream) Write(_ context.Context, batch []accesslog.Line) error {
	_, err := s.w.Write(join(nil, batch))
	return err
}

func (s stream) Close() error { return nil }

// join puts lines behind dst, each with its end.
func join(dst []byte, batch []accesslog.Line) []byte {
	for i := range batch {
		dst = append(append(dst, batch[i].Text...), '\n')
	}
	return dst
}

// maxFiles is how many files are open at once when their name says {listener}.
const maxFiles = 128

// files are one file, or one for each listener. A file that somebody has moved or
// removed is made anew, so that logrotate needs no signal.
type files struct {
	path string // with {listener} and {loadbalancer} in it
	many bool
	open map[string]*os.File
	text map[string][]byte
}

func openFile(path string) (accesslog.Sink, error) {
	f := &files{path: filepath.Clean(path), open: make(map[string]*os.File), text: make(map[string][]byte)}
	f.many = strings.Contains(path, "{listener}") || strings.Contains(path, "{loadbalancer}")
	if f.many {
		return f, nil
	}
	if _, err := f.file(f.path); err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return f, nil
}

// name of the file for a line. Identifiers are made by lbd: no part of a path.
func (f *files) name(l *accesslog.Line) string {
	if !f.many {
		return f.path
	}
	return strings.NewReplacer("{listener}", string(l.Listener), "{loadbalancer}", string(l.LoadBalancer)).Replace(f.path)
}

func (f *files) Write(_ context.Context, batch []accesslog.Line) error {
	for i := range batch {
		name := f.name(&batch[i])
		f.text[name] = append(append(f.text[name], batch[i].Text...), '\n')
	}
	var first error
	for name, text := range f.text {
		if len(text) == 0 {
			continue
		}
		if err := f.write(name, text); err != nil && first == nil {
			first = err
		}
		f.text[name] = text[:0]
	}
	if len(f.text) > maxFiles {
		clear(f.text)
	}
	return first
}

func (f *files) write(name string, text []byte) error {
	w, err := f.file(name)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// file is the open file of that name, which is the one the name leads to now.
func (f *files) file(name string) (*os.File, error) {
	if w, ok := f.open[name]; ok {
		ours, err := w.Stat()
		there, errThere := os.Stat(name)
		if err == nil && errThere == nil && os.SameFile(ours, there) {
			return w, nil
		}
		w.Close()
		delete(f.open, name)
	}
	if len(f.open) >= maxFiles {
		_ = f.Close() // all of them: rare, and simple
	}
	if f.many {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			return nil, err
		}
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	f.open[name] = w
	return w, nil
}

func (f *files) Close() error {
	var first error
	for _, w := range f.open {
		if err := w.Close(); err != nil && first == nil {
			first = err
		}
	}
	clear(f.open)
	return first
}
