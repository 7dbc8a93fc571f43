package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openecr/openecr/internal/app"
)

// jsonSettings is one object of names and values.
func jsonSettings(env app.Environment) (string, error) {
	values := make(map[string]string)
	for _, s := range settings(env) {
		if s.value != "" {
			values[s.name] = s.value
		}
	}
	return indented(values)
}

// credentialProcess is what AWS tools expect of a credential_process ("Sourcing credentials with an external process" in
// the AWS SDKs and Tools Reference Guide). Without an expiration they keep the key as long as they run.
func credentialProcess(env app.Environment) (string, error) {
	return indented(struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
	}{1, env.AccessKeyID, env.SecretAccessKey})
}

func indented(v any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return text.String(), err
}

// dotenvSettings is read by many programs, of which docker --env-file takes every character as it stands. So a value
// stays bare where it can; between single quotes no reader of dotenv interprets anything, and no escape is common to all.
func dotenvSettings(env app.Environment) (string, error) {
	var file strings.Builder
	for _, s := range settings(env) {
		value := plainWord(s.value)
		switch {
		case s.value == "":
			continue
		case strings.ContainsAny(s.value, "'\r\n"):
			return "", fmt.Errorf("%s has a quote or a line break in it, which dotenv files cannot hold: use another format", s.name)
		case value == "":
			value = "'" + s.value + "'"
		}
		fmt.Fprintf(&file, "%s=%s\n", s.name, value)
	}
	return file.String(), nil
}

// awsProfile is for ~/.aws/config. The key is not in it: AWS tools run program for it. They read the value as a shell
// does, but to them " #" and ";" begin a comment wherever they stand.
func awsProfile(env app.Environment, program, data string) (string, error) {
	for _, path := range []string{program, data, env.Certificate} {
		if strings.ContainsAny(path, "#;\r\n") {
			return "", fmt.Errorf("path %q cannot stand in an AWS profile: it must have no '#', ';' or line break", path)
		}
	}
	var file strings.Builder
	fmt.Fprintf(&file, `[profile openecr]
region = %s
services = openecr
credential_process = %s env --format credential-process --data %s
`, region, quoteIfNeeded(program), quoteIfNeeded(data))
	if env.Certificate != "" {
		fmt.Fprintf(&file, "ca_bundle = %s\n", env.Certificate)
	}
	fmt.Fprintf(&file, `
[services openecr]
ecr_public =
  endpoint_url = %[1]s
sts =
  endpoint_url = %[1]s
`, env.URL)
	return file.String(), nil
}
