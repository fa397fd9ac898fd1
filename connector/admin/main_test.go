package admin

import (
	"testing"

	"cc-connector/connector/internal/natstest"
)

func TestMain(m *testing.M) { natstest.Main(m) }
