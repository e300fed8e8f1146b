package httpdate

import (
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	east := time.FixedZone("east", 3*3600)
	for _, tc := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(1994, 11, 6, 11, 49, 37, 0, east), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{time.Date(1994, 11, 6, 8, 49, 37, 999, time.UTC), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{time.Date(1994, 11, 6, 8, 49, 38, 0, time.UTC), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"},
	} {
		if got := string(at(tc.at)); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.at, got, tc.want)
		}
	}
	Line()
	if n := testing.AllocsPerRun(100, func() { at(time.Unix(5, 0)) }); n != 0 {
		t.Errorf("%v allocations a line within one second", n)
	}
}
