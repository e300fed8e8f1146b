package attend

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A signal that comes while the process turns ends what it attends, whatever becomes
// of itself.
func TestSignalsDuringExec(t *testing.T) {
	for i := range 25 {
		end(t, i, unix.SIGTERM, 7, 128+int(unix.SIGTERM))
	}
}
