package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/openecr/openecr/internal/app"
)

const defaultData = "./openecr-data"

type envCommand struct {
	Data  string `help:"Data folder of the registry." default:"./openecr-data" env:"OPENECR_DATA" placeholder:"DIR"`
	Unset bool   `help:"Print what takes the settings back."`
}

// Run prints shell commands on standard output and nothing else, so that eval can take them.
func (e *envCommand) Run() error {
	if e.Unset {
		return printUnset(os.Stdout)
	}
	env, err := app.ReadEnvironment(e.Data)
	if err != nil {
		return err
	}
	return printExports(os.Stdout, env)
}

// region is accepted like any other; one must be set, or AWS tools refuse to start.
const region = "us-east-1"

func exports(env app.Environment) [][2]string {
	return [][2]string{
		{"AWS_ACCESS_KEY_ID", env.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", env.SecretAccessKey},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_ENDPOINT_URL_ECR_PUBLIC", env.URL},
		{"OPENECR_REGISTRY", env.Registry},
	}
}

// cleared are settings that would make AWS tools sign with something else than the key above.
var cleared = []string{"AWS_SESSION_TOKEN", "AWS_PROFILE"}

func printExports(w io.Writer, env app.Environment) error {
	var script strings.Builder
	for _, e := range exports(env) {
		fmt.Fprintf(&script, "export %s=%s\n", e[0], quote(e[1]))
	}
	fmt.Fprintf(&script, "unset %s\n", strings.Join(cleared, " "))
	_, err := io.WriteString(w, script.String())
	return err
}

func printUnset(w io.Writer) error {
	names := make([]string, 0, len(exports(app.Environment{})))
	for _, e := range exports(app.Environment{}) {
		names = append(names, e[0])
	}
	_, err := fmt.Fprintf(w, "unset %s\n", strings.Join(names, " "))
	return err
}

// quote makes a word of any string, for every shell of the Bourne family.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
