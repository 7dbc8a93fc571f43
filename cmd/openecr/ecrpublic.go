package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/openecr/openecr/internal/app"
	"github.com/openecr/openecr/internal/awscli"
)

// ecrPublicCommand takes its arguments as they are: they are those of another command line.
type ecrPublicCommand struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

// Run ends the process with the exit codes of the AWS CLI.
func (c *ecrPublicCommand) Run() error {
	os.Exit(runECRPublic(c.Args))
	return nil
}

func runECRPublic(args []string) int {
	signal.Ignore(syscall.SIGPIPE) // that nobody reads on is no error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli := awscli.CLI{Version: version, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Local: localServer}
	return cli.Run(ctx, args)
}

// localServer is the server that last ran on the default data folder, or the one that OPENECR_DATA names.
func localServer() (awscli.Server, bool) {
	data := os.Getenv("OPENECR_DATA")
	if data == "" {
		data = defaultData
	}
	env, err := app.ReadEnvironment(data)
	if err != nil {
		return awscli.Server{}, false
	}
	return awscli.Server{URL: env.URL, AccessKeyID: env.AccessKeyID, SecretAccessKey: env.SecretAccessKey}, true
}
