package raft

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// bridge lets the Raft library log through slog. Its warnings about single lost
// heartbeats are many and expected: everything below error goes to debug.
type bridge struct {
	log  *slog.Logger
	name string
	args []any
}

var _ hclog.Logger = (*bridge)(nil)

func newBridge(l *slog.Logger, name string) *bridge { return &bridge{log: l, name: name} }

func (b *bridge) emit(level slog.Level, msg string, args []any) {
	if !b.log.Enabled(context.Background(), level) {
		return
	}
	all := append([]any{"lib", b.name}, b.args...)
	for i, a := range args {
		switch v := a.(type) {
		case hclog.Format:
			args[i] = fmt.Sprintf(fmt.Sprint(v[0]), v[1:]...)
		case fmt.Stringer:
			args[i] = v.String()
		}
	}
	b.log.Log(context.Background(), level, "raft: "+msg, append(all, args...)...)
}

func (b *bridge) Log(l hclog.Level, msg string, args ...any) {
	switch l {
	case hclog.Error:
		b.Error(msg, args...)
	default:
		b.emit(slog.LevelDebug, msg, args)
	}
}
func (b *bridge) Trace(string, ...any)          {}
func (b *bridge) Debug(msg string, args ...any) { b.emit(slog.LevelDebug, msg, args) }
func (b *bridge) Info(msg string, args ...any)  { b.emit(slog.LevelDebug, msg, args) }
func (b *bridge) Warn(msg string, args ...any) {
	if !strings.Contains(msg, "using fallback address") { // with every message to a member that has not moved
		b.emit(slog.LevelDebug, msg, args)
	}
}

func (b *bridge) Error(msg string, args ...any) {
	// A peer that is away makes an error per beat: Quorum and the peers' reports
	// say it once. Only what concerns this node's own disk and state is kept loud.
	level := slog.LevelDebug
	for _, own := range []string{"commit logs", "append to logs", "snapshot", "persist", "get log", "clear log", "restore"} {
		if strings.Contains(msg, own) && !strings.Contains(msg, "install snapshot") {
			level = slog.LevelError
		}
	}
	b.emit(level, msg, args)
}

func (b *bridge) IsTrace() bool { return false }
func (b *bridge) IsDebug() bool { return b.log.Enabled(context.Background(), slog.LevelDebug) }
func (b *bridge) IsInfo() bool  { return b.IsDebug() }
func (b *bridge) IsWarn() bool  { return b.IsDebug() }
func (b *bridge) IsError() bool { return b.log.Enabled(context.Background(), slog.LevelError) }

func (b *bridge) ImpliedArgs() []any { return b.args }
func (b *bridge) With(args ...any) hclog.Logger {
	return &bridge{b.log, b.name, append(append([]any{}, b.args...), args...)}
}
func (b *bridge) Name() string                     { return b.name }
func (b *bridge) Named(n string) hclog.Logger      { return &bridge{b.log, b.name + "." + n, b.args} }
func (b *bridge) ResetNamed(n string) hclog.Logger { return &bridge{b.log, n, b.args} }
func (b *bridge) SetLevel(hclog.Level)             {}
func (b *bridge) GetLevel() hclog.Level {
	if b.IsDebug() {
		return hclog.Debug
	}
	return hclog.Error
}

func (b *bridge) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(b.log.Handler(), slog.LevelDebug)
}
func (b *bridge) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }
