// Command openecr is a self-hosted Amazon ECR Public: the AWS API and a docker registry over the same data.
//
// One file per command, and no logic: what a command does is in internal/app.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"github.com/openecr/openecr/internal/awscli"
)

// version is set when a release is built; see the Makefile.
var version = "dev"

// commands is the command line. Every option is also an environment variable, named in its help.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Run the registry: the AWS API and the docker registry on one port."`
	Env        envCommand        `cmd:"" help:"Print what points aws, SDKs and docker at the registry: eval \"$(openecr env)\"."`
	Health     healthCommand     `cmd:"" help:"Tell by the exit status whether the server on this machine can do its work."`
	Account    accountCommand    `cmd:"" help:"Accounts: whose registries these are."`
	Alias      aliasCommand      `cmd:"" help:"Aliases: the names under which registries are reached."`
	Key        keyCommand        `cmd:"" help:"Access keys: who may push, and what else."`
	TokenKey   tokenKeyCommand   `cmd:"" help:"Keys that docker logins, bearer tokens and sessions are signed with."`
	Webhook    webhookCommand    `cmd:"" help:"Webhooks: who hears of pushes and deletes."`
	LogLevel   logLevelCommand   `cmd:"" help:"Show or set from which level on a running server logs."`
	GC         gcCommand         `cmd:"" name:"gc" help:"Remove now what nobody needs any more; a server also does it by itself."`
	Verify     verifyCommand     `cmd:"" help:"Look whether everything is whole: tags, images, layers and their bytes. Exit status 0: it is. 1: something is broken. 2: something could not be looked at. 3: what was broken is out of sight."`
	Backup     backupCommand     `cmd:"" help:"Copy the registry into a folder, while it is served or not, beside earlier backups."`
	Restore    restoreCommand    `cmd:"" help:"Make empty stores of any kind the registry that a backup holds."`
	Migrate    migrateCommand    `cmd:"" help:"Move the registry to other stores, while it is served or not."`
	ReadOnly   readOnlyCommand   `cmd:"" help:"Refuse pushes for a while, for instance while data moves."`
	Push       pushCommand       `cmd:"" help:"Push an image from a file."`
	PushLayer  pushLayerCommand  `cmd:"" help:"Push files as layers."`
	ECRPublic  ecrPublicCommand  `cmd:"" name:"ecr-public" passthrough:"" help:"The API as a command line, with the options and the output of aws ecr-public."`
	Completion completionCommand `cmd:"" help:"Print the completion of this command line for bash, zsh or fish."`
	Man        manCommand        `cmd:"" help:"Write the man pages of ecr-public and its operations."`
	Help       helpCommand       `cmd:"" help:"Explain a command."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

type versionCommand struct{}

func (versionCommand) Run() error {
	_, err := fmt.Println("openecr " + version)
	return err
}

// usualGC is how much garbage there may be, in percent of what is alive. Commands have more than that: little becomes garbage while
// they start, and collecting it would be a good part of what they cost. A server goes back to it once it has started.
var usualGC int

func main() {
	usualGC = debug.SetGCPercent(400)
	if len(os.Args) > 1 && os.Args[1] == awscli.Name { // its arguments are not ours to parse, and scripts call it often
		os.Exit(runECRPublic(os.Args[2:]))
	}
	var c commands
	parser := kong.Must(&c, kong.Name("openecr"), kong.Description("A self-hosted Amazon ECR Public."), kong.ShortUsageOnError())
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "openecr: "+err.Error())
		os.Exit(exitStatus(err))
	}
}

// exitStatus is 1 unless the error says something else.
func exitStatus(err error) int {
	var e kong.ExitCoder
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return 1
}
