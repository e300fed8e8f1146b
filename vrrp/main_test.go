package vrrp

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is also the two processes of the product: `TEST holder` is the
// child, `TEST parent` a parent driven through its standard input.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case HolderCommand:
			os.Exit(HolderMain(HolderFD))
		case "parent":
			os.Exit(parentMain())
		}
	}
	// The race detector has each process wait a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	goleak.VerifyTestMain(m)
}
