// Package output writes values of package document in the formats of --output, byte for byte as the AWS CLI v2 does.
//
// It formats one value at a time and knows neither queries nor pages: what is printed, and in how many pieces, is for
// package awscli to say. One file per format.
package output

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/openecr/openecr/internal/awscli/document"
)

// Formats are the names that --output takes.
func Formats() []string { return []string{"json", "text", "table", "yaml", "yaml-stream", "off"} }

// Table options, which the other formats do not need.
type Table struct {
	Title string // the operation, such as "DescribeImages"
	Color bool   // escape sequences for a terminal
	Width int    // columns of the terminal: a wider table is turned on its side
}

// Write prints v in one of [Formats]; yaml-stream makes it an item of a list. It fails without having written anything
// if the format does not exist or cannot show such a value, and with the writer's error.
func Write(w io.Writer, format string, t Table, v any) error {
	var b bytes.Buffer
	if err := write(&b, format, t, v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func write(b *bytes.Buffer, format string, t Table, v any) error {
	switch format {
	case "json":
		if !emptyObject(v) {
			b.WriteString(document.Result.String(v) + "\n")
		}
	case "yaml":
		if !emptyObject(v) {
			writeYAML(b, v)
		}
	case "yaml-stream":
		writeYAML(b, document.NewList(v))
	case "text":
		return writeText(b, v)
	case "table":
		return writeTable(b, t, v)
	case "off":
	default:
		return fmt.Errorf("Unknown output type: %s", format) //nolint:staticcheck // the AWS CLI's text
	}
	return nil
}

// Known tells whether there is a format of that name.
func Known(format string) bool { return slices.Contains(Formats(), format) }

// emptyObject tells whether v is what an operation without a result answers.
func emptyObject(v any) bool {
	o, ok := v.(*document.Object)
	return ok && o.Len() == 0
}
