package harness

import (
	"fmt"
	"os"
	"testing"
)

// Main is TestMain for a package that uses the harness: the same binary serves
// as the helpers that live inside namespaces.
func Main(m *testing.M) {
	if len(os.Args) > 1 {
		helpers := map[string]func(args []string) error{"_probe": probeMain, "_kept": keptMain, "_arp": arpMain, "_nd": ndMain, "_web": webMain, "_hog": hogMain, "_stall": stallMain}
		if f, ok := helpers[os.Args[1]]; ok {
			if err := f(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}
