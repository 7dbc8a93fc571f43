package awscli

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Exit codes, as https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html has them.
const (
	exitOK            = 0
	exitInterrupted   = 130 // by the user
	exitUsage         = 252 // the command line or a parameter is wrong; nothing was sent
	exitConfiguration = 253 // the settings or credentials are wrong or missing
	exitService       = 254 // the service answered an error
	exitFailure       = 255 // anything else
)

// A failure is an error with an exit code of its own. Other errors have [exitFailure].
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failf(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

// parameterError is about the value of one option.
func parameterError(option, format string, args ...any) error {
	return failf(exitUsage, "Error parsing parameter '%s': %w", option, fmt.Errorf(format, args...))
}

const usage = `usage: openecr ecr-public [options] <operation> [parameters]
To see help text, you can run:

  openecr ecr-public help
  openecr ecr-public <operation> help
`

// usageError is about options that could not be read.
func usageError(err error) error {
	return failf(exitUsage, "%s\nopenecr: error: %w\n", usage, err)
}

func unknownOptions(list string) error {
	return failf(exitUsage, "%s\nUnknown options: %s\n", usage, list)
}

// report prints an error and returns the exit code that goes with it.
func report(ctx context.Context, err error, stdout, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stdout)
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "\n%v\n", err)
	if f := (*failure)(nil); errors.As(err, &f) {
		return f.code
	}
	return exitFailure
}
