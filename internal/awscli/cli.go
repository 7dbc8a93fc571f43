package awscli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/argparse"
)

// Name is the command as users type it, and the name of the service in the AWS CLI.
const Name = "ecr-public"

// A CLI is what the command line needs of its surroundings. Settings come from the environment and the files of the AWS
// SDK.
type CLI struct {
	Version string // of this program, for --version and the User-Agent
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	// Local tells where the server of this machine is. It is asked only if no endpoint, profile or AWS_ variable is
	// given. It may be nil.
	Local func() (Server, bool)
}

// A Server is an address and a key that it accepts.
type Server struct{ URL, AccessKeyID, SecretAccessKey string }

// Run runs the command and returns its exit code. The arguments are those after "ecr-public". Ending ctx is an
// interruption by the user.
func (c *CLI) Run(ctx context.Context, args []string) int {
	return report(ctx, c.run(ctx, args), c.Stdout, c.Stderr)
}

func (c *CLI) run(ctx context.Context, args []string) error {
	if slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		names := commandNames()
		return c.helpFor(slices.DeleteFunc(slices.Clone(args), func(a string) bool { return !slices.Contains(names, a) }))
	}
	g, rest, err := parseGlobals(args)
	if err != nil {
		return err
	}
	if g.version {
		_, err := fmt.Fprintln(c.Stdout, "openecr/"+c.Version)
		return err
	}
	s, err := c.newSession(g)
	if err != nil {
		return err
	}
	name, rest, err := parseOperation(rest)
	if err != nil {
		return err
	}
	switch name {
	case "help":
		return c.helpFor(nil)
	case loginCommand:
		return s.loginPassword(ctx, rest)
	}
	cmd, err := newCommand(name)
	if err != nil {
		return err
	}
	return s.operation(ctx, cmd, rest)
}

// parseOperation takes the name of the operation from the arguments.
func parseOperation(args []string) (name string, rest []string, err error) {
	parser := argparse.Parser{Positional: &argparse.Positional{Name: "operation", Choices: append(commandNames(), "help")}}
	result, err := parser.Parse(args)
	if err != nil {
		return "", nil, usageError(err)
	}
	return *result.Positional, result.Rest, nil
}

// commandNames are the names of the operations and of the one command that is none.
func commandNames() []string {
	var names []string
	for _, op := range ecrpublic.Operations() {
		names = append(names, kebab(op.Name))
	}
	return append(names, loginCommand)
}

// kebab is a name of the API as a word of the command line: "layerDigests" is "layer-digests".
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if 'A' <= r && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// A session is one run of the command line with its settings.
type session struct {
	*CLI
	globals
	settings settings // of the profile
}

func (c *CLI) newSession(g globals) (*session, error) {
	s := &session{CLI: c, globals: g, settings: profileSettings(g.profile)}
	if f := s.settings["cli_timestamp_format"]; f != "" && f != "wire" && f != "iso8601" {
		return nil, failf(exitConfiguration, `Unknown cli_timestamp_format value: %s, valid values are "wire" or "iso8601"`, f)
	}
	return s, nil
}

// isTerminal tells whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
