package raft

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a disk that takes its time for each piece.
type slowly struct{ each time.Duration }

func (s slowly) Write(b []byte) (int, error) { time.Sleep(s.each / 2); return len(b), nil }
func (s slowly) sync() error                 { time.Sleep(s.each / 2); return nil }

// TestLargeFilesLeaveTimeForOthers: writing takes a quarter of the time, what is done
// between the pieces included, and where the disk is very slow not much longer than it has to.
func TestLargeFilesLeaveTimeForOthers(t *testing.T) {
	for each, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond: 20 * 40 * time.Millisecond, 2 * time.Second: 20 * 3 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var w io.Writer = &pieces{w: slowly{each / 2}, sync: slowly{each / 2}.sync, rest: time.Sleep, began: began}
			for range 20 {
				time.Sleep(each / 2) // makes the piece: half of its cost
				if n, err := w.Write(make([]byte, pieceSize)); n != pieceSize || err != nil {
					t.Fatal(n, err)
				}
			}
			if took := time.Since(began); took != want {
				t.Errorf("pieces of %s each: %s, want %s", each, took, want)
			}
		})
	}
}
