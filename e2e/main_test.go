package e2e

import (
	"testing"

	"lbd/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
