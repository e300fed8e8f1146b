package vrrp

import "time"

// vrids is which VRIDs others were heard to use on one link, for one family, and
// when.
type vrids [256]time.Time

// taken reports whether the VRID counts as somebody else's.
func (v *vrids) taken(vrid uint8, now time.Time) bool {
	at := v[vrid]
	return !at.IsZero() && now.Sub(at) < vridTaken
}

// choose the first from start on, which is not 0, that is nobody's; 0 when all are
// taken.
func (v *vrids) choose(start uint8, now time.Time) uint8 {
	for i := range 255 {
		if id := uint8((int(start)-1+i)%255) + 1; !v.taken(id, now) {
			return id
		}
	}
	return 0
}
