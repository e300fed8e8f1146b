// Package buildinfo knows which build this is. make sets the variables by
// linker flags; without them the information the Go tool embeds is used, so a
// plain `go build` has a truthful version too.
package buildinfo

import (
	"runtime/debug"
	"sync"
)

// Set by -ldflags -X; empty otherwise. Never written at run time.
var version, commit, date string

// Info says what was built.
type Info struct {
	Version string // "0.1.0", or "devel"
	Commit  string // git revision, "+dirty" appended when the tree was changed
	Date    string // of the commit, RFC 3339
	Go      string // toolchain
}

// Get returns the build's information.
var Get = sync.OnceValue(func() Info {
	i := Info{Version: version, Commit: commit, Date: date}
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return i
	}
	i.Go = bi.GoVersion
	dirty := false
	for _, s := range bi.Settings {
		switch s.Key {
		case "vcs.revision":
			if i.Commit == "" {
				i.Commit = s.Value
			}
		case "vcs.time":
			if i.Date == "" {
				i.Date = s.Value
			}
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if len(i.Commit) > 12 {
		i.Commit = i.Commit[:12]
	}
	if dirty && commit == "" && i.Commit != "" {
		i.Commit += "+dirty"
	}
	if i.Version == "" {
		i.Version = "devel"
	}
	return i
})

// String is "0.1.0 (1a2b3c4d5e6f)".
func (i Info) String() string {
	if i.Commit == "" {
		return i.Version
	}
	return i.Version + " (" + i.Commit + ")"
}
