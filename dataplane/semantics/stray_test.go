package semantics

import "testing"

func TestStrayLine(t *testing.T) {
	for _, tc := range []struct {
		in   string
		seen bool
		drop int
		idle bool
		then bool // seen afterwards
	}{
		{"", false, 0, true, false},
		{"\r", false, 0, true, false},
		{"\r\n", false, 2, true, true},
		{"\r\n", true, 0, false, true},
		{"\r\nGET", false, 2, false, true},
		{"\r\n\r\n", false, 2, false, true},
		{"\rG", false, 0, false, false},
		{"\n", false, 0, false, false},
		{"GET", false, 0, false, false},
	} {
		seen := tc.seen
		if drop, idle := Stray([]byte(tc.in), &seen); drop != tc.drop || idle != tc.idle || seen != tc.then {
			t.Errorf("%q seen %v: %d %v %v", tc.in, tc.seen, drop, idle, seen)
		}
	}
}
