package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/compose-spec/compose-go/v2/cli"
)

// compose loads a compose file with the variables of an environment file, and prints it as JSON, filled in.
func compose(file, env string, out io.Writer) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithEnvFiles(env), cli.WithDotEnv)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(project, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}
