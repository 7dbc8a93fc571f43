package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for target, want := range map[string][2]string{"hello:1": {"hello", "1"}, "team/hello:v1.2-x_y": {"team/hello", "v1.2-x_y"}} {
		repository, tag, err := parseTarget(target)
		if err != nil || repository != want[0] || string(tag) != want[1] {
			t.Errorf("%s: %q %q %v", target, repository, tag, err)
		}
	}
	for target, want := range map[string]string{
		"hello":                 "write REPOSITORY:TAG",
		"127.0.0.1:8080/a/b":    "has no tag",
		"127.0.0.1:8080/a/b:1":  "without host and alias",
		"hello@sha256:00":       "without host and alias",
		"hello:-":               "image tag",
		"hello:":                "image tag",
		"public.ecr.aws/a/b@x:": "without host and alias",
	} {
		if _, _, err := parseTarget(target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", target, err, want)
		}
	}
}

func TestPushIsLocalOnlyWhenNothingElseIsConfigured(t *testing.T) {
	there, absent := t.TempDir(), filepath.Join(t.TempDir(), "absent")
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		options awsOptions
		env     []string
		want    bool
	}{
		"folder":         {awsOptions{Data: there}, nil, true},
		"named folder":   {awsOptions{Data: absent}, nil, true}, // an error then, not somewhere else
		"no folder":      {awsOptions{Data: defaultData}, nil, false},
		"endpoint":       {awsOptions{Data: there, EndpointURL: "http://x"}, nil, false},
		"profile":        {awsOptions{Data: there, Profile: "x"}, nil, false},
		"environment":    {awsOptions{Data: there}, []string{"PATH=/bin", "AWS_PROFILE=x"}, false},
		"no environment": {awsOptions{Data: there}, []string{"PATH=/bin", "NOT_AWS_PROFILE=x"}, true},
	} {
		if got := c.options.isLocal(c.env); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	must(t, os.Mkdir(defaultData, 0o700))
	if o := (awsOptions{Data: defaultData}); !o.isLocal(nil) {
		t.Error("the default folder is there and not used")
	}
}

func TestPushThatCannotStart(t *testing.T) {
	data := writeData(t, "secret")
	file := filepath.Join(t.TempDir(), "layer")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no tag":        {[]string{"push", file, "hello", "--data", data}, `"hello" has no tag: write REPOSITORY:TAG`},
		"bad name":      {[]string{"push-layer", file, "--repository-name", "HELLO", "--data", data}, `repository name "HELLO" is malformed`},
		"no image":      {[]string{"push", file, "hello:1", "--data", data}, "neither an image layout nor a tar file"},
		"no file":       {[]string{"push-layer", file + "x", "--repository-name", "hello", "--data", data}, "no such file"},
		"no data":       {[]string{"push-layer", file, "--repository-name", "hello", "--data", "absent"}, "no openecr has run on data folder absent"},
		"no endpoint":   {[]string{"push-layer", file, "--repository-name", "hello", "--endpoint-url", "x"}, `the endpoint "x" is not an http or https URL`},
		"no profile":    {[]string{"push-layer", file, "--repository-name", "hello", "--profile", "x"}, "failed to get shared config profile, x"},
		"none parallel": {[]string{"push-layer", file, "--repository-name", "hello", "--parallel", "0"}, "--parallel 0: at least one"},
	} {
		stdout, stderr, status := run(t, nil, c.args...)
		if stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || status != 1 {
			t.Errorf("%s: %d %q %q", name, status, stdout, stderr)
		}
	}
}
