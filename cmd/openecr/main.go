// Command openecr is a self-hosted Amazon ECR Public: the AWS API and a docker registry over the same data.
//
// One file per command, and no logic: what a command does is in internal/app.
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// version is set when a release is built; see the Makefile.
var version = "dev"

// commands is the command line. Every option is also an environment variable, named in its help.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the registry: the AWS API and the docker registry on one port."`
	Env     envCommand     `cmd:"" help:"Print what points aws, SDKs and docker at the registry: eval \"$(openecr env)\"."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

type versionCommand struct{}

func (versionCommand) Run() error {
	_, err := fmt.Println("openecr " + version)
	return err
}

func main() {
	var c commands
	parser := kong.Must(&c, kong.Name("openecr"), kong.Description("A self-hosted Amazon ECR Public."), kong.UsageOnError())
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "openecr: "+err.Error())
		os.Exit(1)
	}
}
