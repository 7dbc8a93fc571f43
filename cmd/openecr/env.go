package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/app"
)

const defaultData = "./openecr-data"

type envCommand struct {
	Data   string `help:"Data folder of the registry." default:"./openecr-data" env:"OPENECR_DATA" placeholder:"DIR"`
	Format string `help:"${enum}: settings for eval, as JSON, for docker --env-file and the like, as an AWS profile, or the key for the credential_process of a profile." enum:"shell,json,dotenv,profile,credential-process" default:"shell"`
	Unset  bool   `help:"Print what gives a shell back what it had before."`
	// Read by commands.BeforeResolve: the file may say where the data is.
	ConfigFile string `name:"config" help:"YAML file that openecr serve was started with." env:"OPENECR_CONFIG" placeholder:"FILE"`
}

// Run prints what was asked for on standard output and nothing else, so that eval and AWS tools can take it.
func (e *envCommand) Run() error {
	if e.Unset {
		_, err := io.WriteString(os.Stdout, shellUnset())
		return err
	}
	env, err := app.ReadEnvironment(e.Data)
	if err != nil {
		return err
	}
	var text string
	switch e.Format {
	case "json":
		text, err = jsonSettings(env)
	case "dotenv":
		text, err = dotenvSettings(env)
	case "profile":
		text, err = e.profile(env)
	case "credential-process":
		text, err = credentialProcess(env)
	default:
		text = shellSettings(env)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, text)
	return err
}

// profile is what AWS tools run and read instead of the environment.
func (e *envCommand) profile(env app.Environment) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find out where this program lies: %w", err)
	}
	data, err := filepath.Abs(e.Data)
	if err != nil {
		return "", err
	}
	return awsProfile(env, program, data)
}

// region is accepted like any other; one must be set, or AWS tools refuse to start.
const region = "us-east-1"

// setting is a variable of the environment. Every setting has a name; one without a value is not for this server.
type setting struct{ name, value string }

func settings(env app.Environment) []setting {
	return []setting{
		{"AWS_ACCESS_KEY_ID", env.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", env.SecretAccessKey},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_ENDPOINT_URL_ECR_PUBLIC", env.URL},
		{"AWS_ENDPOINT_URL_STS", env.URL},
		{"AWS_CA_BUNDLE", env.Certificate},
		{"OPENECR_REGISTRY", env.Registry},
	}
}

// cleared are settings that would make AWS tools sign with something else than the key above.
var cleared = []string{"AWS_SESSION_TOKEN", "AWS_PROFILE"}

// kept is the prefix under which a shell keeps what it had before, for --unset to give back.
const kept = "OPENECR_KEPT_"

// changed are all variables that shellSettings touches.
func changed() []string {
	names := slices.Clone(cleared)
	for _, s := range settings(app.Environment{}) {
		names = append(names, s.name)
	}
	return names
}

// shellSettings keeps what the shell had, unless it is pointed at a registry already.
func shellSettings(env app.Environment) string {
	var script strings.Builder
	script.WriteString("if [ -z \"${OPENECR_REGISTRY+x}\" ]; then\n")
	for _, name := range changed() {
		fmt.Fprintf(&script, "  [ -z \"${%[1]s+x}\" ] || export %[2]s%[1]s=\"$%[1]s\"\n", name, kept)
	}
	script.WriteString("fi\n")
	for _, s := range settings(env) {
		if s.value != "" {
			fmt.Fprintf(&script, "export %s=%s\n", s.name, quote(s.value))
		}
	}
	fmt.Fprintf(&script, "unset %s\n", strings.Join(cleared, " "))
	return script.String()
}

func shellUnset() string {
	var script strings.Builder
	fmt.Fprintf(&script, "unset %s\n", strings.Join(changed(), " "))
	for _, name := range changed() {
		fmt.Fprintf(&script, "[ -z \"${%[2]s%[1]s+x}\" ] || { export %[1]s=\"$%[2]s%[1]s\"; unset %[2]s%[1]s; }\n", name, kept)
	}
	return script.String()
}

// quote makes a word of any string, for every shell of the Bourne family.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteIfNeeded leaves alone what is a word as it is.
func quoteIfNeeded(s string) string {
	return cmp.Or(plainWord(s), quote(s))
}

// plainWord is s if no format reads anything into it, else empty.
func plainWord(s string) string {
	const others = "/._-+=:@,%"
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r))
	}
	if strings.ContainsFunc(s, special) {
		return ""
	}
	return s
}
