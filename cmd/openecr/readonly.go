package main

import (
	"fmt"
	"io"

	"github.com/openecr/openecr/internal/app"
)

type readOnlyCommand struct {
	On  readOnlyOn  `cmd:"" help:"Refuse everything that changes the registry, until it is switched off. Pulls go on."`
	Off readOnlyOff `cmd:"" help:"Take pushes again."`
}

type readOnlyOn struct {
	target `embed:""`
}

func (c *readOnlyOn) Run() error {
	return administer(c.target, app.ReadOnly{On: true}, printReadOnly)
}

type readOnlyOff struct {
	target `embed:""`
}

func (c *readOnlyOff) Run() error { return administer(c.target, app.ReadOnly{}, printReadOnly) }

func printReadOnly(w io.Writer, s app.ReadOnlyState) {
	if s.ReadOnly {
		fmt.Fprintf(w, "read-only since %s\n", date(*s.Since))
		return
	}
	fmt.Fprintln(w, "pushes are taken")
}
