package peerca

import "time"

const (
	// caLife: renewing a CA means telling every node; ten years is longer than
	// a cluster's hardware.
	caLife = 10 * 365 * 24 * time.Hour
	// NodeLife of a node certificate. A node signs its own successor.
	NodeLife = 365 * 24 * time.Hour
	// RenewBefore is how early a node replaces its certificate: a third of its
	// life, so that a node switched off for months still comes back with a valid one.
	RenewBefore = NodeLife / 3
	// backdate forgives clocks that differ between nodes.
	backdate = 24 * time.Hour

	// codeRounds makes guessing a colliding key for a six-digit code cost about
	// 50 ms a try instead of microseconds.
	codeRounds = 200_000

	// maxPEM bounds what is parsed from the network, bytes.
	maxPEM = 64 << 10
)

// domain under which every node has a name that no one else's DNS answers.
const domain = ".lbd.internal"
