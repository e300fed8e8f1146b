// Package flagenv gives every command-line flag an environment twin:
// --data-dir is LBD_DATA_DIR. A flag on the command line wins.
package flagenv

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// Prefix of the environment variables.
const Prefix = "LBD_"

// Parse reads args into fs and fills what they left out from the environment.
// It refuses arguments that are no flags unless max allows that many; -1 allows
// any number.
func Parse(fs *flag.FlagSet, args []string, lookup func(string) (string, bool), max int) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	if max >= 0 && fs.NArg() > max {
		return fmt.Errorf("unexpected argument %q", fs.Arg(max))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	fs.VisitAll(func(f *flag.Flag) {
		v, ok := lookup(Name(f.Name))
		if !ok || given[f.Name] {
			return
		}
		if err := f.Value.Set(v); err != nil {
			errs = append(errs, fmt.Errorf("invalid value %q for %s: %w", v, Name(f.Name), err))
		}
	})
	return errors.Join(errs...)
}

// Name is the environment variable of a flag.
func Name(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// DefaultDataDir is /var/lib/lbd for root, ./lbd-data otherwise.
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/lbd"
	}
	return "lbd-data"
}

// SocketName is the node's admin socket inside its data directory: the node
// opens it, the sub-commands use it.
const SocketName = "lbd.sock"
