package harness

import (
	"fmt"
	"io"
	"os"
)

// StartHog keeps one core busy until the test ends.
func (w *World) StartHog() {
	w.T.Helper()
	w.spawn(w.Observer, "_hog")
}

func hogMain([]string) error {
	fmt.Println("ready")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	n := uint64(1)
	for n != 0 { // a power of three never is
		n *= 3
	}
	return nil
}
