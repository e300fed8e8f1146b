package app

import (
	"fmt"

	"lbd/dataplane/accesslog"
	"lbd/internal/logsink"
)

// AccessConfig is the access log as the command line has it.
type AccessConfig struct {
	Dest   string // "" = none
	Format string
	Sample float64
}

func (c AccessConfig) check() error {
	if _, err := accesslog.ParseFormat(c.Format); err != nil {
		return fmt.Errorf("--access-log-format: %w", err)
	}
	return nil
}

// openAccessLog is nil when none is asked for.
func (n *node) openAccessLog() (*accesslog.Log, error) {
	c := n.cfg.Access
	if c.Dest == "" {
		return nil, nil
	}
	f, err := accesslog.ParseFormat(c.Format)
	if err != nil {
		return nil, err
	}
	sink, err := logsink.Open(c.Dest, n.cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("--access-log: %w", err)
	}
	return accesslog.New(accesslog.Config{Format: f, Sink: sink, Sample: c.Sample, Log: n.log.With("part", "accesslog")}), nil
}
