package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/openecr/openecr/internal/app"
)

// target is what every command on accounts, aliases and keys can be told: where the data is and how to answer.
type target struct {
	app.Stores `embed:""`
	Output     string `help:"How to print the answer: ${enum}." enum:"table,json" default:"table"`
}

// administer runs a command and prints its answer, as JSON or as table has it.
func administer[Out any](t target, c app.Command[Out], table func(io.Writer, Out)) error {
	out, err := app.Administer(context.Background(), t.Stores, c)
	if err != nil {
		return err
	}
	return printAnswer(t.Output, out, table)
}

// printAnswer prints what a command has to say, as output has it: "json", or as table writes it.
func printAnswer[Out any](output string, out Out, table func(io.Writer, Out)) error {
	if output == "json" {
		return printJSON(os.Stdout, out)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	table(w, out)
	return w.Flush()
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func printNothing(io.Writer, app.Nothing) {}

func status(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func date(t time.Time) string { return t.Format(time.DateTime) }
