package main

import (
	"context"

	"github.com/openecr/openecr/internal/app"
)

type healthCommand struct{ app.Health }

// Run prints nothing when the server is ready, and fails with the reason when it is not.
func (h *healthCommand) Run() error { return h.Check(context.Background()) }
