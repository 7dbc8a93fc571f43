package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/openecr/openecr/internal/awscli"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to explain."`
}

// Run prints the help of a command, or of all.
func (h *helpCommand) Run(ctx *kong.Context) error {
	if len(h.Command) > 0 && h.Command[0] == awscli.Name {
		os.Exit(runECRPublic(append(h.Command[1:], "help")))
	}
	_, err := ctx.Kong.Parse(append(h.Command, "--help")) // prints it and ends the process
	return err
}

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script for the shell to load.
func (c *completionCommand) Run(ctx *kong.Context) error {
	var commands []awscli.Word
	for _, node := range ctx.Model.Children {
		if !node.Hidden && node.Name != awscli.Name {
			commands = append(commands, awscli.Word{Text: node.Name, Help: node.Help})
		}
	}
	script, err := awscli.Completion(c.Shell, commands)
	if err == nil {
		_, err = fmt.Print(script)
	}
	return err
}

type manCommand struct {
	Folder string `arg:"" help:"Where to write the pages: FOLDER/man1 is made. Put FOLDER into MANPATH to read them."`
}

// Run writes a man page for every operation of the API.
func (m *manCommand) Run() error {
	folder := filepath.Join(m.Folder, "man1")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range awscli.ManPages() {
		if err := os.WriteFile(filepath.Join(folder, name+".1"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
