//go:build e2e

package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twoCLIs are the AWS CLI and `openecr ecr-public`, with the same settings and one server.
type twoCLIs struct {
	reference warmAWS
	ours      tool
}

// newTwoCLIs has a server with the repositories and images that the cases speak of.
func newTwoCLIs(t *testing.T) twoCLIs {
	t.Helper()
	s := startServer(t)
	aws := newAWS(t, s)
	aws.tool = aws.with("AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1")
	reference := newWarmAWS(t, aws)
	ours := tool{argv: []string{openecr, "ecr-public", "--endpoint-url", s.url}, env: reference.env}
	for _, c := range readCases(t, "testdata/cli/setup.txt") {
		ours.with(c.env...).run(t, c.args...)
	}
	l := newLayout(t)
	for _, tag := range []string{"1.0", "latest"} {
		cliPush(awsCLI{ours})(t, "hello", tag, l, l.image("amd64", 1, 1<<10))
	}
	return twoCLIs{reference, ours}
}

// outcome is what a command line gives.
type outcome struct {
	Code           int
	Stdout, Stderr string
}

func (c tool) outcome(t *testing.T, env, args []string) outcome {
	t.Helper()
	r := c.with(env...).try(t, "", args...)
	o := outcome{Stdout: r.stdout, Stderr: r.stderr}
	if exit := (*exec.ExitError)(nil); errors.As(r.err, &exit) {
		o.Code = exit.ExitCode()
	} else if r.err != nil {
		t.Fatal(r.err)
	}
	return o
}

var (
	usageBeforeError   = regexp.MustCompile(`(?s)^\nusage: .*?(?:aws|openecr): (error: )`)
	usageBeforeUnknown = regexp.MustCompile(`(?s)^\nusage: .*?\n(Unknown options: )`)
	offAmongChoices    = regexp.MustCompile(`(yaml-stream {29}) \| off {37}`)
	yamlComment        = regexp.MustCompile(`(?m) +#( \[REQUIRED\])?.*$`)
	timeOfDay          = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{6})?[-+]\d\d:\d\d`)
	uploadName         = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// comparable leaves out what may differ: usage lines, the format off, which the reference does not have, and comments of
// YAML skeletons but for [REQUIRED].
func (o outcome) comparable(c cliCase) outcome {
	o.Stderr = usageBeforeError.ReplaceAllString(o.Stderr, "$1")
	o.Stderr = usageBeforeUnknown.ReplaceAllString(o.Stderr, "$1")
	o.Stderr = offAmongChoices.ReplaceAllString(o.Stderr, "$1")
	if c.onlyStdout {
		o.Stderr = ""
	}
	if strings.Contains(c.line, "yaml-input") {
		o.Stdout = yamlComment.ReplaceAllString(o.Stdout, " #$1")
	}
	return o
}

// same runs a case on both and compares.
func (b twoCLIs) same(t *testing.T, c cliCase) {
	t.Helper()
	want := b.reference.outcome(t, c.env, c.args).comparable(c)
	got := b.ours.outcome(t, c.env, c.args).comparable(c)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n(-aws +openecr):\n%s", c.line, diff)
	}
}

// sameAll runs cases that change nothing, two at a time.
func (b twoCLIs) sameAll(t *testing.T, cases []cliCase) {
	t.Helper()
	queue := make(chan cliCase)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for c := range queue {
				b.same(t, c)
			}
		})
	}
	for _, c := range cases {
		queue <- c
	}
	close(queue)
	workers.Wait()
}

func TestCLIIsLikeAWS(t *testing.T) {
	both := newTwoCLIs(t)
	files, err := filepath.Glob("testdata/cli/same-*.txt")
	must(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			both.sameAll(t, readCases(t, file))
		})
	}
	t.Run("skeletons", func(t *testing.T) { both.sameAll(t, skeletonCases(t)) })
	t.Run("changes", func(t *testing.T) {
		for _, c := range readCases(t, "testdata/cli/changes.txt") {
			both.sameChange(t, c)
		}
	})
}

// sameChange runs a case that changes something, first on the reference: @ in it is another letter for each, and times
// and names of uploads are not compared.
func (b twoCLIs) sameChange(t *testing.T, c cliCase) {
	t.Helper()
	run := func(cli func(t *testing.T, env, args []string) outcome, letter string) outcome {
		var args []string
		for _, arg := range c.args {
			args = append(args, strings.ReplaceAll(arg, "@", letter))
		}
		o := cli(t, c.env, args).comparable(c)
		for _, text := range []*string{&o.Stdout, &o.Stderr} {
			*text = timeOfDay.ReplaceAllString(*text, "TIME")
			*text = uploadName.ReplaceAllString(*text, "UPLOAD")
			*text = strings.ReplaceAll(*text, "by-"+letter, "by-@")
		}
		return o
	}
	if diff := cmp.Diff(run(b.reference.outcome, "a"), run(b.ours.outcome, "b")); diff != "" {
		t.Errorf("%s\n(-aws +openecr):\n%s", c.line, diff)
	}
}

// skeletonCases are every kind of skeleton of every operation; input is the kind when none is said.
func skeletonCases(t *testing.T) []cliCase {
	t.Helper()
	var cases []cliCase
	for _, full := range readCases(t, "testdata/cli/skeleton-parameters.txt") {
		name := full.args[0]
		for _, args := range [][]string{
			{name, "--generate-cli-skeleton"},
			{name, "--generate-cli-skeleton", "yaml-input"},
			append(full.args[:len(full.args):len(full.args)], "--generate-cli-skeleton", "output"),
		} {
			cases = append(cases, cliCase{line: strings.Join(args, " "), args: args})
		}
	}
	if operations := len(cases) / 3; operations != 23 {
		t.Errorf("skeleton-parameters.txt has %d operations, want 23", operations)
	}
	return cases
}
