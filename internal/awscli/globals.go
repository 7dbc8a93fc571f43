package awscli

import (
	"fmt"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/awscli/argparse"
	"github.com/openecr/openecr/internal/awscli/document"
	"github.com/openecr/openecr/internal/awscli/jmespath"
	"github.com/openecr/openecr/internal/awscli/output"
)

// A globalOption is an option that every operation takes, with its help.
type globalOption struct {
	argparse.Option
	help string
}

// globalOptions returns them in the order of the AWS CLI, which abbreviations and help show.
func globalOptions() []globalOption {
	on, value := argparse.None, argparse.One
	return []globalOption{
		{argparse.Option{Name: "--debug", Count: on}, "Print the requests and answers on standard error, without bodies and secrets."},
		{argparse.Option{Name: "--endpoint-url", Count: value}, "Call the service at this URL, such as http://127.0.0.1:8080."},
		{argparse.Option{Name: "--no-verify-ssl", Count: on}, "Accept any TLS certificate."},
		{argparse.Option{Name: "--no-paginate", Count: on}, "Make one call only, even if there are more pages."},
		{argparse.Option{Name: "--output", Count: value, Choices: output.Formats()}, "The format of the result. off prints nothing, errors excepted."},
		{argparse.Option{Name: "--query", Count: value}, "A JMESPath expression that picks from the result what is printed."},
		{argparse.Option{Name: "--profile", Count: value}, "The profile of the AWS configuration and credentials files to use."},
		{argparse.Option{Name: "--region", Count: value}, "The region to sign requests for."},
		{argparse.Option{Name: "--color", Count: value, Choices: []string{"on", "off", "auto"}}, "Whether tables are colored; auto does so on a terminal."},
		{argparse.Option{Name: "--no-sign-request", Count: on}, "Send the request without a signature; no credentials are looked for."},
		{argparse.Option{Name: "--ca-bundle", Count: value}, "A file of CA certificates to trust instead of the system's."},
		{argparse.Option{Name: "--cli-read-timeout", Count: value}, "How many seconds to wait for an answer: 60 if not given, for ever if 0."},
		{argparse.Option{Name: "--cli-connect-timeout", Count: value}, "How many seconds to wait for a connection: 60 if not given, for ever if 0."},
		{argparse.Option{Name: "--cli-binary-format", Count: value, Choices: []string{"base64", "raw-in-base64-out"}},
			"How binary values are given: base64 as base64, raw-in-base64-out as they are. Files named with fileb:// are always taken as they are."},
		{argparse.Option{Name: "--no-cli-pager", Count: on}, "Do not show the result in a pager."},
		{argparse.Option{Name: "--cli-auto-prompt", Count: on}, "Not offered by openecr: it never asks."},
		{argparse.Option{Name: "--no-cli-auto-prompt", Count: on}, "Accepted and without effect."},
		{argparse.Option{Name: "--version", Count: on, Last: true}, "Print the version."},
	}
}

// globals are the values of the global options.
type globals struct {
	version, debug          bool
	endpoint                string
	verifyTLS, paginate     bool
	output, profile, region string
	query                   *jmespath.Expression
	color                   string
	sign                    bool
	caBundle                string
	readTimeout             time.Duration // 0 is none
	connectTimeout          time.Duration
	binaryFormat            string
	pager                   bool
}

// parseGlobals takes the global options from wherever they stand.
func parseGlobals(args []string) (g globals, rest []string, err error) {
	parser := argparse.Parser{Positional: &argparse.Positional{Name: "command"}}
	for _, o := range globalOptions() {
		parser.Options = append(parser.Options, &o.Option)
	}
	r, err := parser.Parse(append([]string{Name}, args...))
	if err != nil {
		return globals{}, nil, usageError(err)
	}
	if r.Stopped != "" {
		return globals{version: true}, nil, nil
	}
	if r.Has("--cli-auto-prompt") {
		if r.Has("--no-cli-auto-prompt") {
			return globals{}, nil, failf(exitUsage, "Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.")
		}
		return globals{}, nil, failf(exitUsage, "openecr has no interactive prompt: leave out --cli-auto-prompt")
	}
	g = globals{
		debug:     r.Has("--debug"),
		verifyTLS: !r.Has("--no-verify-ssl"),
		paginate:  !r.Has("--no-paginate"),
		sign:      !r.Has("--no-sign-request"),
		pager:     !r.Has("--no-cli-pager"),
		color:     "auto",
	}
	for name, to := range map[string]*string{
		"--output": &g.output, "--profile": &g.profile, "--region": &g.region, "--ca-bundle": &g.caBundle,
		"--color": &g.color, "--cli-binary-format": &g.binaryFormat, "--endpoint-url": &g.endpoint,
	} {
		if v, ok := r.One(name); ok {
			*to = v
		}
	}
	return g, r.Rest, g.interpret(r)
}

// interpret reads the options whose values have a form of their own, in the order in which the AWS CLI complains.
func (g *globals) interpret(r *argparse.Result) (err error) {
	if text, ok := r.One("--query"); ok {
		if g.query, err = jmespath.Compile(text); err != nil {
			return failf(exitUsage, "Bad value for --query %s: %w", text, err)
		}
	}
	if scheme, _, ok := strings.Cut(g.endpoint, ":"); r.Has("--endpoint-url") && (!ok || scheme == "") {
		return failf(exitUsage, "Bad value for --endpoint-url \"%s\": scheme is missing.  Must be of the form "+
			"http://<hostname>/ or https://<hostname>/", g.endpoint)
	}
	if g.readTimeout, err = timeout(r, "--cli-read-timeout"); err == nil {
		g.connectTimeout, err = timeout(r, "--cli-connect-timeout")
	}
	return err
}

func timeout(r *argparse.Result, name string) (time.Duration, error) {
	text, ok := r.One(name)
	if !ok {
		return time.Minute, nil
	}
	n, err := document.ParseInt(text)
	if err != nil {
		return 0, err
	}
	seconds, fits := n.(int64)
	if !fits || seconds < 0 || seconds > 1<<31 {
		return 0, fmt.Errorf("%s %s is no number of seconds", name, text)
	}
	return time.Duration(seconds) * time.Second, nil
}
