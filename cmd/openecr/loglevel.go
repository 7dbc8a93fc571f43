package main

import (
	"fmt"
	"io"

	"github.com/openecr/openecr/internal/app"
)

type logLevelCommand struct {
	target          `embed:""`
	app.SetLogLevel `embed:""`
}

func (c *logLevelCommand) Run() error {
	return administer(c.target, c.SetLogLevel, func(w io.Writer, l app.LogLevel) { fmt.Fprintln(w, l.Level) })
}
