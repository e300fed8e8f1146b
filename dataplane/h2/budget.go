package h2

import "time"

// budget is a token bucket for frames that cost work and carry no request:
// SETTINGS, PING, PRIORITY, RST_STREAM, WINDOW_UPDATE, tiny DATA, what is unknown.
// Time fills it slowly, and so does real traffic.
type budget struct {
	left float64
	at   time.Time
}

// spend takes price; false when the client has used up its patience.
func (b *budget) spend(price float64, now time.Time) bool {
	if b.at.IsZero() {
		b.left = budgetFull
	} else {
		b.left += now.Sub(b.at).Seconds() * budgetPerSec
	}
	b.at = now
	b.left = min(b.left, budgetFull) - price
	return b.left >= 0
}

// earn gives back what honest traffic costs.
func (b *budget) earn(gain float64) { b.left = min(b.left+gain, budgetFull) }
